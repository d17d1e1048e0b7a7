"""What every training does around its loop: begin or go on in its folder, fit, save, and only then forget the way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from grasping_student.models.checkpoint import WEIGHTS, describe, load_weights, read_config
from grasping_student.models.grasp_model import GraspModel
from grasping_student.models.heightmap_scorer import SAME_PIXEL_SIZE
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import sha256_of_file
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


def start_from(model: GraspModel, initial: Path | None) -> dict[str, str]:
    """Give a model the weights of a checkpoint, if one is named; returns its content hash for the manifest.

    Weights know items by their size in pixels, so the pixels of both workspaces must be of one size, as for
    ``GraspModel.on``.

    Raises:
        UserError: no checkpoint, another network, another normalisation, or pixels of another size.
    """
    if initial is None:
        return {}
    other, own = read_config(initial), model.workspace
    size, own_size = other.workspace.pixel_size, own.pixel_size
    if abs(own_size / size - 1.0) > SAME_PIXEL_SIZE or other.normalisation != model.config.normalisation:
        raise UserError(
            f"--initial {initial} is for {describe(other.workspace)} ({size * 1000:.2f} mm a pixel) with "
            f"{other.normalisation}, this training for {describe(own)} ({own_size * 1000:.2f} mm a pixel) with "
            f"{model.config.normalisation}"
        )
    load_weights(model.network, initial)
    return {str(initial): sha256_of_file(initial / WEIGHTS)}
