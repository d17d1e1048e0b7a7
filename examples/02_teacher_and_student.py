"""The method in five calls: labels, scenes, teacher, pseudo-labels, student. Far too small to show anything.

Run: python examples/02_teacher_and_student.py [FOLDER]
"""

import sys
import tempfile
from pathlib import Path

from grasping_student.collection.collect import run as collect
from grasping_student.collection.configuration import CollectConfig
from grasping_student.datasets.store import Dataset
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pseudo_labels.configuration import PseudoLabelConfig
from grasping_student.pseudo_labels.teacher_pass import run as pseudo_label
from grasping_student.training.configuration import StudentConfig, TeacherConfig
from grasping_student.training.loop_configuration import LoopConfig
from grasping_student.training.student import run as train_student
from grasping_student.training.teacher import run as train_teacher

SHORT = LoopConfig(steps=10, batch=4, threads=1)


def main(folder: Path) -> None:
    labels, scenes = folder / "labels", folder / "scenes"
    collect(CollectConfig(kind="attempts", count=8, policy="scripted", out=labels, workers=1, seed=1), make_policy)
    collect(CollectConfig(kind="scenes", count=10, out=scenes, workers=1, seed=2), make_policy)

    teacher = train_teacher(TeacherConfig(dataset=labels, out=folder / "teacher", loop=SHORT))
    table = pseudo_label(PseudoLabelConfig(teacher=teacher, dataset=scenes, out=folder / "pseudo-labels"))
    student = train_student(StudentConfig(dataset=scenes, pseudo_labels=table, out=folder / "student", loop=SHORT))

    dataset = Dataset(scenes)
    scene = dataset.heightmap(int(dataset.ids()[0]))
    for name, path in (("teacher", teacher), ("student", student)):
        grasp, score = GraspModel.load(path).best_grasp(scene)
        print(f"{name}: row {grasp.row}, column {grasp.col}, angle {grasp.angle:.2f} rad, score {score:.2f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
