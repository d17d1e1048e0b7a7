"""Policies by name, and what a wrong name is told."""

import numpy as np
import pytest
from tests.fakes.boxes import WORKSPACE, BoxWorld

from grasping_student.episodes.event_log import EndReason, EpisodeEnd
from grasping_student.episodes.loop import Episode, EventRecorder, run_episode
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES
from grasping_student.geometry.grasp_constraints import GraspConstraintConfig
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.confidence import Confidence
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError
from grasping_student.policies.base import NothingPromising, NothingToGrasp, Policy


def checkpoint(folder, workspace):
    GraspModel.new(ModelConfig(NetworkConfig(widths=(4, 4)), workspace), seed=0).save(folder)
    return str(folder)


def test_a_checkpoint_folder_is_a_policy_with_the_models_hash_as_its_version(tmp_path):
    policy = make_policy(checkpoint(tmp_path / "student", WORKSPACE), BoxWorld())
    assert isinstance(policy, Policy)
    assert policy.name == "student"
    assert policy.version == GraspModel.load(tmp_path / "student").version


def test_random_needs_no_simulator_and_the_scripted_picker_does():
    assert isinstance(make_policy("random", BoxWorld()), Policy)
    for spec in ("scripted", "scripted-exact"):
        with pytest.raises(UserError, match="boxes cannot tell"):
            make_policy(spec, BoxWorld())


def test_a_checkpoint_of_another_workspace_is_refused(tmp_path):
    with pytest.raises(UserError, match="workspace"):
        make_policy(checkpoint(tmp_path / "other", Workspace(pixels=48)), BoxWorld())


def test_a_name_that_is_nothing_is_told_what_is_valid():
    with pytest.raises(UserError, match="did you mean 'scripted'"):
        make_policy("scriptd", BoxWorld())
    with pytest.raises(UserError, match="checkpoint"):
        make_policy("/does/not/exist", BoxWorld())


def test_prefixes_give_a_rule_take_a_students_own_away_and_show_in_the_version(tmp_path):
    plain = checkpoint(tmp_path / "teacher", WORKSPACE)
    ruled = ModelConfig(NetworkConfig(widths=(4, 4)), WORKSPACE, constraint=GraspConstraintConfig("antipodal"))
    GraspModel.new(ruled, seed=0).save(tmp_path / "student")
    student = str(tmp_path / "student")
    world = BoxWorld()
    world.reset(0)
    scene = world.observe().heightmap
    names = ("clearance", "antipodal")
    specs = (plain, *(f"{name}:{plain}" for name in names), student, f"unconstrained:{student}")
    policies = {spec: make_policy(spec, world) for spec in specs}
    assert len({policy.version for policy in policies.values()}) == 4  # the bare student is the teacher's network
    assert policies[f"unconstrained:{student}"].version == policies[plain].version
    for name in names:
        rule = GraspConstraintConfig(name).make()
        grasp, _ = policies[f"{name}:{plain}"](Observation.of(scene))
        assert rule.allows(scene.height, np.array([grasp.angle]), WORKSPACE)[0, grasp.row, grasp.col]


def test_chance_among_good_grips_is_a_good_grip_or_says_that_there_is_none():
    world = BoxWorld()
    world.reset(1)
    rule, policy = GraspConstraintConfig("antipodal").make(), make_policy("antipodal", world)
    scene = world.observe().heightmap
    passing = rule.allows(scene.height, DEPLOYMENT_ANGLES.angles, WORKSPACE)
    policy.begin_episode(0)
    found = {(each.row, each.col, each.angle) for each in (policy(Observation.of(scene))[0] for _ in range(20))}
    assert len(found) > 1
    assert all(passing[DEPLOYMENT_ANGLES.index(angle), row, col] for row, col, angle in found)
    bare = Heightmap(np.zeros(WORKSPACE.shape, np.float32), scene.rgb, WORKSPACE)
    with pytest.raises(NothingToGrasp, match="antipodal"):
        policy(Observation.of(bare))


def test_a_confident_policy_asks_for_a_person_exactly_where_its_chance_is_too_small(tmp_path):
    folder = checkpoint(tmp_path / "student", WORKSPACE)
    model = GraspModel.load(tmp_path / "student")
    world = BoxWorld()
    world.reset(0)
    scene = world.observe()
    grasp, score = make_policy(folder, world)(scene)
    Confidence(1.0, 0.5, score, model.version, 60, 30).save(tmp_path / "student")  # a chance of 0.622 for this scene
    sure, unsure = (make_policy(f"confident-{chance}:{folder}", world) for chance in (0.6, 0.65))
    assert sure(scene) == (grasp, score)
    assert sure.version == f"{model.version}-confident-0.6"
    with pytest.raises(NothingPromising, match=r"0\.62, below 0\.65"):
        unsure(scene)
    events = []
    episode = Episode.of_run("unsure", 0, 0)
    assert run_episode(world, unsure, episode, [EventRecorder(events.append)]) is EndReason.ASK_A_PERSON
    assert events[-1] == EpisodeEnd("unsure", 0, "ask_a_person")


def test_a_chance_that_is_none_or_a_model_without_chances_is_refused(tmp_path):
    folder = checkpoint(tmp_path / "student", WORKSPACE)
    for number in ("", "1", "0", "70", "-0.2", "nan", "much"):
        with pytest.raises(UserError, match="between 0 and 1"):
            make_policy(f"confident-{number}:{folder}", BoxWorld())
    with pytest.raises(UserError, match="train confidence"):
        make_policy(f"confident-0.7:{folder}", BoxWorld())
