"""The teacher stage: labelled dataset in, checkpoint out (paper, Algorithm 1)."""

from __future__ import annotations

from pathlib import Path

from grasping_student.datasets.store import Dataset
from grasping_student.geometry.grasp_constraints import GraspConstraintConfig
from grasping_student.models.checkpoint import WEIGHTS
from grasping_student.models.configuration import ModelConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.stage import StageRun
from grasping_student.training.batches import Group, PairBatches
from grasping_student.training.configuration import StudentConfig, TeacherConfig
from grasping_student.training.labels import read_labels, read_scenes
from grasping_student.training.losses import PairStep
from grasping_student.training.stage import forget, start_from, train


def run(config: TeacherConfig) -> Path:
    """Train a teacher and return its checkpoint folder.

    Raises:
        UserError: no usable labels, an existing ``out``, an unknown network, or a resume with another config or other
            data.
    """
    dataset = Dataset(config.dataset)
    labels = read_labels(dataset, config.sources, config.labels, config.label_fraction, config.label_seed)
    scenes = read_scenes(dataset, labels.scene, config.normalisation)
    facts = {"labels": len(labels), "successes": int(labels.success.sum())}
    groups = (Group(labels, scenes, config.loop.batch),)
    return train_pairs("train teacher", config, dataset, groups, {str(config.dataset): dataset.version}, facts)


def train_pairs(
    stage: str,
    config: TeacherConfig | StudentConfig,
    dataset: Dataset,
    groups: tuple[Group, ...],
    inputs: dict[str, str],
    facts: dict[str, int],
    constraint: GraspConstraintConfig | None = None,
) -> Path:
    """Train a model on groups of labels with the pair step, and write its checkpoint folder.

    Args:
        stage: command words.
        config: of the stage.
        dataset: whose workspace the model is for.
        groups: labels, scenes and how many of them a batch takes.
        inputs: content hashes for the manifest.
        facts: counts for the manifest.
        constraint: of its labels; a student's config says whether the model obeys it, and learns it by a second loss.

    Raises:
        UserError: an existing ``out``, an unknown network, or a resume with another config or other data.
    """
    run = StageRun(stage, config)
    obeyed, weight = GraspConstraintConfig(), 0.0
    if isinstance(config, StudentConfig) and constraint is not None:
        obeyed, weight = constraint if config.constrain else obeyed, config.constraint_weight
    described = ModelConfig(config.network, dataset.workspace, config.normalisation, obeyed)
    model = GraspModel.new(described, config.seed)
    inputs = inputs | start_from(model, config.initial)
    with run.output_folder(WEIGHTS, inputs) as finished:
        if finished:
            return forget(config.out)
        items = max(len(group.labels) for group in groups)
        steps = config.loop.total_steps(items)
        batches = PairBatches(
            groups,
            model.canvas,
            config.normalisation,
            config.augmentation,
            config.seed,
            steps,
            constraint=constraint.make() if constraint and weight else None,
            outputs=config.network.angles,
        )
        step = PairStep(dataset.workspace.pixel_size, weight)
        return train(run, config, model, step, batches, items, inputs, {"steps": steps, **facts})
