"""Three files of any RGB-D camera in, a grasp out: the same call as ``grasping-student predict``.

Here the files come from a made-up camera 0.7 m above two boxes; yours have the same formats.
Run: python examples/03_predict_on_a_depth_image.py [FOLDER]
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from grasping_student.serving.configuration import PredictConfig
from grasping_student.serving.predict import run as predict

WIDTH, HEIGHT, FOCAL, DISTANCE = 640, 480, 525.0, 0.7


def write_frame(folder: Path) -> None:
    """A table and two boxes, 4 and 6 cm high, seen from straight above."""
    columns, rows = np.meshgrid(np.arange(WIDTH) - WIDTH / 2, np.arange(HEIGHT) - HEIGHT / 2)
    depth = np.full((HEIGHT, WIDTH), DISTANCE, dtype=np.float32)
    depth[(abs(columns - 60) < 45) & (abs(rows) < 18)] = DISTANCE - 0.04
    depth[(abs(columns + 70) < 20) & (abs(rows - 40) < 50)] = DISTANCE - 0.06
    np.save(folder / "depth.npy", depth)
    intrinsics = {"fx": FOCAL, "fy": FOCAL, "cx": WIDTH / 2, "cy": HEIGHT / 2, "width": WIDTH, "height": HEIGHT}
    (folder / "camera.json").write_text(json.dumps(intrinsics))
    camera_to_world = np.diag([1.0, -1.0, -1.0, 1.0])  # the camera's z axis points down, its y axis towards us
    camera_to_world[2, 3] = DISTANCE
    np.savetxt(folder / "pose.txt", camera_to_world)


def main(folder: Path) -> None:
    write_frame(folder)
    predict(
        PredictConfig(
            depth=folder / "depth.npy",
            intrinsics=folder / "camera.json",
            camera_to_world=folder / "pose.txt",
            out=folder / "grasp",
            overwrite=True,
        )
    )
    grasp = json.loads((folder / "grasp" / "grasp.json").read_text())["grasp"]
    print(
        f"grasp at x {grasp['x']:+.3f} m, y {grasp['y']:+.3f} m, z {grasp['z']:.3f} m, angle {grasp['angle']:.2f} rad"
    )
    print(f"open the fingers to {1000 * grasp['width']:.0f} mm; picture: {folder / 'grasp' / 'grasp.png'}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
