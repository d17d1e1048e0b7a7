"""The rigid motion that carries one set of points onto another, and how well it does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasping_student.pipeline.errors import UserError

FEWEST_POINTS = 4
"""Three points fix a motion; with a fourth the fit can be wrong, and so be checked."""

SMALLEST_SPREAD = 0.03
"""Standard deviation of the points along their second direction, metres: less is a line, or too small a patch."""


@dataclass(frozen=True, eq=False)
class RigidFit:
    """A motion and what is left over.

    Attributes:
        from_to: 4 x 4, maps source points to target points.
        residuals: distance of every mapped source point from its target, metres, shape ``(n,)``.
    """

    from_to: NDArray[np.float64]
    residuals: NDArray[np.float64]

    @property
    def rms(self) -> float:
        """Root mean square of the residuals, metres."""
        return float(np.sqrt((self.residuals**2).mean()))


def fit_rigid(source: NDArray[np.float64], target: NDArray[np.float64]) -> RigidFit:
    """Least squares over rotations and translations, by singular value decomposition (Kabsch).

    Args:
        source: shape ``(n, 3)``.
        target: the same points in the other frame, shape ``(n, 3)``.

    Raises:
        UserError: fewer than four points, or points that nearly lie in a line.
    """
    if len(source) < FEWEST_POINTS:
        raise UserError(f"{len(source)} points were given; at least {FEWEST_POINTS} are needed, spread over the table")
    centred, wanted = source - source.mean(axis=0), target - target.mean(axis=0)
    for points in (centred, wanted):
        spread = np.linalg.svd(points, compute_uv=False) / np.sqrt(len(points))
        if spread[1] < SMALLEST_SPREAD:
            raise UserError(
                f"the points lie nearly in a line or close together (spread {spread[0] * 1000:.0f} x "
                f"{spread[1] * 1000:.0f} mm, at least {SMALLEST_SPREAD * 1000:.0f} mm is needed): touch the corners of "
                "the workspace"
            )
    left, _, right = np.linalg.svd(centred.T @ wanted)
    sign = np.sign(np.linalg.det(right.T @ left.T))
    rotation = right.T @ np.diag([1.0, 1.0, sign]) @ left.T
    from_to = np.eye(4)
    from_to[:3, :3] = rotation
    from_to[:3, 3] = target.mean(axis=0) - rotation @ source.mean(axis=0)
    residuals = np.linalg.norm(source @ rotation.T + from_to[:3, 3] - target, axis=1)
    return RigidFit(from_to, residuals)


def check_fit(fit: RigidFit, names: list[str], largest: float) -> None:
    """Refuse a bad fit, and say which point is to blame.

    Args:
        fit: to be judged.
        names: of the points.
        largest: root mean square allowed, metres.

    Raises:
        UserError: the residuals are larger.
    """
    if fit.rms <= largest:
        return
    worst = int(fit.residuals.argmax())
    each = ", ".join(f"{name} {value * 1000:.1f}" for name, value in zip(names, fit.residuals, strict=True))
    raise UserError(
        f"the points do not fit: {fit.rms * 1000:.1f} mm root mean square, {largest * 1000:.1f} mm is allowed. "
        f"Worst is {names[worst]} with {fit.residuals[worst] * 1000:.1f} mm (all, in mm: {each}). Touch it again, or "
        "look whether two points are mixed up; nothing was stored"
    )
