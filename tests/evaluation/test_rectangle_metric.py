"""The rectangle metric: overlap against a slow count of points, what matches, and a whole run on a dataset."""

import json
import math

import numpy as np
import pytest

from grasping_student.cli.main import main
from grasping_student.datasets.create import new_dataset
from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.splits import split_by_episode
from grasping_student.datasets.store import Dataset
from grasping_student.evaluation.configuration import RectanglesConfig
from grasping_student.evaluation.rectangles import (
    GraspRectangle,
    chooser,
    intersection_over_union,
    matches,
    read_scenes,
    run,
)
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError

WORKSPACE = Workspace(0.3, 75, 0.02)
BAR = PlanarGrasp(30, 40, math.pi / 2)


def inside(rectangle, x, y):
    centre_x, centre_y = rectangle.grasp.xy(WORKSPACE)
    right, up, angle = x - centre_x, y - centre_y, rectangle.grasp.angle
    along = right * math.cos(angle) + up * math.sin(angle)
    across = up * math.cos(angle) - right * math.sin(angle)
    return (np.abs(along) < rectangle.opening / 2) & (np.abs(across) < rectangle.jaw / 2)


@pytest.mark.parametrize("seed", range(12))
def test_the_overlap_agrees_with_a_count_of_points(seed):
    random = np.random.default_rng(seed)
    one, two = (
        GraspRectangle(
            PlanarGrasp(*random.integers(30, 45, 2).tolist(), random.uniform(0, math.pi)),
            *random.uniform(0.03, 0.1, 2).tolist(),
        )
        for _ in range(2)
    )
    x, y = np.meshgrid(*[np.linspace(-0.15, 0.15, 1200)] * 2)
    first, second = inside(one, x, y), inside(two, x, y)
    expected = (first & second).sum() / (first | second).sum()
    assert intersection_over_union(one, two, WORKSPACE) == pytest.approx(expected, abs=0.01)
    assert intersection_over_union(two, one, WORKSPACE) == pytest.approx(expected, abs=0.01)
    assert intersection_over_union(one, one, WORKSPACE) == pytest.approx(1.0, abs=1e-3)


def test_a_match_needs_the_angle_and_the_overlap_and_knows_no_direction():
    config, drawn = RectanglesConfig(), GraspRectangle(BAR, 0.06, 0.03)
    for degrees, row, expected in ((29, 30, True), (31, 30, False), (180, 30, True), (151, 30, True), (0, 45, False)):
        grasp = PlanarGrasp(row, 40, BAR.angle + math.radians(degrees))
        assert matches(GraspRectangle(grasp, 0.06, 0.03), drawn, WORKSPACE, config) == expected, degrees


@pytest.fixture
def drawn(tmp_path):
    """Six scenes in three episodes: a bar along x, with two rectangles across it and one failure far away."""
    path = tmp_path / "drawn"
    with new_dataset(path, WORKSPACE) as writer:
        for scene in range(6):
            height = np.zeros(WORKSPACE.shape, np.float32)
            height[28:33, 28 + scene : 54 + scene] = 0.03
            heightmap = Heightmap(height, np.zeros((*WORKSPACE.shape, 3), np.uint8), WORKSPACE)
            for index, (grasp, outcome) in enumerate(
                [
                    (PlanarGrasp(30, 36 + scene, math.pi / 2), Outcome.SUCCESS),
                    (PlanarGrasp(30, 46 + scene, math.pi / 2), Outcome.SUCCESS),
                    (PlanarGrasp(60, 10, 0.0), Outcome.MISSED),
                ]
            ):
                extra = {"opening_m": 0.05, "jaw_m": 0.03}
                place = {"episode": scene // 2, "index": 3 * scene + index, "environment": "test"}
                writer.append(heightmap, Attempt(**place, source="human", grasp=grasp, outcome=outcome, extra=extra))
    return path


def test_scenes_hold_their_successful_rectangles(drawn):
    scenes = read_scenes(Dataset(drawn))
    assert [scene.episode for scene in scenes] == [0, 0, 1, 1, 2, 2]
    assert all(len(scene.rectangles) == 2 for scene in scenes)


def test_a_run_counts_the_scenes_whose_best_grasp_matches(drawn, tmp_path):
    config = RectanglesConfig(("antipodal", "random"), drawn, top=5, out=tmp_path / "out")
    run(config)
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert (metrics["scenes"], metrics["episodes"], metrics["rectangles"]) == (6, 3, 12)
    assert metrics["jaw_m"] == pytest.approx(0.03)
    rows = metrics["models"]
    for row in rows.values():
        assert row["successes"] == sum(place == 0 for place in row["first_match"])
        assert row["top_n"]["successes"] == sum(place is not None for place in row["first_match"])
    assert rows["antipodal"]["successes"] >= rows["random"]["successes"]
    assert rows["antipodal"]["top_n"]["successes"] >= 5
    difference = metrics["differences"][0]["best"]
    assert difference["successes"] == rows["random"]["successes"] - rows["antipodal"]["successes"]


def test_only_the_held_out_episodes_of_a_split_count(drawn, tmp_path):
    split = split_by_episode(Dataset(drawn), 0.4, 0)
    split.save(tmp_path / "split.json")
    run(RectanglesConfig(("antipodal",), drawn, tmp_path / "split.json", out=tmp_path / "out"))
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["scenes"] == 2 * len(split.held_out)


def test_what_cannot_be_tested_is_told_in_a_sentence(drawn, tmp_path, capsys):
    with new_dataset(tmp_path / "other", WORKSPACE) as writer:
        picture = Heightmap(np.zeros(WORKSPACE.shape, np.float32), np.zeros((75, 75, 3), np.uint8), WORKSPACE)
        writer.append(picture, Attempt(episode=0, index=0, environment="test"))
    for arguments, words in (
        (["--models", "antipodal", "--dataset", str(tmp_path / "other")], "no scene with rectangles"),
        (["--models", "nobody", "--dataset", str(drawn)], "neither a checkpoint folder"),
        (["--dataset", str(drawn)], "--models is empty"),
        (["--models", "antipodal", "--dataset", str(drawn), "--angle", "0"], "angle"),
    ):
        assert main(["evaluate", "rectangles", *arguments, "--out", str(tmp_path / "out")]) == 2
        assert words in capsys.readouterr().err


def test_a_model_of_other_pixels_is_refused():
    from grasping_student.serving.loading import PRETRAINED

    with pytest.raises(UserError, match="make them with 75 pixels"):
        chooser(str(PRETRAINED), Workspace(0.3, 60, 0.02), RectanglesConfig())
    assert chooser(str(PRETRAINED), WORKSPACE, RectanglesConfig()).version
