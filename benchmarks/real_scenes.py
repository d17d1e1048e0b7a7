"""Does the best grasp lie on an item? For a folder of real RGB-D scenes with masks, which are not part of this project.

Each scene is a folder with depth.npy (or depth.png), camera.json, pose.txt, maybe color.png, and segmask.png (non-zero
on items, in the depth picture's pixels). The grasp's point is projected into the mask at the surface and at the finger
tips. Run: python benchmarks/real_scenes.py --scenes FOLDER [--model CHECKPOINT] [--extent 0.45] [--pictures FOLDER]
"""

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from grasping_student.perception.frame import pixels_of_world_points
from grasping_student.perception.frame_files import frame_files, load_frame
from grasping_student.pipeline.errors import UserError
from grasping_student.plotting.prediction_figure import plot_prediction
from grasping_student.serving.loading import load_model
from grasping_student.serving.predict import predict


def on_item(mask: np.ndarray, frame, point: tuple[float, float, float]) -> bool:
    """Whether a world point falls on the mask."""
    row, col, inside = pixels_of_world_points(np.array([point]), frame.intrinsics, frame.camera_to_world)
    return bool(inside[0] and mask[row[0], col[0]] > 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--extent", type=float, default=None)
    parser.add_argument("--pictures", type=Path, default=None)
    arguments = parser.parse_args()
    model = load_model(arguments.model, arguments.extent)
    depth = model.query.gripper.finger_depth
    hits = best_hits = total = grasps = 0
    folders = sorted(path.parent for path in arguments.scenes.rglob("camera.json"))
    for folder in folders:
        frame, _ = load_frame(frame_files(folder))
        mask = cv2.imread(str(folder / "segmask.png"), cv2.IMREAD_GRAYSCALE)
        name = folder.relative_to(arguments.scenes)
        total += 1
        try:
            choice = predict(frame, model, replace(model.query, count=5))
        except UserError as error:
            print(f"{name}: no grasp: {error}")
            continue
        on = [
            (on_item(mask, frame, (x, y, z)), on_item(mask, frame, (x, y, z + depth)))
            for x, y, z in ((g.place.x, g.place.y, g.place.z) for g in choice.grasps)
        ]
        best_hits += all(on[0])
        hits += sum(all(each) for each in on)
        grasps += len(on)
        best = choice.grasps[0].place
        words = "on an item" if all(on[0]) else f"MISSES (tips {on[0][0]}, surface {on[0][1]})"
        print(f"{name}: best grasp {words}, x {best.x:+.3f} y {best.y:+.3f} z {best.z:.3f}, open {best.opening:.3f} m")
        for note in choice.notes:
            print(f"    {note}")
        if arguments.pictures:
            arguments.pictures.mkdir(parents=True, exist_ok=True)
            target = arguments.pictures / ("-".join(name.parts) + ".png")
            plot_prediction(choice, target, frame.rgb is not None)
    print(f"best grasp on an item: {best_hits} of {total}; all grasps: {hits} of {grasps}")


if __name__ == "__main__":
    main()
