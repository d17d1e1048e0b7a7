"""``--initial general``: the model that ships with the package, wherever that lies."""

from pathlib import Path

from grasping_student.cli.stages import with_general, with_general_teachers
from grasping_student.serving.loading import PRETRAINED
from grasping_student.training.affordance_configuration import AffordanceConfig
from grasping_student.training.configuration import StudentConfig, TeacherConfig
from grasping_student.training.distillation_configuration import DistillationConfig


def test_the_word_names_the_shipped_model_unless_a_folder_has_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for config in (TeacherConfig, StudentConfig, AffordanceConfig):
        assert with_general(config(initial=Path("general"))).initial == PRETRAINED
        assert with_general(config(initial=Path("mine"))).initial == Path("mine")
        assert with_general(config()).initial is None
    (tmp_path / "general").mkdir()
    assert with_general(TeacherConfig(initial=Path("general"))).initial == Path("general")


def test_the_word_names_the_shipped_model_among_the_teachers_of_soft_targets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = StudentConfig(distillation=DistillationConfig((Path("mine"), Path("general"))))
    assert with_general_teachers(config).distillation.teachers == (Path("mine"), PRETRAINED)
    assert with_general_teachers(StudentConfig()).distillation.teachers == ()
    (tmp_path / "general").mkdir()
    assert with_general_teachers(config).distillation.teachers == (Path("mine"), Path("general"))
