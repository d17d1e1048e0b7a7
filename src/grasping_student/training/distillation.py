"""Knowledge distillation: a student learns its teachers' probabilities of every pixel, not their best grasps alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from grasping_student.datasets.store import Dataset
from grasping_student.geometry.grasp_constraints import GraspConstraintConfig
from grasping_student.models.checkpoint import CONFIG, WEIGHTS
from grasping_student.models.configuration import ModelConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json
from grasping_student.pipeline.stage import StageRun
from grasping_student.training.configuration import StudentConfig
from grasping_student.training.distillation_configuration import Targets
from grasping_student.training.labels import read_scenes
from grasping_student.training.soft_targets import SoftTargetBatches, SoftTargetStep
from grasping_student.training.stage import forget, start_from, train


def distil(config: StudentConfig) -> Path:
    """Train a student on its teachers' score maps and return its checkpoint folder.

    Raises:
        UserError: no scenes, a teacher that is none, of another workspace or normalisation, teachers of two kinds, an
            existing ``out``, an unknown network, or a resume with another config or other data.
    """
    options, stage = config.distillation, StageRun("train student", config)
    dataset = Dataset(config.dataset)
    dataset.require()
    teachers = [GraspModel.load(path, dataset.workspace) for path in options.teachers]
    for path, teacher in zip(options.teachers, teachers, strict=True):
        if teacher.config.normalisation != config.normalisation:
            raise UserError(
                f"teacher {path} has {teacher.config.normalisation}, the student {config.normalisation}: give the "
                "student its teachers'"
            )
    targets = _targets(config)
    scenes = read_scenes(dataset, dataset.ids(), config.normalisation)
    obeyed = teachers[0].config.constraint if config.constrain else GraspConstraintConfig()
    model = GraspModel.new(ModelConfig(config.network, dataset.workspace, config.normalisation, obeyed), config.seed)
    inputs = {str(config.dataset): dataset.version} | start_from(model, config.initial)
    inputs |= {str(path): teacher.version for path, teacher in zip(options.teachers, teachers, strict=True)}
    resolved = replace(config, distillation=replace(options, targets=targets))
    with stage.output_folder(WEIGHTS, inputs) as finished:
        if finished:
            return forget(config.out)
        steps = config.loop.total_steps(len(scenes.ids))
        batches = SoftTargetBatches(
            scenes,
            (model.canvas, max((teacher.canvas for teacher in teachers), key=lambda each: each.stride)),
            config.normalisation,
            config.augmentation,
            config.seed,
            steps,
            config.loop.batch,
            config.network.angles,
            options.angles,
            obeyed.make() if targets == "success" else None,
        )
        step = SoftTargetStep([teacher.network for teacher in teachers], targets)
        facts = {"scenes": len(scenes.ids), "steps": steps}
        return train(stage, resolved, model, step, batches, len(scenes.ids), inputs, facts)


def _targets(config: StudentConfig) -> Targets:
    """What the teachers' scores mean.

    Raises:
        UserError: their checkpoints do not tell, tell of two kinds, or one that needs more angles.
    """
    asked, teachers = config.distillation.targets, config.distillation.teachers
    if asked != "auto":
        return asked
    kinds = {path: _trained_for(path) for path in teachers}
    if None in kinds.values() or len(set(kinds.values())) > 1:
        told = ", ".join(f"{path}: {kind or 'not told'}" for path, kind in kinds.items())
        raise UserError(
            f"what the teachers' scores mean is not told, or not one thing ({told}): give --distillation.targets "
            "success or position"
        )
    (kind,) = set(kinds.values())
    if kind == "position" and config.distillation.angles < 2:
        raise UserError("--distillation.angles 1: teachers of positions compare angles; give 2 or more")
    assert kind is not None
    return kind


def _trained_for(path: Path) -> Targets | None:
    """What a checkpoint's scores mean, from the config of its training; None where that is not told."""
    training = read_json(path / CONFIG).get("training")
    if not isinstance(training, dict):
        return None
    soft = training.get("distillation", {})
    if soft.get("teachers"):
        return "success" if soft.get("targets") == "success" else "position"
    return "success" if "held_out" in training else "position"
