"""The simulated workspace as a whole: exact repetition, exact states, piles that rest."""

import hashlib
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.simulation.blocks import rotation_of
from grasping_student.simulation.families import FAMILIES, dense, sparse, standard
from grasping_student.simulation.scene import build_scene


def small(family, blocks=16):
    """A family with few blocks close together: quick, and still a pile."""
    return replace(FAMILIES[family](), fewest_blocks=blocks, most_blocks=blocks, spread=0.07)


def fingerprint(environment):
    seen = environment.observe().heightmap
    state = environment.state.poses.tobytes()
    return hashlib.sha256(seen.height.tobytes() + seen.rgb.tobytes() + state).hexdigest()


def random_grasps(environment, random, count):
    foreground = np.argwhere(environment.observe().heightmap.graspable_foreground())
    return [
        PlanarGrasp(*foreground[random.integers(len(foreground))], random.uniform(0, math.pi)) for _ in range(count)
    ]


def play(environment, seed, attempts=4):
    """Outcomes and everything seen in an episode of random grasps."""
    environment.reset(seed)
    random = np.random.default_rng(seed)
    trace = [fingerprint(environment)]
    for _ in range(attempts):
        outcome = environment.execute(random_grasps(environment, random, 1)[0])
        trace.append((outcome.value, fingerprint(environment)))
    return trace


@pytest.mark.parametrize("family", FAMILIES)
def test_an_episode_repeats_exactly_whatever_was_played_before(family):
    with SimulationEnvironment(small(family)) as fresh, SimulationEnvironment(small(family)) as used:
        expected = play(fresh, 11)
        play(used, 5)
        used.execute(random_grasps(used, np.random.default_rng(0), 1)[0])
        assert play(used, 11) == expected
        assert play(used, 11) == expected


def test_an_episode_repeats_exactly_in_another_process():
    program = (
        "from tests.simulation.test_environment import *\n"
        "print(hashlib.sha256(repr(play(SimulationEnvironment(small('dense')), 7, 3)).encode()).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    with SimulationEnvironment(small("dense")) as here:
        assert other.stdout.strip() == hashlib.sha256(repr(play(here, 7, 3)).encode()).hexdigest()


def test_seeds_differ_and_zero_is_a_seed():
    with SimulationEnvironment(sparse()) as environment:
        seen = []
        for seed in (0, 1, 2**31):
            environment.reset(seed)
            seen.append(fingerprint(environment))
    assert len(set(seen)) == 3


@pytest.mark.parametrize("seed", range(4))
def test_a_grasp_ends_the_same_from_a_restored_state(seed):
    with SimulationEnvironment(small(("standard", "dense")[seed % 2])) as environment:
        environment.reset(seed)
        random = np.random.default_rng(seed)
        for grasp in random_grasps(environment, random, 2):
            environment.execute(grasp)
        state, before = environment.save_state(), fingerprint(environment)
        grasps = random_grasps(environment, random, 3)
        first = environment.execute(grasps[0]), fingerprint(environment)
        environment.take_away([0, 3])
        for grasp in grasps[1:]:
            environment.execute(grasp)
        environment.restore_state(state)
        assert fingerprint(environment) == before
        assert (environment.execute(grasps[0]), fingerprint(environment)) == first
    with SimulationEnvironment(environment.config) as another:
        another.restore_state(state)
        assert (another.execute(grasps[0]), fingerprint(another)) == first


def test_piles_rest_on_the_table_inside_the_walls_and_stay_there():
    with SimulationEnvironment(standard()) as environment:
        environment.reset(21)
        random = np.random.default_rng(21)
        for grasp in random_grasps(environment, random, 6):
            environment.execute(grasp)
        blocks, poses = environment.state.items, environment.state.poses
        corners = [
            block.triangles.reshape(-1, 3) @ turn.T + pose[:3]
            for block, pose, turn in zip(blocks, poses, rotation_of(poses[:, 3:]), strict=True)
        ]
        engine = environment._engine
        build_scene(engine, blocks, poses, np.ones(len(blocks), dtype=bool))
        engine.step(engine.steps_of(1.0))
        drift = np.linalg.norm(engine.poses()[:, :3] - poses[:, :3], axis=1)
    assert min(corner[:, 2].min() for corner in corners) > -0.003
    assert max(np.abs(corner[:, :2]).max() for corner in corners) < 0.225 + 0.003
    assert np.median(drift) < 0.0005
    assert (drift < 0.005).mean() > 0.9


def test_a_taken_block_is_gone_and_nothing_hangs_in_the_air():
    with SimulationEnvironment(standard()) as environment:
        environment.reset(2)
        blocks, poses = environment.state.items, environment.state.poses
        lowest = int(np.argmin(np.hypot(*poses[:, :2].T) + 10 * (poses[:, 2] > 0.03)))
        environment.take_away([lowest])
        after = environment.state
        assert [b for b in blocks if b is not blocks[lowest]] == list(after.items)
        engine = environment._engine
        build_scene(engine, after.items, after.poses, np.ones(len(after.items), dtype=bool))
        engine.step(engine.steps_of(0.5))
        assert (engine.poses()[:, 2] - after.poses[:, 2]).min() > -0.01


def test_the_tips_follow_the_heightmap_as_it_is_observed():
    with SimulationEnvironment(replace(dense(), most_blocks=12, fewest_blocks=12)) as environment:
        environment.reset(0)
        grasp = random_grasps(environment, np.random.default_rng(0), 1)[0]
        patch = environment.observe().heightmap.height[grasp.row - 1 : grasp.row + 2, grasp.col - 1 : grasp.col + 2]
        gripper = environment.gripper
        expected = max(float(np.nanmean(patch.astype(np.float64))) - gripper.finger_depth, gripper.clearance)
        assert environment.tip_height(grasp) == pytest.approx(expected)


def test_nothing_works_before_the_first_reset():
    with SimulationEnvironment(sparse()) as environment, pytest.raises(RuntimeError, match="reset"):
        environment.observe()


def test_an_empty_scene_can_be_seen_and_grasped_in():
    with SimulationEnvironment(replace(sparse(), fewest_blocks=0, most_blocks=0)) as environment:
        environment.reset(0)
        assert environment.observe().heightmap.is_empty()
        assert environment.execute(PlanarGrasp(56, 56, 0.0)) is Outcome.MISSED
