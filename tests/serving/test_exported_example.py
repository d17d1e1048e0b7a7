"""The example without the package's code finds the grasps of ``predict`` with the general model."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.serving.tabletop import BOXES, arguments, frame_of, tabletop

from grasping_student.cli.main import main
from grasping_student.perception.frame_files import save_frame
from grasping_student.serving.loading import PRETRAINED

pytest.importorskip("onnxruntime")

EXAMPLE = Path(__file__).parents[2] / "examples" / "07_grasp_with_an_exported_model.py"
HEAVY = {"cv2", "torch", "scipy", "grasping_student", "openvino"}
ALONE = (
    f"import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__'); print(sorted({HEAVY} & set(sys.modules)))"
)


@pytest.mark.parametrize("number", range(3))
def test_the_same_grasp_as_predict_with_numpy_and_a_runtime_alone(tmp_path, number):
    random = np.random.default_rng(number)
    boxes = [(*random.uniform(-0.12, 0.12, 2), *random.uniform(0.025, 0.06, 2), 0.03) for _ in range(5)]
    save_frame(frame_of(tabletop(boxes if number else BOXES), tilt=0.0), tmp_path / "scene")
    assert main(arguments(tmp_path / "scene", tmp_path / "out", "--backend", "onnx")) == 0
    expected = json.loads((tmp_path / "out" / "grasp.json").read_text())["grasp"]
    files = [tmp_path / "scene" / name for name in ("depth.npy", "camera.json", "pose.txt")]
    command = [sys.executable, "-c", ALONE.replace("sys.argv[1]", repr(str(EXAMPLE))), PRETRAINED, *files]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    line, loaded = done.stdout.splitlines()
    found = json.loads(line)
    assert loaded == "[]"
    assert (found["row"], found["col"], found["angle"]) == (expected["row"], expected["col"], expected["angle"])
    assert found["score"] == pytest.approx(expected["score"], abs=1e-3)
    for name in ("x", "y", "z"):
        assert found[name] == pytest.approx(expected[name], abs=0.002)
