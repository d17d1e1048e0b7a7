"""The student stage: scenes and pseudo-labels, or teachers, in, checkpoint out (paper, Algorithm 2)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from grasping_student.datasets.chosen_grasps import ChosenGrasps, best_of_angles, sample_angles, top_of_scenes
from grasping_student.datasets.pseudo_label_table import TABLE, Provenance, PseudoLabelTable
from grasping_student.datasets.store import Dataset
from grasping_student.geometry.grasp import TRAINING_ANGLES, AngleGrid
from grasping_student.geometry.grasp_constraints import GraspConstraintConfig
from grasping_student.models.checkpoint import describe
from grasping_student.pipeline.configuration import with_values
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import sha256_of_file
from grasping_student.training.batches import Group
from grasping_student.training.configuration import PseudoLabelChoice, StudentConfig
from grasping_student.training.distillation import distil
from grasping_student.training.labels import Labels, read_labels, read_scenes
from grasping_student.training.teacher import train_pairs


def run(config: StudentConfig) -> Path:
    """Train a student and return its checkpoint folder.

    Raises:
        UserError: no scenes, no pseudo-labels or those of another dataset, true labels or online attempts of another
            workspace or without successes, online attempts without failures, an existing ``out``, an unknown network,
            or a resume with another config or other data.
    """
    if config.distillation.teachers:
        return distil(config)
    dataset = Dataset(config.dataset)
    dataset.require()
    table, provenance = PseudoLabelTable.load(config.pseudo_labels)
    version = dataset.version
    if provenance.workspace != dataset.workspace:
        raise UserError(
            f"pseudo-labels {config.pseudo_labels} are for {describe(provenance.workspace)}, "
            f"dataset {config.dataset} is of {describe(dataset.workspace)}"
        )
    if provenance.dataset != version:
        raise UserError(
            f"pseudo-labels {config.pseudo_labels} are of another version of the scenes than {config.dataset}: "
            "pseudo-label this dataset again"
        )
    _check_angles(config, provenance)
    constraint = _constraint(config, provenance)
    labels = pseudo_labels_as_labels(table, config.pseudo, config.seed)
    if not len(labels):
        raise UserError(f"pseudo-labels {config.pseudo_labels} hold no grasp: all scenes are empty")
    file = config.pseudo_labels / TABLE if config.pseudo_labels.is_dir() else config.pseudo_labels
    inputs = {
        str(config.dataset): version,
        str(config.pseudo_labels): provenance.teacher,
        "pseudo-label table": sha256_of_file(file),
    }
    pseudo = Group(labels, read_scenes(dataset, labels.scene, config.normalisation), config.shares[0])
    mixed, others = _mixed_groups(config, dataset)
    facts = {"scenes": len(np.unique(labels.scene)), "pseudo_labels": len(labels)}
    return train_pairs("train student", config, dataset, (pseudo, *mixed), inputs | others, facts, constraint)


def _mixed_groups(config: StudentConfig, dataset: Dataset) -> tuple[list[Group], dict[str, str]]:
    """Labels with true outcomes that are mixed into every batch, and the content hashes of their datasets."""
    groups, inputs = [], {}
    _, true_count, successes, failures = config.shares
    if true_count and config.true_labels is not None:
        other = _of_same_workspace(config.true_labels, "--true-labels", dataset)
        read = read_labels(other, ("human", "script"), config.labels, seed=config.label_seed)
        groups.append(Group(read, read_scenes(other, read.scene, config.normalisation), true_count))
        inputs[str(other.path)] = other.version
    if successes and config.online_attempts is not None:
        other = _of_same_workspace(config.online_attempts, "--online-attempts", dataset)
        read = read_labels(other, ("policy",))
        scenes, succeeded = read_scenes(other, read.scene, config.normalisation), read.success > 0.5
        if succeeded.all():
            raise UserError(f"--online-attempts {other.path} holds no failure, and half of its share is failures")
        groups.append(Group(read.take(succeeded), scenes, successes))
        groups.append(Group(read.take(~succeeded), scenes, failures))
        inputs[str(other.path)] = other.version
    return groups, inputs


def _constraint(config: StudentConfig, provenance: Provenance) -> GraspConstraintConfig:
    """The constraint of the pseudo-labels.

    Raises:
        UserError: they obey none, and the student is to learn it.
    """
    if provenance.constraint is None and config.constraint_weight:
        raise UserError(
            f"--constraint-weight {config.constraint_weight} wants pseudo-labels under a constraint, "
            f"{config.pseudo_labels} have none: pseudo-label with --constraint antipodal, or leave "
            "--constraint-weight at 0"
        )
    return with_values(GraspConstraintConfig(), provenance.constraint or {}, where=str(config.pseudo_labels))


def _check_angles(config: StudentConfig, provenance: Provenance) -> None:
    choice, looked = config.pseudo, provenance.angles
    if choice.angles < 64 and looked < 64 and (choice.draw == "random" or choice.angles > looked):
        raise UserError(
            f"--pseudo.angles {choice.angles} asks for other angles than the {looked} at which the teacher of "
            f"{config.pseudo_labels} looked; leave it at 64, which takes all there are, or pseudo-label with "
            "--angles 64"
        )


def pseudo_labels_as_labels(table: PseudoLabelTable, choice: PseudoLabelChoice, seed: int) -> Labels:
    """The pseudo-labels that a student sees, as labels that all succeeded.

    Raises:
        UserError: the table keeps fewer grasps a scene than asked for, or knows no confidence.
    """
    if (choice.keep < 1.0 or choice.weights == "confidence") and np.isnan(table.total).any():
        raise UserError("--pseudo.keep and weights by confidence need a newer table: run 'pseudo-label' again")
    if choice.labels_per_scene > 1:
        chosen = top_of_scenes(table, choice.angles, choice.labels_per_scene)
    elif choice.draw == "even":
        chosen = best_of_angles(table, AngleGrid(choice.angles).indices_in(TRAINING_ANGLES))
    else:
        drawn = sample_angles(choice.angles, len(table), np.random.default_rng([seed, 4]))
        chosen = best_of_angles(table, drawn)
    if choice.keep < 1.0:
        chosen = chosen.most_confident(choice.keep)
    return Labels(
        scene=chosen.scene,
        row=chosen.row,
        col=chosen.col,
        angle=TRAINING_ANGLES.angles[chosen.angle],
        success=np.ones(len(chosen.scene), dtype=np.float32),
        weight=_weights(chosen, choice.weights),
    )


def _weights(chosen: ChosenGrasps, kind: str) -> np.ndarray:
    if kind == "equal":
        return np.ones(len(chosen.scene), dtype=np.float32)
    if kind == "rank":
        return (1.0 / (1.0 + chosen.rank)).astype(np.float32)
    if kind == "confidence":
        return chosen.confidence / chosen.confidence.mean()
    # a scene's pseudo-labels follow one another, best first, so its first score is its largest
    first = np.flatnonzero(chosen.rank == 0)
    scene = np.cumsum(chosen.rank == 0) - 1
    share = np.exp(chosen.score - chosen.score[first][scene])
    return (share / np.bincount(scene, share)[scene]).astype(np.float32)


def _of_same_workspace(path: Path, option: str, scenes: Dataset) -> Dataset:
    """A dataset with labels, to be mixed with pseudo-labels of ``scenes``."""
    dataset = Dataset(path)
    if dataset.workspace != scenes.workspace:
        raise UserError(
            f"{option} {path} is of {describe(dataset.workspace)}, the scenes of {describe(scenes.workspace)}"
        )
    return dataset
