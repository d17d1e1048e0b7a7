"""A stored table with grasps outside its workspace or fewer scenes than were labelled is refused."""

from dataclasses import replace

import numpy as np
import pytest

from grasping_student.datasets.pseudo_label_table import TABLE, Provenance, PseudoLabelTable
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import write_json

PROVENANCE = Provenance("teacher", "dataset", 0.12, 12, 0.01, 3.0, True, "float32")


def _table(scenes=3, top=2):
    """Every row, column and angle is 0; the last grasp of a scene is none, so that what it holds does not count."""
    shapes = {"": (scenes, 64), "top64_": (scenes, top), "top16_": (scenes, top)}
    columns = {}
    for prefix, shape in shapes.items():
        score = np.zeros(shape, np.float32)
        score[:, -1] = -np.inf
        columns[f"{prefix}score"] = score
        for name in ("row", "col", "angle") if prefix else ("row", "col"):
            columns[prefix + name] = np.zeros(shape, np.int16)
    return PseudoLabelTable(
        scene=np.arange(scenes), total=np.zeros(scenes, np.float32), overruled=np.zeros(scenes, bool), **columns
    )


@pytest.mark.parametrize("name", ["row", "col", "top64_row", "top64_col", "top64_angle", "top16_col", "top16_angle"])
def test_grasps_outside_the_workspace_or_the_grid_are_refused(tmp_path, name):
    file, limit = tmp_path / TABLE, 64 if name.endswith("angle") else 12
    for value, fine in ((0, True), (limit - 1, True), (limit, False), (-1, False)):
        values = getattr(_table(), name)
        values[1, 0] = value
        values[:, -1] = -1  # no grasp there
        replace(_table(), **{name: values}).save(file, PROVENANCE)
        if fine:
            assert getattr(PseudoLabelTable.load(file)[0], name)[1, 0] == value
        else:
            with pytest.raises(UserError, match=rf"{name} is {value} in scene 1; valid are 0 to {limit - 1}"):
                PseudoLabelTable.load(file)


def test_a_table_with_fewer_scenes_than_were_labelled_is_refused(tmp_path):
    write_json(tmp_path / "manifest.json", {"stage": "pseudo-label", "scenes": 3})
    _table(3).save(tmp_path / TABLE, PROVENANCE)
    assert len(PseudoLabelTable.load(tmp_path)[0]) == 3
    _table(2).save(tmp_path / TABLE, PROVENANCE)
    with pytest.raises(UserError, match=r"2 scenes, manifest.json beside it says 3.*make it again"):
        PseudoLabelTable.load(tmp_path)
