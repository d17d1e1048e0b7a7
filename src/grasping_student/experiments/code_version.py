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
_WORLD = ("environments/base.py", "environments/simulation", "policies")
_RULES = ("antipodal_grip.py", "grasp_rules.py")
_LEARNING = ("models", "training")

PARTS: dict[str, tuple[str, ...]] = {
    "dataset": (*_GEOMETRY, *_WORLD, "collection"),
    "merged": ("datasets/selection.py",),
    "teacher": (*_GEOMETRY, *_LEARNING),
    "affordance": (*_GEOMETRY, *_LEARNING),
    "judge": (*_GEOMETRY, *_LEARNING),
    "pretraining": (*_GEOMETRY, *_LEARNING),
    "table": (*_GEOMETRY, *_RULES, "models", "pseudo_labels"),
    "student": (*_GEOMETRY, *_LEARNING, "datasets/pseudo_label_table.py"),
    "proxy": (*_GEOMETRY, "models", "evaluation/proxy.py"),
    "entropy": (*_GEOMETRY, "models", "evaluation/entropy.py"),
    "one_shot": (*_GEOMETRY, *_RULES, *_WORLD, "models", "evaluation/one_shot.py", "evaluation/picking.py"),
    "picking": (*_GEOMETRY, *_RULES, *_WORLD, "models", "evaluation/picking.py", "evaluation/rates.py"),
    "relabelling": (*_GEOMETRY, *_WORLD, "models", "experiments/relabelling.py"),
    "precision": (*_GEOMETRY, *_RULES, *_WORLD, "models", "evaluation/one_shot.py", "experiments/precision.py"),
}
"""Kind of stage -> files and folders that its output depends on, besides its inputs."""


@functools.cache
def code_version(kind: str) -> str:
    """Version of the code behind a kind of stage, 12 hexadecimal digits."""
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
