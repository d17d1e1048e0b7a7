"""Which version of the code made a result: a hash of the syntax trees of the parts that decide it.

Comments, docstrings and formatting do not change it, nor do parts that only show or serve.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from pathlib import Path

import grasping_student

_GEOMETRY = ("workspace.py", "grasp.py", "heightmap.py", "gripper_geometry.py")
_STORE = ("datasets/pictures.py",)
_WORLD = ("environments/base.py", "environments/simulation", "policies", "evaluation/policy_spec.py")
_RULES = ("antipodal_grip.py", "grasp_rules.py")
_LEARNING = (*_STORE, "datasets/filters.py", "models", "training")
_PICKING = ("evaluation/configuration.py", "evaluation/picking.py", "evaluation/worlds.py")
_ONE_SHOT = (*_PICKING, "evaluation/one_shot.py")

PARTS: dict[str, tuple[str, ...]] = {
    "dataset": (*_GEOMETRY, *_STORE, *_RULES, *_WORLD, "models", "collection"),
    "merged": ("datasets/selection.py",),
    "teacher": (*_GEOMETRY, *_LEARNING),
    "affordance": (
        *_GEOMETRY, *_LEARNING, "datasets/splits.py", "evaluation/affordance_metrics.py", "evaluation/proxy.py",
    ),
    "judge": (*_GEOMETRY, *_LEARNING, "datasets/splits.py"),
    "pretraining": (*_GEOMETRY, *_LEARNING),
    "table": (*_GEOMETRY, *_STORE, *_RULES, "models", "pseudo_labels"),
    "student": (*_GEOMETRY, *_RULES, *_LEARNING, "datasets/pseudo_label_table.py"),
    "proxy": (*_GEOMETRY, *_STORE, "models", "evaluation/proxy.py", "evaluation/statistics.py"),
    "entropy": (*_GEOMETRY, *_STORE, "models", "evaluation/entropy.py"),
    "one_shot": (*_GEOMETRY, *_RULES, *_WORLD, "models", *_ONE_SHOT, "experiments/shots.py"),
    "picking": (*_GEOMETRY, *_RULES, *_WORLD, "models", *_PICKING, "evaluation/picking_stage.py",
                "evaluation/rates.py", "evaluation/records.py"),
    "relabelling": (*_GEOMETRY, *_RULES, *_WORLD, "models", *_ONE_SHOT, "experiments/relabelling.py"),
    "precision": (*_GEOMETRY, *_RULES, *_WORLD, "models", *_ONE_SHOT, "evaluation/entropy.py",
                  "experiments/precision.py"),
}  # fmt: skip
"""Kind of stage -> files and folders that its output depends on, besides its inputs."""

EQUAL: dict[str, str] = {
    "707117316c24": "3c72a7aba28f",  # dataset
    "ee3feac5993b": "582d6fd2e68f",  # merged
    "aa41cdecc5c9": "2e89ff1cea43",  # teacher, pretraining
    "c30f311b85bd": "2e89ff1cea43",  # affordance
    "aea33f088584": "2e89ff1cea43",  # judge
    "1148b326e161": "35a1263ebcaf",  # table
    "c6bc7578d352": "c51c4091db0c",  # student
    "41448645eb22": "271066a28da2",  # proxy
    "0c50bf555253": "33e4074fde67",  # entropy
    "2ea082d8f2c8": "015956aae324",  # one_shot
    "5e03704a57be": "26b2a7078350",  # picking
    "aa95f86015dc": "003e8e79bb10",  # relabelling
    "43c402928bd1": "96a47b7e48a9",  # precision
}
"""Version -> earlier version whose numbers it has: a change that makes no number another needs no run anew.

An entry is a promise. It is made after ``experiment rerun`` has found the same numbers for a run of the kind, or where
nothing but the list above has changed; the lab notebook says which.
"""


@functools.cache
def code_version(kind: str) -> str:
    """Version of the code behind a kind of stage, 12 hexadecimal digits; of equal versions the earliest.

    Empty for a kind that this version of the code does not know.
    """
    if kind not in PARTS:
        return ""
    version = version_of_files(kind)
    return EQUAL.get(version, version)


def version_of_files(kind: str) -> str:
    """Hash of the code behind a kind of stage as it is."""
    root = Path(grasping_student.__file__).parent
    digest = hashlib.sha256()
    for part in PARTS[kind]:
        path = root / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(str(file.relative_to(root)).encode())
            digest.update(syntax(file.read_text(encoding="utf-8")).encode())
    return digest.hexdigest()[:12]


def syntax(source: str) -> str:
    """The source as a syntax tree in text, without docstrings and other bare strings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [each for each in body if not _is_text(each)]
            node.body = kept or [ast.Pass()]  # type: ignore[attr-defined]  # the node has a body: just read
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
