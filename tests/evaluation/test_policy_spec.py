"""Policies by name, and what a wrong name is told."""

import pytest
from tests.fakes.boxes import WORKSPACE, BoxWorld

from grasping_student.errors import UserError
from grasping_student.evaluation.policy_spec import make_policy
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.policies.base import Policy
from grasping_student.workspace import Workspace


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
