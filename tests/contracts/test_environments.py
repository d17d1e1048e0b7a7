"""What every environment promises. To put another under contract, add a function to ``ENVIRONMENTS``."""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tests.fakes.boxes import BoxWorld
from tests.serving.tabletop import CAMERA

from grasping_student.cameras.simulated import looking_down, render
from grasping_student.environments.base import Environment, RestorableEnvironment
from grasping_student.environments.recorded import RecordedEnvironment, ScenesInMemory
from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap, fill_holes
from grasping_student.perception.frame_files import save_frame
from grasping_student.simulation.families import FAMILIES, simulation, standard
from grasping_student.web.recorded_scenes import FrameScenes


def robot_cell():
    """The cell through the vendors' clients, with fakes as devices and a simulator behind them."""
    pytest.importorskip("rtde_control", reason="needs ur-rtde: pip install -e '.[robot]'")
    from tests.robots.simulated_cell_environment import simulated_cell_environment

    return simulated_cell_environment()


def recorded():
    """Recorded pictures of box worlds. Nothing leaves a picture, so the judge never says success."""
    pictures = []
    for seed in range(4):
        world = BoxWorld()
        world.reset(seed)
        pictures.append(world.observe().heightmap)
    return RecordedEnvironment(ScenesInMemory(pictures), lambda observation, grasp: Outcome.MISSED)


def recorded_frames():
    """Frames of a camera, rendered from the standard family's scenes, as the labelling page replays them."""
    folder = Path(tempfile.mkdtemp())
    with SimulationEnvironment(standard()) as world:
        for seed in range(4):
            world.reset(seed)
            scene = world.observe().heightmap
            save_frame(render(fill_holes(scene), CAMERA, looking_down(0.75, 0.1)), folder / str(seed))
    scenes = FrameScenes(folder, standard().workspace)
    return RecordedEnvironment(scenes, lambda observation, grasp: Outcome.MISSED)


def simulated(family, sensor=None):
    return SimulationEnvironment(simulation(family, sensor=sensor))


ENVIRONMENTS = {"recorded": recorded, "recorded frames": recorded_frames, "robot cell": robot_cell} | {
    name: partial(simulated, name) for name in FAMILIES
}
ENVIRONMENTS["sparse, stereo"] = partial(simulated, "sparse", "stereo")
"""Name -> function that makes an environment; a missing device is a ``pytest.skip`` in there."""


@pytest.fixture(params=ENVIRONMENTS, scope="module")
def environment(request):
    with ENVIRONMENTS[request.param]() as made:
        yield made


def somewhere(environment, seed=0):
    """A grasp on something in the graspable area."""
    foreground = np.argwhere(environment.observe().heightmap.graspable_foreground())
    row, col = foreground[np.random.default_rng(seed).integers(len(foreground))]
    return PlanarGrasp(int(row), int(col), 0.3 + seed)


def same(first: Heightmap, second: Heightmap) -> bool:
    equal_height = np.array_equal(first.height, second.height, equal_nan=True)
    return equal_height and np.array_equal(first.rgb, second.rgb)


def test_it_is_an_environment_with_a_name(environment):
    assert isinstance(environment, Environment)
    assert environment.name


def test_observations_fit_the_workspace_and_are_finite_where_measured(environment):
    environment.reset(0)
    seen = environment.observe().heightmap
    assert seen.workspace == environment.workspace
    assert seen.height.dtype == np.float32
    assert seen.rgb.dtype == np.uint8
    measured = seen.height[~seen.unmeasured]
    assert len(measured) > 0.5 * seen.height.size
    assert measured.min() > -0.05
    assert measured.max() < 0.5
    assert not seen.is_empty()


def test_an_observation_says_for_every_cell_where_fingers_may_go(environment):
    environment.reset(2)
    seen = environment.observe()
    assert seen.workspace == environment.workspace
    shape = environment.workspace.shape
    assert seen.excluded.shape == seen.surface.shape == seen.obstacle_height.shape == shape
    assert seen.excluded.dtype == bool
    assert seen.surface.dtype == seen.obstacle_height.dtype == np.float32
    assert np.isnan(seen.obstacle_height[seen.excluded]).all()
    known = ~np.isnan(seen.obstacle_height)
    above_floor = np.maximum(seen.obstacle_height[known], 0.0)  # a camera's floor is rough, the heightmap's is zero
    assert (above_floor >= seen.heightmap.height[known] - 1e-6).all()
    assert seen.threshold > 0.0
    assert all(note.code and note.text for note in seen.notes)


def test_observing_twice_shows_the_same_in_memory_of_its_own(environment):
    environment.reset(1)
    first = environment.observe().heightmap
    second = environment.observe().heightmap
    assert same(first, second)
    assert not np.shares_memory(first.height, second.height)
    assert not np.shares_memory(first.rgb, second.rgb)
    first.height[:], first.rgb[:] = 9.0, 9
    assert same(second, environment.observe().heightmap)


def test_the_same_seed_gives_the_same_scene_and_the_same_outcomes(environment):
    traces = []
    for _ in range(2):
        environment.reset(3)
        outcomes = [environment.execute(somewhere(environment, step)) for step in range(3)]
        traces.append((outcomes, environment.observe().heightmap))
    assert traces[0][0] == traces[1][0]
    assert same(traces[0][1], traces[1][1])
    environment.reset(4)
    assert not same(environment.observe().heightmap, traces[0][1])


def test_every_attempt_ends_in_a_named_outcome_and_a_success_leaves_less(environment):
    environment.reset(5)
    for step in range(6):
        before = environment.observe().heightmap
        outcome = environment.execute(somewhere(environment, step))
        assert isinstance(outcome, Outcome)
        after = environment.observe().heightmap
        if outcome.success:
            assert np.nansum(after.height) < np.nansum(before.height)


def test_a_grasp_in_the_margin_is_out_of_reach_and_changes_nothing(environment):
    environment.reset(6)
    before = environment.observe().heightmap
    rim, pixels = environment.workspace.margin_pixels, environment.workspace.pixels
    for row, col in ((rim - 1, pixels // 2), (pixels // 2, pixels - rim), (0, 0), (-1, 5), (pixels, pixels)):
        assert environment.execute(PlanarGrasp(row, col, 0.0)) is Outcome.OUT_OF_REACH
    assert same(before, environment.observe().heightmap)


def test_a_restored_state_is_exactly_what_was_saved(environment):
    if not isinstance(environment, RestorableEnvironment):
        pytest.skip("its state cannot be restored")
    environment.reset(7)
    state, before = environment.save_state(), environment.observe().heightmap
    grasps = [somewhere(environment, step) for step in range(2)]
    ends = []
    for grasp in (*grasps, *grasps):
        environment.restore_state(state)
        assert same(before, environment.observe().heightmap)
        ends.append((environment.execute(grasp), environment.observe().heightmap))
    for first, second in zip(ends[:2], ends[2:], strict=True):
        assert first[0] == second[0]
        assert same(first[1], second[1])


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_closing_twice_does_no_harm(name):
    made = ENVIRONMENTS[name]()
    made.close()
    made.close()
