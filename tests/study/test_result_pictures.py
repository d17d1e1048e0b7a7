"""Figures 1 and 7: what is drawn of the labels, and a grasp watched from beside the bin."""

from dataclasses import replace

import numpy as np
import pytest
from tests.training.synthetic import write_dataset

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.geometry.grasp import Outcome
from grasping_student.pipeline.errors import UserError
from grasping_student.plotting.scene_figures import WatchedGrasp, labelled_grasps_figure, watched_grasps_figure
from grasping_student.plotting.side_views import SIZE, watch_grasp
from grasping_student.policies.base import NothingToGrasp
from grasping_student.policies.random_foreground import RandomForeground
from grasping_student.policies.scripted_picker import ScriptedPicker
from grasping_student.simulation.families import dense, sparse
from grasping_student.study import pictures
from grasping_student.study.configuration import EXPERIMENT_PRESETS
from grasping_student.study.data_check import make_datasets
from grasping_student.study.designs import DESIGNS
from grasping_student.study.pictures import plot_grasps, plot_labels
from grasping_student.study.planning import planned_runs
from grasping_student.study.running import run
from grasping_student.study.stage_graph import StageGraph


def test_watched_grasps_go_as_executed_ones_and_change_nothing():
    ends = set()
    with SimulationEnvironment(dense()) as environment:
        policy = RandomForeground()
        for seed in range(6):
            environment.reset(seed)
            policy.begin_episode(seed)
            grasp, _ = policy(environment.observe())
            before = environment.state
            moments = tuple(view.moment for view in watch_grasp(environment, grasp))
            assert environment.state is before
            ends.add((moments, environment.execute(grasp) is Outcome.COLLISION))
    assert ends == {(("above", "blocked", "lifted"), True), (("above", "down", "closed", "lifted"), False)}


@pytest.fixture(scope="module")
def lifted():
    """A success in the simulator: what was seen, the grasp, its views, and the colour of the block that left."""
    with SimulationEnvironment(sparse()) as environment:
        environment.reset(0)
        seen = environment.observe().heightmap
        grasp, _ = ScriptedPicker(environment, "none")(seen)
        colour = environment.state.items[environment.picture().item[grasp.row, grasp.col]].colour
        views = watch_grasp(environment, grasp)
        for first, again in zip(views, watch_grasp(environment, grasp), strict=True):
            assert first.moment == again.moment
            assert np.array_equal(first.picture, again.picture)
        assert environment.execute(grasp) is Outcome.SUCCESS
    return seen, grasp, views, colour


def test_the_grasped_block_goes_up_with_the_gripper(lifted):
    *_, views, colour = lifted
    rows = {}
    for moment, picture in views:
        assert picture.shape == (SIZE[1], SIZE[0], 3) and picture.dtype == np.uint8
        middle = picture[:, SIZE[0] // 3 : -SIZE[0] // 3].astype(float)
        hue = middle / np.maximum(middle.max(axis=2, keepdims=True), 1.0)
        rows[moment] = np.argwhere(np.abs(hue - np.array(colour) / max(colour)).max(axis=2) < 0.06)[:, 0].mean()
    assert rows["lifted"] < rows["closed"] - 25


def test_a_row_shows_every_moment_and_how_it_ended(lifted):
    seen, grasp, views, _ = lifted
    blocked = WatchedGrasp(seen, grasp, [views[0], ("blocked", views[1].picture), views[-1]], "collision")
    figure = watched_grasps_figure([WatchedGrasp(seen, grasp, views, "success"), blocked])
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    first = ["what the model sees", "above", "down", "closed", "lifted: success"]
    assert titles == [*first, "what the model sees", "above", "blocked", "lifted: collision"]


def test_labelled_grasps_are_drawn_in_heights_and_colours(lifted):
    seen, grasp, *_ = lifted
    figure = labelled_grasps_figure([(seen, grasp), (seen, grasp)])
    assert len(figure.axes) == 4
    for axes in figure.axes:
        marks = [tuple(line.get_xydata()[0]) for line in axes.get_lines() if len(line.get_xydata()) == 1]
        assert marks == [pytest.approx(grasp.xy(seen.workspace))]
        assert axes.get_xlim() == (-seen.workspace.extent / 2, seen.workspace.extent / 2)


def test_labels_without_a_success_are_not_drawn(tmp_path):
    write_dataset(tmp_path / "failures", 3, seed=0, failures=3)
    plot_labels(tmp_path / "failures", tmp_path / "labels-standard.png")
    assert not list(tmp_path.glob("labels-*"))


def finds_nothing(observation):
    raise NothingToGrasp


def test_the_commands_draw_the_labels_and_the_default_students_grasps(tmp_path, monkeypatch):
    smoke = EXPERIMENT_PRESETS["smoke"]()
    config = replace(
        smoke,
        name="picking",
        levels=("100 %",),
        replicate_ids=(0,),
        domains=("in-distribution",),
        conditions=("student_antipodal",),
        proxy=False,
        workers=1,
        cache=tmp_path / "cache",
        out=tmp_path / "results",
        sizes=replace(
            smoke.sizes,
            pool=6,
            robot=2,
            scenes=4,
            relabelled=0,
            held_out=2,
            one_shot_scenes=1,
            episodes=1,
            teacher_steps=2,
            student_steps=2,
        ),
    )
    make_datasets(replace(config, name="datasets"))
    assert make_datasets(replace(config, name="datasets")).count("as on file") == 4  # labels, scenes, held out, robot
    with pytest.raises(UserError, match="seed = 0; give the same preset, sizes, seed and engine"):
        make_datasets(replace(config, name="datasets", seed=1))
    run(config)
    for name in ("labels-standard", "picking/grasps-in-distribution"):
        assert (config.out / f"{name}.png").stat().st_size > 1000
    graph = StageGraph(config)
    runs = planned_runs(config, DESIGNS["picking"], graph)
    monkeypatch.setattr(pictures, "make_policy", lambda *_: finds_nothing)
    assert plot_grasps(tmp_path / "none", runs, graph) == []
