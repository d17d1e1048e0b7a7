"""An exported model scores and grasps like the model it came from, and refuses what it should."""

import importlib
import json

import numpy as np
import pytest

from grasping_student.cli.main import main
from grasping_student.geometry.grasp import AngleGrid
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.errors import UserError

pytest.importorskip("onnxscript")
pytest.importorskip("openvino")

WORKSPACE = Workspace(extent=0.16, pixels=40, margin=0.02)
CONFIG = ModelConfig(network=NetworkConfig(widths=(8, 12)), workspace=WORKSPACE)
GRID = AngleGrid(6)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A model and its export folder, written by the command."""
    folder = tmp_path_factory.mktemp("export")
    model = GraspModel.new(CONFIG, seed=3, precision="fp32")
    model.save(folder / "checkpoint")
    assert main(["export", "--model", str(folder / "checkpoint"), "--out", str(folder / "exported")]) == 0
    return model, folder / "exported"


@pytest.fixture(scope="module")
def scene():
    random = np.random.default_rng(0)
    height = np.zeros(WORKSPACE.shape, dtype=np.float32)
    for row, col in random.integers(4, 30, (8, 2)):
        height[row : row + 6, col : col + 9] = random.uniform(0.02, 0.06)
    return Heightmap(height, np.zeros((*WORKSPACE.shape, 3), np.uint8), WORKSPACE)


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_scores_and_grasps_in_fp32(exported, scene, backend):
    from grasping_student.serving.backends import load_exported

    model, folder = exported
    other = load_exported(folder, backend, WORKSPACE, precision="fp32", threads=1)
    ours, theirs = model.score_maps(scene, GRID), other.score_maps(scene, GRID)
    inside = np.isfinite(ours)
    np.testing.assert_array_equal(np.isfinite(theirs), inside)
    assert np.abs(theirs[inside] - ours[inside]).max() < 1e-3 * ours[inside].std()
    assert other.best_grasp(scene, GRID)[0] == model.best_grasp(scene, GRID)[0]
    assert other.workspace == WORKSPACE


def test_bf16_keeps_the_scores_within_a_few_hundredths_of_their_spread(exported, scene):
    from grasping_student.serving.backends import load_exported

    model, folder = exported
    ours = model.score_maps(scene, GRID)
    theirs = load_exported(folder, precision="bf16", threads=1).score_maps(scene, GRID)
    inside = np.isfinite(ours)
    assert np.abs(theirs[inside] - ours[inside]).mean() < 0.05 * ours[inside].std()


def test_the_version_tells_weights_and_arithmetic_apart(exported):
    from grasping_student.serving.backends import load_exported

    model, folder = exported
    fp32 = load_exported(folder, precision="fp32")
    versions = {
        model.version,
        fp32.version,
        load_exported(folder, precision="bf16").version,
        load_exported(folder, "onnxruntime").version,
    }
    assert len(versions) == 4
    assert load_exported(folder, precision="fp32").version == fp32.version


def test_another_workspace_and_an_unknown_backend_are_refused(exported):
    from grasping_student.serving.backends import load_exported

    _, folder = exported
    with pytest.raises(UserError, match=r"made for 0\.16 m in 40 pixels"):
        load_exported(folder, workspace=Workspace())
    with pytest.raises(UserError, match="openvino, onnxruntime"):
        load_exported(folder, "tensorrt")


def test_a_changed_graph_and_a_newer_export_are_refused(exported, tmp_path):
    from grasping_student.serving.backends import load_exported

    _, folder = exported
    (tmp_path / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:-10])
    (tmp_path / "export.json").write_text((folder / "export.json").read_text())
    with pytest.raises(UserError, match="export the model again"):
        load_exported(tmp_path)
    newer = json.loads((folder / "export.json").read_text()) | {"schema_version": 99}
    (tmp_path / "export.json").write_text(json.dumps(newer))
    with pytest.raises(UserError, match="schema version 99"):
        load_exported(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        load_exported(tmp_path / "nowhere")


def test_the_description_tells_what_a_program_needs(exported):
    model, folder = exported
    told = json.loads((folder / "export.json").read_text())
    assert told["input"] == {
        "name": "pictures",
        "type": "float32",
        "shape": ["batch", 1, "side", "side"],
        "side": model.canvas.side,
        "any_side": True,
        "multiple_of": 4,
    }
    steps = told["preprocessing"]
    assert len(steps["angles"]) == 16
    assert steps["canvas"]["centre"] == model.canvas.centre
    assert steps["heightmap"]["pixel_size"] == WORKSPACE.pixel_size
    assert told["postprocessing"]["constraint"]["gripper"]["opening"] == 0.085
    assert told["parity"]["scenes"] == 12
    assert told["parity"]["same_grasps"] == 1.0
    assert told["parity"]["largest_difference"] < 1e-3


def test_one_graph_serves_other_extents_as_the_checkpoint_does(exported):
    from grasping_student.serving.backends import load_exported

    model, folder = exported
    wider = Workspace(extent=0.2, pixels=50, margin=0.02)
    height = np.zeros(wider.shape, np.float32)
    height[20:28, 18:30] = 0.04
    scene = Heightmap(height, np.zeros((*wider.shape, 3), np.uint8), wider)
    ours = model.on(wider).score_maps(scene, GRID)
    theirs = load_exported(folder, precision="fp32").on(wider).score_maps(scene, GRID)
    inside = np.isfinite(ours)
    assert np.abs(theirs[inside] - ours[inside]).max() < 1e-3 * ours[inside].std()
    with pytest.raises(UserError, match=r"trained on pixels of 4\.00 mm"):
        load_exported(folder).on(Workspace(extent=0.2, pixels=25, margin=0.02))


def test_the_first_schema_is_read_and_has_one_extent(exported, tmp_path):
    from grasping_student.serving.backends import OneExtent, load_exported

    model, folder = exported
    told = json.loads((folder / "export.json").read_text())
    (tmp_path / "model.onnx").write_bytes((folder / "model.onnx").read_bytes())
    first = {"schema_version": 1, "exported_from": model.version, "model": told["model"]}
    first["sha256"] = told["files"]["model.onnx"]
    (tmp_path / "export.json").write_text(json.dumps(first))
    old = load_exported(tmp_path, precision="fp32")
    assert old.version == load_exported(folder, precision="fp32").version
    with pytest.raises(OneExtent, match="export it again"):
        old.on(Workspace(extent=0.2, pixels=50, margin=0.02))


def test_the_format_of_openvino_runs_there_alone(exported, tmp_path, scene):
    from grasping_student.serving.backends import load_exported

    model, folder = exported
    arguments = ["export", "--model", str(folder.parent / "checkpoint"), "--format", "openvino"]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    assert {each.name for each in (tmp_path / "out").iterdir()} == {
        "model.xml",
        "model.bin",
        "export.json",
        "manifest.json",
    }
    other = load_exported(tmp_path / "out", precision="fp32")
    assert other.best_grasp(scene)[0] == model.best_grasp(scene)[0]
    with pytest.raises(UserError, match="export it with --format onnx"):
        load_exported(tmp_path / "out", "onnxruntime")


def test_int8_needs_scenes_and_is_refused_where_grasps_differ(exported, tmp_path, capsys, monkeypatch):
    from grasping_student.serving import export, parity

    model, folder = exported
    arguments = ["export", "--model", str(folder.parent / "checkpoint"), "--int8", "--out", str(tmp_path / "out")]
    assert main(arguments) == 2
    assert "give --calibration DATASET" in capsys.readouterr().err
    scenes = parity.sample_scenes(WORKSPACE, 1, 8)
    (tmp_path / "int8").mkdir()
    monkeypatch.setattr(export, "MOST_OTHER_GRASPS", 1.0)
    found = export.export_model(model, tmp_path / "int8", scenes=scenes, int8=True)
    assert found.scenes == 4
    assert 0.0 < found.largest_difference < 1.0
    assert json.loads((tmp_path / "int8" / "export.json").read_text())["numbers"] == "int8"
    monkeypatch.setattr(export, "MOST_OTHER_GRASPS", -1.0)
    (tmp_path / "refused").mkdir()
    with pytest.raises(UserError, match=r"chooses other grasps on .*% of 4 scenes"):
        export.export_model(model, tmp_path / "refused", scenes=scenes, int8=True)
    assert not any((tmp_path / "refused").iterdir())


def test_scenes_for_int8_come_from_a_dataset_of_the_same_workspace(tmp_path):
    from grasping_student.datasets.schema import Attempt
    from grasping_student.datasets.writer import DatasetWriter
    from grasping_student.serving.parity import sample_scenes
    from grasping_student.serving.quantisation import dataset_scenes

    with DatasetWriter(tmp_path / "scenes", WORKSPACE) as writer:
        for number, each in enumerate(sample_scenes(WORKSPACE, 0, 22)):
            writer.append(each, Attempt(episode=number, index=0, environment="drawn"))
    _, scenes = dataset_scenes(tmp_path / "scenes", WORKSPACE, 21, seed=0)
    assert len(scenes) == 21
    with pytest.raises(UserError, match="20 are needed"):
        dataset_scenes(tmp_path / "scenes", WORKSPACE, 10, seed=0)
    with pytest.raises(UserError, match=r"the model of 0\.45 m"):
        dataset_scenes(tmp_path / "scenes", Workspace(), 10, seed=0)


def test_the_shipped_student_is_exported_from_the_shipped_weights():
    from grasping_student.serving.export_description import read_export
    from grasping_student.serving.loading import PRETRAINED

    assert read_export(PRETRAINED).exported_from == GraspModel.load(PRETRAINED).version
    assert sum(each.stat().st_size for each in PRETRAINED.iterdir()) < 8_000_000


def test_the_command_refuses_a_folder_without_checkpoint_and_an_existing_output(exported, tmp_path, capsys):
    _, folder = exported
    assert main(["export", "--model", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "is no checkpoint" in capsys.readouterr().err
    assert main(["export", "--model", str(folder.parent / "checkpoint"), "--out", str(folder)]) == 2
    assert "exists" in capsys.readouterr().err


def test_the_command_never_replaces_the_checkpoint_itself(tmp_path, capsys):
    GraspModel.new(CONFIG, seed=0).save(tmp_path / "checkpoint")
    for out in (tmp_path / "checkpoint", tmp_path):
        assert main(["export", "--model", str(tmp_path / "checkpoint"), "--out", str(out), "--overwrite"]) == 2
        assert "which is read and must not be replaced" in capsys.readouterr().err
    GraspModel.load(tmp_path / "checkpoint")


def test_a_missing_extra_is_named(monkeypatch, tmp_path):
    from grasping_student.serving import export

    held = {"torch", "onnx", "onnxscript"}
    errors = importlib.import_module("grasping_student.pipeline.errors")
    monkeypatch.setattr(errors, "find_spec", lambda name: object() if name in held else None)
    with pytest.raises(UserError, match=r"onnxruntime is not installed.*pip install 'grasping-student\[train\]'"):
        export.run(export.ExportConfig(model=tmp_path))
