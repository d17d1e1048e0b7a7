"""Imports run one way: a part imports the parts before it, never one after it."""

import ast
from pathlib import Path

import pytest

import grasping_student

SOURCE = Path(grasping_student.__file__).parent

ORDER = [
    "errors", "workspace", "grasp", "heightmap", "gripper_geometry", "antipodal_grip", "grasp_rules", "files",
    "configuration", "manifest", "parallel", "cameras", "datasets", "environments", "models", "training",
    "pseudo_labels", "policies", "collection", "evaluation", "reports", "experiments", "serving", "web", "cli",
]  # fmt: skip
"""The parts in the order of the data path."""

TRAINING_READS_TABLES_FROM_DISK = {"training": {"pseudo_labels"}}
"""Imports that are forbidden whatever the order: part -> parts."""


def part_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> set[str]:
    """Parts of the package that a file imports anywhere, also inside functions."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
    inside = [module.split(".") for module in modules if module.startswith("grasping_student.")]
    return {parts[1] for parts in inside if parts[1] in ORDER}


FILES = sorted(path for path in SOURCE.rglob("*.py") if path.name != "__init__.py" or path.parent != SOURCE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_imports_only_parts_before_its_own(path):
    own = part_of(path)
    assert own in ORDER, f"{own} has no place in the order: add it to ORDER"
    later = {part for part in imported_parts(path) if ORDER.index(part) > ORDER.index(own)}
    assert not later, f"{path.relative_to(SOURCE)} imports {sorted(later)}, which come after {own}"
    assert not imported_parts(path) & TRAINING_READS_TABLES_FROM_DISK.get(own, set())


def test_every_part_of_the_order_exists():
    assert {part_of(path) for path in FILES} == set(ORDER)
