"""What decides a number is in its version: the imports behind each kind of stage, against the list of its parts."""

import ast
from pathlib import Path

import pytest

import grasping_student
from grasping_student.experiments.code_version import PARTS, code_version

ROOT = Path(grasping_student.__file__).parent

BEGIN = {
    "dataset": "collection/collect.py", "merged": "datasets/selection.py", "teacher": "training/teacher.py",
    "affordance": "training/affordance.py", "judge": "training/affordance.py",
    "pretraining": "training/pretraining.py", "table": "pseudo_labels/teacher_pass.py",
    "student": "training/student.py", "proxy": "evaluation/proxy.py", "entropy": "evaluation/entropy.py",
    "one_shot": "evaluation/one_shot.py", "picking": "evaluation/picking_stage.py",
    "relabelling": "experiments/relabelling.py", "precision": "experiments/precision.py",
}  # fmt: skip
"""Kind of stage -> the file that makes it."""

KEEPING = {
    "configuration.py", "errors.py", "files.py", "manifest.py", "parallel.py",
    *(f"datasets/{name}.py" for name in ("filters", "folder", "making", "pictures", "schema", "segments", "splits",
                                         "store", "writer")),
    "evaluation/records.py", "evaluation/statistics.py", "evaluation/rates.py", "evaluation/picking_stage.py",
}  # fmt: skip
"""Files that keep and report what others decide; a wrong one loses or refuses, it makes no other number. Where one does
decide (rates of picking, splits of the affordance network), it is among the parts of that kind."""

ONLY_IMPORTED = {
    "affordance": ("environments", "evaluation/configuration.py", "evaluation/proxy_configuration.py",
                   "antipodal_grip.py", "grasp_rules.py"),
    "judge": ("environments", "evaluation", "antipodal_grip.py", "grasp_rules.py"),
    "proxy": ("environments", "evaluation", "training", "antipodal_grip.py", "grasp_rules.py"),
    "entropy": ("antipodal_grip.py", "grasp_rules.py"), "teacher": ("antipodal_grip.py", "grasp_rules.py"),
    "pretraining": ("antipodal_grip.py", "grasp_rules.py"), "merged": ("workspace.py", "grasp.py", "heightmap.py"),
    "table": ("datasets/pseudo_label_table.py",),
}  # fmt: skip
"""Kind -> what stands behind an import, and is not used for its numbers: rules where no rule is asked, configs of other
stages, how a table is written."""


def imported(path):
    """Files of the package that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "grasping_student":
            base = ROOT.joinpath(*node.module.split(".")[1:])
            for name in node.names:
                for file in ((base / name.name).with_suffix(".py"), base.with_suffix(".py")):
                    if file.exists():
                        yield file
                        break


def behind(start):
    """All files that a file imports, over however many others."""
    found, left = set(), [ROOT / start]
    while left:
        file = left.pop()
        if file not in found:
            found.add(file)
            left += imported(file)
    return {file.relative_to(ROOT).as_posix() for file in found}


def inside(file, parts):
    return any(file == part or file.startswith(f"{part}/") for part in parts)


@pytest.mark.parametrize("kind", PARTS)
def test_no_code_behind_a_number_is_left_out_of_its_version(kind):
    """A new import is either one of the parts, or somebody has said here why it makes no other number."""
    left_out = {file for file in behind(BEGIN[kind]) if not inside(file, PARTS[kind])}
    assert {file for file in left_out - KEEPING if not inside(file, ONLY_IMPORTED.get(kind, ()))} == set()


def test_what_is_excused_exists():
    for part in (*KEEPING, *(part for parts in (*PARTS.values(), *ONLY_IMPORTED.values()) for part in parts)):
        assert (ROOT / part).exists(), part


def test_a_kind_that_this_code_does_not_know_has_no_version():
    assert code_version("teleport") == ""
