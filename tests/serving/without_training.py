"""A Python that has only the packages of the base install, as far as this program can tell."""

import os
import sys
from pathlib import Path

from grasping_student.pipeline.errors import EXTRAS

TRAINING = (*EXTRAS["train"], *EXTRAS["onnx"], "lightning", "pybullet")
"""What the extra ``train`` brings."""

HIDING = """
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {} else self.finder.find_spec(name, path, target)

sys.meta_path = [Without(finder) for finder in sys.meta_path]
"""


def environment_without_training(folder: Path) -> dict[str, str]:
    """Environment of a process in which none of those packages is found.

    Args:
        folder: for the file that hides them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(HIDING.format(TRAINING), encoding="utf-8")
    here = [path for path in sys.path if path and "site-packages" not in path and not path.endswith(".zip")]
    source = [path for path in here if (Path(path) / "grasping_student").is_dir() or (Path(path) / "tests").is_dir()]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *source])}
