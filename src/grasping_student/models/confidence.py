"""Chance of success of a score: a logistic curve that held-out attempts of the same model have fixed.

Scores of a network compare within one scene and mean nothing by themselves. Attempts that neither the network nor its
teacher has learnt from tell how often grasps of a score succeed (Platt 1999). The curve is kept beside the weights.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json

CONFIDENCE = "confidence.json"
SCHEMA_VERSION = 1

FEWEST_ATTEMPTS = 50
"""With fewer, or with fewer than ``FEWEST_OF_EACH`` successes or failures, a curve is a guess."""

FEWEST_OF_EACH = 10


@dataclass(frozen=True)
class Confidence:
    """``chance = 1 / (1 + exp(-(slope (score - centre) + offset)))``, and what it was fixed on."""

    slope: float
    offset: float
    centre: float
    """Mean score of the attempts."""

    model_version: str
    """Content hash of the model whose scores these are."""

    attempts: int
    successes: int

    def __post_init__(self) -> None:
        numbers = (self.slope, self.offset, self.centre)
        if not all(isinstance(each, int | float) and math.isfinite(each) for each in numbers):
            raise ValueError("slope, offset and centre must be finite numbers")
        if not (type(self.attempts) is int and type(self.successes) is int and 0 <= self.successes <= self.attempts):
            raise ValueError("attempts and successes must be whole numbers, 0 <= successes <= attempts")

    @classmethod
    def fit(cls, scores: NDArray[np.float64], successes: NDArray[np.bool_], model_version: str) -> Self:
        """The curve under which attempts are most likely.

        The slope has a weak prior at zero (standard deviation of 5 for a score of unit spread), so that attempts that a
        score separates without a mistake do not make it infinitely steep; it is never negative: a higher score is never
        a worse grasp.

        Args:
            scores: of the attempts, shape ``(n,)``.
            successes: how they ended, shape ``(n,)``.
            model_version: of the model that chose them.

        Raises:
            ValueError: too few attempts, or hardly any success or failure.
        """
        count, good = len(scores), int(successes.sum())
        if count < FEWEST_ATTEMPTS or min(good, count - good) < FEWEST_OF_EACH:
            raise ValueError(
                f"{good} successes in {count} attempts; at least {FEWEST_ATTEMPTS} attempts are needed, with "
                f"{FEWEST_OF_EACH} successes and {FEWEST_OF_EACH} failures"
            )
        centre, spread = float(scores.mean()), max(float(scores.std()), 1e-9)
        unit, sign = (scores - centre) / spread, np.where(successes, 1.0, -1.0)

        def loss(parameters: NDArray[np.float64]) -> float:
            margin = sign * (parameters[0] * unit + parameters[1])
            return float(np.logaddexp(0.0, -margin).sum() + 0.5 * (parameters[0] / 5.0) ** 2)

        start = np.array([0.0, math.log(good / (count - good))])
        found = minimize(loss, start, method="L-BFGS-B", bounds=[(0.0, None), (None, None)])
        slope, offset = (float(each) for each in found.x)
        return cls(slope / spread, offset, centre, model_version, count, good)

    def chance(self, score: float) -> float:
        """Chance that a grasp of this score succeeds, in (0, 1)."""
        logit = self.slope * (score - self.centre) + self.offset
        return float(1.0 / (1.0 + math.exp(-min(max(logit, -700.0), 700.0))))

    def save(self, folder: Path) -> None:
        """Write the curve beside a checkpoint's weights."""
        write_json(folder / CONFIDENCE, {"schema_version": SCHEMA_VERSION, **asdict(self)})

    @classmethod
    def load(cls, folder: Path, model_version: str) -> Self:
        """The curve of a checkpoint folder.

        Raises:
            UserError: missing, damaged, of another version of the file, or of another model.
        """
        path = folder / CONFIDENCE
        stored: Any = read_json(path)
        try:
            if stored.pop("schema_version") != SCHEMA_VERSION:
                raise ValueError("another schema version")
            confidence = cls(**stored)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path} holds no confidence ({error}); make it again: train confidence") from None
        if confidence.model_version != model_version:
            raise UserError(
                f"{path} belongs to the model {confidence.model_version}, the weights are {model_version}: make it "
                "again with 'train confidence', or remove it"
            )
        return confidence
