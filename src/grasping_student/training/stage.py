"""What every training does around its loop: begin or go on in its folder, fit, save, and only then forget the way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.stage import StageRun
from grasping_student.training.affordance_configuration import AffordanceConfig
from grasping_student.training.batches import Batches
from grasping_student.training.callbacks import RESUME_POINT
from grasping_student.training.configuration import StudentConfig, TeacherConfig
from grasping_student.training.loop import fit
from grasping_student.training.module import Step
from grasping_student.training.pretraining_configuration import PretrainingConfig

TrainingConfig = TeacherConfig | StudentConfig | AffordanceConfig | PretrainingConfig


def train(
    stage: StageRun,
    config: TrainingConfig,
    model: GraspModel,
    step: Step,
    batches: Batches,
    items: int,
    inputs: Mapping[str, str],
    facts: Mapping[str, int],
) -> Path:
    """Train a model, write its checkpoint folder with the manifest, and return the folder.

    Args:
        stage: whose output folder is prepared.
        config: of the stage.
        model: trained in place.
        step: loss of a batch.
        batches: item ``i`` is the batch of step ``i``.
        items: size of the training data, which makes an epoch.
        inputs: content hashes for the manifest.
        facts: counts for the manifest.
    """

    def save(curve: list[dict[str, float]]) -> None:
        model.save(config.out, config, {"learning_curve": curve})
        stage.finish(inputs, model_version=model.version, **facts)
        forget(config.out)

    fit(model.network, step, batches, items, config.loop, config.out, config.seed, save)
    return config.out


def forget(out: Path) -> Path:
    """Remove what only an unfinished training needs, now that the manifest is there; returns the folder."""
    (out / RESUME_POINT).unlink(missing_ok=True)
    return out
