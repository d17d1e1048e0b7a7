"""Constraints on grasps: masks over pixel and angle that are composed, and obeyed where they leave a grasp."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from grasping_student.geometry.antipodal import AntipodalContacts
from grasping_student.geometry.grasp import ANGLE_TOLERANCE, PlanarGrasp, angle_distance
from grasping_student.geometry.gripper import GripperGeometry, finger_clearance
from grasping_student.geometry.workspace import Workspace

ConstraintName = Literal["none", "clearance", "antipodal"]
CONSTRAINTS: tuple[ConstraintName, ...] = get_args(ConstraintName)
FORMER_NAMES = {"room": "clearance", "grip": "antipodal"}
"""Former name -> today's, still read for one release."""


class GraspConstraint(Protocol):
    """Which grasps may be chosen."""

    def allows(
        self, height: NDArray[np.float32], angles: NDArray[np.float64], workspace: Workspace
    ) -> NDArray[np.bool_]:
        """The grasps that it allows, shape ``(n, pixels, pixels)``.

        Args:
            height: filled heightmap, metres, shape ``(pixels, pixels)``, without NaN.
            angles: grasp angles, radians, shape ``(n,)``.
            workspace: pixel size and margin.
        """


@dataclass(frozen=True)
class AllOf:
    """Allows what every part allows; without parts, everything."""

    parts: tuple[GraspConstraint, ...] = ()

    def allows(
        self, height: NDArray[np.float32], angles: NDArray[np.float64], workspace: Workspace
    ) -> NDArray[np.bool_]:
        """As of ``GraspConstraint``."""
        allowed = np.ones((len(angles), *workspace.shape), dtype=bool)
        for part in self.parts:
            allowed &= part.allows(height, angles, workspace)
        return allowed


@dataclass(frozen=True)
class FingerClearance:
    """Both open fingers stay clear of everything on the way down."""

    gripper: GripperGeometry = field(default_factory=GripperGeometry)

    min_clearance: float = 0.005
    """Smallest clearance under the fingers, metres; less than zero forgives a noisy heightmap."""

    def allows(
        self, height: NDArray[np.float32], angles: NDArray[np.float64], workspace: Workspace
    ) -> NDArray[np.bool_]:
        """As of ``GraspConstraint``."""
        return finger_clearance(height, angles, self.gripper, workspace) >= self.min_clearance


@dataclass(frozen=True, eq=False)
class Region:
    """Grasps are centred in chosen cells only, at any angle."""

    cells: NDArray[np.bool_]
    """Shape ``(pixels, pixels)``."""

    @classmethod
    def polygon(cls, corners: Sequence[tuple[float, float]], workspace: Workspace) -> Region:
        """Cells whose centres lie inside a polygon.

        Args:
            corners: x and y of at least three corners, metres, in order around the polygon.
            workspace: the cells.

        Raises:
            ValueError: it has fewer than three corners, or holds the centre of no cell of the workspace.
        """
        if len(corners) < 3:
            raise ValueError(f"a region has {len(corners)} corners; it needs at least 3")
        every = np.arange(workspace.pixels)
        x, y = workspace.xy_from_pixel(every[:, None], every[None, :])
        inside = np.zeros(workspace.shape, dtype=bool)
        for (x0, y0), (x1, y1) in zip(corners, (*corners[1:], corners[0]), strict=True):
            crosses = (y0 > y) != (y1 > y)  # an odd number of edges to the right of a point surrounds it
            inside ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0 if y1 != y0 else 1.0))
        if not inside.any():
            raise ValueError(
                f"the region {tuple(corners)} holds no cell of the {workspace.extent:g} x {workspace.extent:g} m "
                "workspace around the origin; give its corners in metres"
            )
        return cls(inside)

    @classmethod
    def rectangle(cls, x0: float, y0: float, x1: float, y1: float, workspace: Workspace) -> Region:
        """Cells between two opposite corners, metres; errors as of ``polygon``."""
        return cls.polygon(((x0, y0), (x1, y0), (x1, y1), (x0, y1)), workspace)

    @classmethod
    def outside_circles(cls, circles: Sequence[tuple[float, float, float]], workspace: Workspace) -> Region:
        """Cells whose centres lie in none of some circles: x and y of the centre, and radius, metres."""
        every = np.arange(workspace.pixels)
        x, y = workspace.xy_from_pixel(every[:, None], every[None, :])
        outside = np.ones(workspace.shape, dtype=bool)
        for centre_x, centre_y, radius in circles:
            outside &= np.hypot(x - centre_x, y - centre_y) > radius
        return cls(outside)

    def allows(
        self, height: NDArray[np.float32], angles: NDArray[np.float64], workspace: Workspace
    ) -> NDArray[np.bool_]:
        """As of ``GraspConstraint``."""
        return np.broadcast_to(self.cells, (len(angles), *workspace.shape))


@dataclass(frozen=True)
class ClosingAngles:
    """The fingers close along directions between two angles only, at any place."""

    first: float
    """Where the range begins, radians counter-clockwise from +x."""

    last: float
    """Where it ends, going counter-clockwise; angles count modulo pi, so a range may pass through 0."""

    def allows(
        self, height: NDArray[np.float32], angles: NDArray[np.float64], workspace: Workspace
    ) -> NDArray[np.bool_]:
        """As of ``GraspConstraint``."""
        width = self.last - self.first
        if width >= math.pi:
            width = math.pi
        elif width < 0.0:
            width = (width + ANGLE_TOLERANCE) % math.pi - ANGLE_TOLERANCE  # hardly below 0 is 0, not half a turn
        beyond = (np.asarray(angles) - self.first) % math.pi
        inside = (beyond <= width + ANGLE_TOLERANCE) | (beyond >= math.pi - ANGLE_TOLERANCE)
        return np.broadcast_to(inside[:, None, None], (len(angles), *workspace.shape))


@dataclass(frozen=True)
class ExclusionZone:
    """No grasp that is both nearer and less turned than these limits to one of the given grasps."""

    grasps: tuple[PlanarGrasp, ...]

    distance: float
    """Between the centres, metres."""

    angle: float = math.pi
    """Between the finger lines, radians; pi keeps every angle away."""

    def allows(
        self, height: NDArray[np.float32], angles: NDArray[np.float64], workspace: Workspace
    ) -> NDArray[np.bool_]:
        """As of ``GraspConstraint``."""
        allowed = np.ones((len(angles), *workspace.shape), dtype=bool)
        rows, cols = np.ogrid[: workspace.pixels, : workspace.pixels]
        for grasp in self.grasps:
            near = np.hypot(rows - grasp.row, cols - grasp.col) * workspace.pixel_size <= self.distance + 1e-9
            turned = angle_distance(angles, grasp.angle) > self.angle + 1e-9
            allowed &= turned[:, None, None] | ~near
        return allowed


class Preference(NamedTuple):
    """Constraints from strict to mild, of which the first that leaves a grasp is obeyed."""

    alternatives: tuple[GraspConstraint, ...]

    required: bool = False
    """Where none of them leaves a grasp there is none; otherwise the preference is given up."""


def narrow(
    allowed: NDArray[np.bool_],
    preferences: Sequence[Preference],
    height: NDArray[np.float32],
    angles: NDArray[np.float64],
    workspace: Workspace,
) -> tuple[NDArray[np.bool_], tuple[int | None, ...]]:
    """Narrow a mask of grasps by one preference after the other: the only place where a constraint may be given up.

    Args:
        allowed: where to begin, shape ``(n, pixels, pixels)``.
        preferences: the most important first.
        height: as of ``GraspConstraint.allows``, like the rest.
        angles: radians, shape ``(n,)``.
        workspace: pixel size and margin.

    Returns:
        The mask, and for each preference the number of the alternative that was obeyed, None for none.
    """
    obeyed: list[int | None] = []
    for preference in preferences:
        found: int | None = None
        for number, constraint in enumerate(preference.alternatives):
            passing = allowed & constraint.allows(height, angles, workspace)
            if passing.any():
                allowed, found = passing, number
                break
        if found is None and preference.required:
            allowed = np.zeros_like(allowed)
        obeyed.append(found)
    return allowed, tuple(obeyed)


@dataclass(frozen=True)
class GraspConstraintConfig:
    """A constraint in plain values: in options, in tables of pseudo-labels, beside a model's weights."""

    RENAMED: ClassVar[dict[str, str]] = {"least_room": "min_clearance", "least_grip": "min_contact_height"}
    RENAMED_VALUES: ClassVar[dict[str, dict[str, str]]] = {"name": FORMER_NAMES}

    name: ConstraintName = "none"
    """``clearance`` wants both open fingers clear, ``antipodal`` besides material between them with sides that face
    the fingers."""

    min_clearance: float = 0.005
    """Smallest clearance under the open fingers, metres."""

    min_contact_height: float = 0.9
    """``antipodal``: smallest mean height of the material between the fingers, a share of their reach."""

    friction: float = 0.6
    """``antipodal``: sides may be turned against the fingers by the angle with this tangent."""

    gripper: GripperGeometry = field(default_factory=GripperGeometry)
    """Whose fingers."""

    def __post_init__(self) -> None:
        if self.name not in CONSTRAINTS:
            raise ValueError(f"constraint name is {self.name}; there are {', '.join(CONSTRAINTS)}")
        self._antipodal()  # refuses senseless numbers

    def make(self) -> GraspConstraint | None:
        """The constraint, or None for ``none``."""
        if self.name == "clearance":
            return FingerClearance(self.gripper, self.min_clearance)
        return self._antipodal() if self.name == "antipodal" else None

    def _antipodal(self) -> AntipodalContacts:
        return AntipodalContacts(self.gripper, self.min_clearance, self.min_contact_height, self.friction)
