"""Chances of success for a checkpoint's scores, with their calibration error and the risk at every coverage.

Chances are good when grasps that are given 70 % succeed in 70 of 100. The expected calibration error is the mean
distance between both, over bins of chance, on attempts that the fit did not see. Small numbers make it larger by
themselves: beside it stands what it would be if the chances were true. Risk is the share of failures among the attempts
that are made when all below a chance are left out, coverage the share that is made.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grasping_student.episodes.event_log import read_attempts
from grasping_student.evaluation.confidence_configuration import ConfidenceConfig
from grasping_student.evaluation.network_metrics import reliability
from grasping_student.evaluation.picking_stage import ATTEMPTS
from grasping_student.models.checkpoint import CONFIG, WEIGHTS
from grasping_student.models.checkpoint import METRICS as LEARNING_CURVES
from grasping_student.models.confidence import Confidence
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import write_json
from grasping_student.pipeline.stage import StageRun

REPORT = "confidence-report.json"

RESAMPLES = 1000


class ScoredAttempts(NamedTuple):
    """Attempts of one model: score, whether it succeeded, and the scene or episode it belongs to, each ``(n,)``."""

    scores: NDArray[np.float64]
    successes: NDArray[np.bool_]
    units: NDArray[np.int64]

    def of(self, chosen: NDArray[Any]) -> ScoredAttempts:
        """Some of them."""
        return ScoredAttempts(self.scores[chosen], self.successes[chosen], self.units[chosen])


def read_scored(folders: Sequence[Path], version: str) -> ScoredAttempts:
    """The attempts of a model in some evaluations, faults left out.

    Raises:
        UserError: a folder holds no attempts of the model.
    """
    scores, successes, units = [], [], []
    for number, folder in enumerate(folders):
        if not (folder / ATTEMPTS).is_file():
            raise UserError(f"{folder} holds no {ATTEMPTS}; give folders of 'evaluate one-shot' or 'evaluate picking'")
        found = read_attempts(folder / ATTEMPTS)
        own = [each for each in found if each.policy_version == version and each.counted and each.score is not None]
        if not own:
            versions = sorted({each.policy_version or "" for each in found})
            raise UserError(
                f"in {folder} the model {version} grasped nothing (there: {', '.join(versions) or 'no model'}); "
                "evaluate this checkpoint, under no other constraint than its own"
            )
        scores += [float(each.score) for each in own if each.score is not None]
        successes += [bool(each.success) for each in own]
        units += [(number << 32) + each.episode for each in own]
    return ScoredAttempts(np.array(scores), np.array(successes), np.array(units))


def out_of_fold_chances(attempts: ScoredAttempts, folds: int, seed: int) -> NDArray[np.float64]:
    """Chances of attempts by curves that were fitted without their scene or episode, shape ``(n,)``.

    Raises:
        ValueError: too few attempts, see ``Confidence.fit``.
    """
    units = np.unique(attempts.units)
    parts = np.array_split(np.random.default_rng(seed).permutation(units), folds)
    chances = np.empty(len(attempts.scores))
    for part in parts:
        left_out = np.isin(attempts.units, part)
        rest = attempts.of(~left_out)
        curve = Confidence.fit(rest.scores, rest.successes, "")
        chances[left_out] = [curve.chance(score) for score in attempts.scores[left_out]]
    return chances


def risk_by_coverage(chances: NDArray[np.float64], successes: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Share of failures among the most promising attempts, from a twentieth of all to all of them."""
    order = np.argsort(-chances, kind="stable")
    made = [max(1, round(len(order) * twentieths / 20)) for twentieths in range(1, 21)]
    return [
        {
            "coverage": count / len(order),
            "min_success": float(chances[order[count - 1]]),
            "risk": 1.0 - float(successes[order[:count]].mean()),
        }
        for count in made
    ]


def summary(attempts: ScoredAttempts, chances: NDArray[np.float64], seed: int) -> dict[str, Any]:
    """Everything about some chances as plain JSON values; the interval resamples scenes or episodes."""
    random = np.random.default_rng(seed)
    units, unit_of = np.unique(attempts.units, return_inverse=True)
    members = [np.flatnonzero(unit_of == unit) for unit in range(len(units))]
    errors = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([members[unit] for unit in random.integers(len(units), size=len(units))])
        errors.append(reliability(chances[drawn], attempts.successes[drawn]).expected_calibration_error)
    if_true = [
        reliability(chances, random.random(len(chances)) < chances).expected_calibration_error for _ in range(RESAMPLES)
    ]
    diagram = reliability(chances, attempts.successes)
    filled = diagram.count > 0
    return {
        "attempts": len(chances),
        "units": len(units),
        "success_rate": float(attempts.successes.mean()),
        "mean_chance": float(chances.mean()),
        "calibration_error": diagram.expected_calibration_error,
        "bootstrap_95": np.percentile(errors, [2.5, 97.5]).tolist(),
        "calibration_error_if_true": float(np.mean(if_true)),
        "brier": float(np.mean((chances - attempts.successes) ** 2)),
        "reliability": {
            "attempts": diagram.count[filled].tolist(),
            "chance": diagram.predicted[filled].tolist(),
            "rate": diagram.seen[filled].tolist(),
        },
        "risk": risk_by_coverage(chances, attempts.successes),
    }


def run(config: ConfidenceConfig) -> Path:
    """Run the stage ``train confidence``; returns the output folder.

    Writes a checkpoint of the same weights with ``confidence.json``, and ``confidence-report.json``: calibration error,
    reliability and risk out of fold, and on each shifted evaluation.

    Raises:
        UserError: no checkpoint, no attempts of it, too few, or an existing ``out``.
    """
    stage = StageRun("train confidence", config)
    model = GraspModel.load(config.checkpoint)
    attempts = read_scored(config.attempts, model.version)
    shifted = {str(folder): read_scored([folder], model.version) for folder in config.shifted}
    try:
        confidence = Confidence.fit(attempts.scores, attempts.successes, model.version)
        chances = out_of_fold_chances(attempts, config.folds, config.seed)
    except ValueError as error:
        raise UserError(f"{', '.join(map(str, config.attempts))}: {error}; evaluate more scenes") from None
    inputs = {str(config.checkpoint): model.version}
    with stage.output_folder(WEIGHTS, inputs):
        own = summary(attempts, chances, config.seed)
        report = {
            "schema_version": 1,
            "in_distribution": own,
            "shifted": {
                name: summary(each, np.array([confidence.chance(score) for score in each.scores]), config.seed)
                for name, each in shifted.items()
            },
        }
        write_json(config.out / REPORT, report)
        for name in (CONFIG, LEARNING_CURVES):
            shutil.copyfile(config.checkpoint / name, config.out / name)
        confidence.save(config.out)
        shutil.copyfile(config.checkpoint / WEIGHTS, config.out / WEIGHTS)
        stage.finish(inputs, calibration_error=own["calibration_error"])
    return config.out
