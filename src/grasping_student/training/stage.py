"""What every training does around its loop: begin or go on in its folder, fit, save, and only then forget the way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from grasping_student.models.checkpoint import WEIGHTS
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.files import prepare_output
from grasping_student.pipeline.manifest import STARTED, StageClock
from grasping_student.training.affordance_configuration import AffordanceConfig
from grasping_student.training.batches import Batches
from grasping_student.training.callbacks import RESUME_POINT
from grasping_student.training.configuration import StudentConfig, TeacherConfig
from grasping_student.training.loop import fit
from grasping_student.training.module import Step
from grasping_student.training.pretraining_configuration import PretrainingConfig

TrainingConfig = TeacherConfig | StudentConfig | AffordanceConfig | PretrainingConfig


def begin(clock: StageClock, config: TrainingConfig, inputs: Mapping[str, str]) -> bool:
    """Make the output folder of a training, or go on with it; returns whether it holds the finished model.

    Raises:
        UserError: ``out`` exists and neither resume nor overwrite was asked for, it holds what is read, or it was begun
            with another config or other data.
    """
    prepare_output(config.out, config.resume, config.overwrite, config.inputs)
    finished = clock.begin(config.out, WEIGHTS, inputs)
    if finished:
        _forget(config.out)
    return finished


def train(
    clock: StageClock,
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
        clock: of the stage.
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
        clock.write(config.out, inputs, model_version=model.version, **facts)
        _forget(config.out)

    fit(model.network, step, batches, items, config.loop, config.out, config.seed, save)
    return config.out


def _forget(out: Path) -> None:
    """Remove what only an unfinished training needs; the manifest is there."""
    for name in (RESUME_POINT, STARTED):
        (out / name).unlink(missing_ok=True)
