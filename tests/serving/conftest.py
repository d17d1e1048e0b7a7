"""A scene on disk, and a model of geometry in place of a checkpoint."""

import pytest
from geometric_model import GeometricModel
from tests.serving.tabletop import LIGHT, frame_of, tabletop

from grasping_student.perception.frame_files import save_frame
from grasping_student.serving import predict as predict_module
from grasping_student.serving.loading import resized


@pytest.fixture
def scene_files(tmp_path):
    save_frame(frame_of(tabletop()), tmp_path / "scene")
    return tmp_path / "scene"


@pytest.fixture
def geometric(monkeypatch):
    """The command with a model that needs no weights."""

    def load(folder, extent, backend="auto"):
        return GeometricModel(LIGHT if extent is None else resized(LIGHT, extent))

    monkeypatch.setattr(predict_module, "load_model", load)
