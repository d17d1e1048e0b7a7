"""From options to a session, and what is refused before a page is served."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.web.labelling_worlds import WORKSPACE, BoxWorld, ConstantModel

from grasping_student.cli.main import main
from grasping_student.cli.stages import with_scenes
from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.geometry.grasp import Outcome
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.frame import Intrinsics, RgbdFrame
from grasping_student.perception.frame_files import save_frame
from grasping_student.pipeline.errors import UserError
from grasping_student.web.labelling_config import LabelConfig
from grasping_student.web.labelling_setup import (
    check_label_config,
    farewell,
    make_environment,
    make_gripper,
    make_session,
)
from grasping_student.web.operator import Operator
from grasping_student.web.recorded_scenes import open_recorded_scenes
from grasping_student.web.suggestions import Suggester

ROOT = Path(__file__).parents[2]


def fill(path, episodes=3, each=2):
    """A dataset of unlabelled scenes: ``each`` of every episode."""
    world = BoxWorld()
    with DatasetWriter(path, WORKSPACE) as writer:
        for episode in range(episodes):
            world.reset(episode)
            for index in range(each):
                entry = Attempt(episode=episode, index=index, environment="boxes")
                writer.append(world.observe().heightmap, entry)
                world.take_away([0])
    return path


def config(tmp_path, **options):
    return LabelConfig(dataset=tmp_path / "labels", env="recorded", scenes=fill(tmp_path / "scenes"), **options)


def begun(options, suggester=None):
    session = make_session(options, suggester)
    session.start()
    return session


def label_all(session, number):
    from tests.web.labelling_worlds import box_grasp

    for _ in range(number):
        scene = session.scene
        session.execute(scene.number, box_grasp(scene.heightmap), Outcome.SUCCESS)


def test_scenes_of_one_episode_of_the_source_stay_one_episode(tmp_path):
    session = begun(config(tmp_path))
    label_all(session, 6)
    session.log.close()
    attempts = Dataset(tmp_path / "labels").attempts()
    assert [(a.episode, a.index) for a in attempts] == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
    assert {a.extra["recorded_from"] for a in attempts} == {"scenes"}


def test_the_next_session_begins_with_scenes_that_have_no_label(tmp_path):
    options = config(tmp_path)
    session = begun(options)
    label_all(session, 4)
    session.log.close()
    session = begun(options)
    label_all(session, 2)
    session.log.close()
    assert [a.extra["recorded_scene"] for a in Dataset(options.dataset).attempts()] == [0, 1, 2, 3, 4, 5]


def test_the_uncertain_queue_shows_what_the_model_knows_least_first(tmp_path):
    suggester = Suggester(ConstantModel(spread=200.0))
    options = config(tmp_path, model=tmp_path, queue="uncertain", pool=6)
    session = begun(options, suggester)
    scenes = open_recorded_scenes(options.scenes, WORKSPACE)
    uncertainty = [suggester.uncertainty(scenes.observation(i)) for i in range(6)]
    assert max(uncertainty) - min(uncertainty) > 0.01
    assert uncertainty[session.environment.position] == pytest.approx(max(uncertainty))
    session.log.close()


def test_the_uncertain_queue_shows_no_scene_again_before_all_have_a_label(tmp_path):
    options = config(tmp_path, model=tmp_path, queue="uncertain", pool=4)
    suggester = Suggester(ConstantModel(spread=200.0))
    session = begun(options, suggester)
    label_all(session, 3)
    session.log.close()
    session = begun(options, suggester)
    label_all(session, 3)
    session.log.close()
    attempts = Dataset(options.dataset).attempts()
    assert sorted(a.extra["recorded_scene"] for a in attempts) == [0, 1, 2, 3, 4, 5]


def test_the_gripper_goes_as_deep_as_what_executes_the_grasp(tmp_path):
    from grasping_student.simulation.families import standard

    assert make_gripper(LabelConfig()) == standard().gripper.geometry
    text = (ROOT / "docs" / "cell.yaml").read_text()
    assert "finger_depth: 0.015" in text
    (tmp_path / "cell.yaml").write_text(text.replace("finger_depth: 0.015", "finger_depth: 0.011"))
    cell = make_gripper(LabelConfig(env="robot-cell", cell=tmp_path / "cell.yaml"))
    assert (cell.finger_depth, cell.clearance) == (0.011, 0.007)
    wide = GripperGeometry(opening=0.11)
    assert make_gripper(LabelConfig(env="recorded", scenes=tmp_path, gripper=wide)) == wide
    with pytest.raises(ValueError, match="--gripper is not read with --env simulation"):
        LabelConfig(gripper=wide)


def test_the_end_says_what_is_kept_and_what_comes_next(tmp_path):
    assert "No label yet" in farewell(LabelConfig(dataset=tmp_path), 0)
    told = farewell(LabelConfig(dataset=tmp_path), 12)
    assert f"train teacher --preset light-augmented --dataset {tmp_path} " in told
    held_out = LabelConfig(dataset=tmp_path, env="recorded", scenes=tmp_path / "split" / "held_out")
    told = farewell(held_out, 12)
    assert f"dataset info {tmp_path}" in told and "train teacher" not in told


def test_frames_in_folders_become_scenes(tmp_path):
    workspace = Workspace(extent=0.3, pixels=60, margin=0.03)
    depth = np.full((120, 160), 0.8, np.float32)
    depth[50:70, 70:90] = 0.75
    camera_to_world = np.array([[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 0.8], [0, 0, 0, 1]], dtype=np.float64)
    rgb = np.full((120, 160, 3), 80, np.uint8)
    for name in ("b", "a"):
        frame = RgbdFrame(depth, rgb, Intrinsics(260, 260, 80, 60, 160, 120), camera_to_world)
        (tmp_path / "frames" / name).mkdir(parents=True)
        save_frame(frame, tmp_path / "frames" / name)
    scenes = open_recorded_scenes(tmp_path / "frames", workspace)
    assert len(scenes) == 2 and scenes.group(1) == 1
    height = scenes.observation(0).heightmap.height
    assert height[30, 30] == pytest.approx(0.05, abs=0.005) and abs(height[10, 10]) < 0.005


def test_frames_in_millimetres_are_read_as_the_option_says(tmp_path):
    camera_to_world = np.array([[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 0.8], [0, 0, 0, 1]], dtype=np.float64)
    depth = np.full((120, 160), 0.8, np.float32)
    depth[50:70, 70:90] = 0.75
    frame = tmp_path / "frames" / "a"
    save_frame(RgbdFrame(depth, None, Intrinsics(260, 260, 80, 60, 160, 120), camera_to_world), frame)
    (frame / "depth.npy").unlink()
    cv2.imwrite(str(frame / "depth.png"), np.round(1000 * depth).astype(np.uint16))
    options = LabelConfig(
        dataset=tmp_path / "d", env="recorded", scenes=frame.parent, workspace=Workspace(0.3, 60, 0.03)
    )
    session = make_session(options, None)
    with pytest.raises(UserError, match="give --depth-unit mm"):
        session.start()
    session.log.close()
    session = begun(replace(options, depth_unit="mm"))
    assert session.scene.heightmap.height[30, 30] == pytest.approx(0.05, abs=0.005)
    session.log.close()


def test_what_the_cell_asks_is_answered_at_the_page(tmp_path, monkeypatch):
    from tests.robots.failing_cell import WORKSPACE as CELL_WORKSPACE
    from tests.robots.failing_cell import make_cell as devices_in_memory

    from grasping_student.environments import robot_cell as devices
    from grasping_student.pipeline.configuration import to_yaml
    from grasping_student.robots.cell.config import CellConfig

    _, *in_memory, _, _ = devices_in_memory()
    for name, device in zip(("make_arm", "make_gripper", "make_view"), in_memory, strict=True):
        monkeypatch.setattr(devices, name, lambda cell, device=device: device)
    monkeypatch.setattr("builtins.input", lambda text: pytest.fail("asked at the terminal"))
    (tmp_path / "cell.yaml").write_text(to_yaml(CellConfig(workspace=CELL_WORKSPACE)))
    operator, asked = Operator(), []

    def answer():
        if operator.question is not None:
            asked.append(operator.question)
            operator.answer()

    monkeypatch.setattr(operator, "_tell", answer)
    with make_environment(LabelConfig(env="robot-cell", cell=tmp_path / "cell.yaml"), operator) as cell:
        cell.reset(0)
        assert len(asked) == 1 and "Fill the workspace" in asked[0]
        operator.leave()
        with pytest.raises(UserError, match="page was closed"):  # and nobody waits for an answer
            cell.reset(1)


def test_frames_that_lie_for_an_import_are_refused_with_the_command_that_imports_them(tmp_path):
    (tmp_path / "depth").mkdir()
    (tmp_path / "camera.json").write_text("{}")
    with pytest.raises(UserError, match=f"dataset import frames {tmp_path} --depth-unit"):
        open_recorded_scenes(tmp_path, WORKSPACE)


def test_what_holds_no_scenes_is_refused(tmp_path):
    with pytest.raises(UserError, match="neither a dataset nor frames"):
        open_recorded_scenes(tmp_path, WORKSPACE)
    DatasetWriter(tmp_path / "empty", WORKSPACE).close()
    with pytest.raises(UserError, match="empty"):
        open_recorded_scenes(tmp_path / "empty", WORKSPACE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"env": "recorded"}, "--env recorded DIR"),
        ({"env": "robot-cell"}, "--cell"),
        ({"queue": "uncertain"}, "--model"),
        ({"queue": "uncertain", "model": "m", "env": "robot-cell", "cell": "c"}, "one scene at a time"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        check_label_config(LabelConfig(**options))


@pytest.mark.parametrize("options", [{"suggestions": 0}, {"suggestions": 10}, {"pool": 0}, {"seed": -1}])
def test_impossible_numbers_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        LabelConfig(**options)


def test_a_model_of_another_workspace_is_refused(tmp_path):
    with pytest.raises(UserError, match="trained on"):
        make_session(LabelConfig(dataset=tmp_path / "d", env="simulation"), Suggester(ConstantModel()))


def test_recorded_takes_its_folder_right_behind():
    assert with_scenes(["--env", "recorded", "DIR", "--port", "1"]) == [
        "--env",
        "recorded",
        "--scenes",
        "DIR",
        "--port",
        "1",
    ]
    assert with_scenes(["--env=recorded", "DIR"]) == ["--env=recorded", "--scenes", "DIR"]
    assert with_scenes(["--env", "recorded", "--scenes", "DIR"]) == ["--env", "recorded", "--scenes", "DIR"]
    assert with_scenes(["--env", "simulation"]) == ["--env", "simulation"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["label", "--env", "recorded"], "needs scenes"),
        (["label", "--scenes", "DIR"], "--scenes DIR is not read with --env simulation: give --env recorded too"),
        (["label", "--cell", "FILE"], "--cell FILE is not read with --env simulation: give --env robot-cell too"),
        (["label", "--env", "recorded", "DIR", "--cell", "FILE"], "--cell FILE is not read with --env recorded"),
        (["label", "--env", "robot-cell", "--cell", "FILE", "--scenes", "DIR"], "not read with --env robot-cell"),
        (["label", "--host", "0.0.0.0"], "--token"),
        (["label", "--token", "short"], "12"),
        (["dataset", "browse", "no-such-folder"], "no-such-folder"),
        (["dataset", "browse", "x", "--host", "0.0.0.0"], "--token"),
    ],
)
def test_the_command_line_refuses_with_a_word_and_no_traceback(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
