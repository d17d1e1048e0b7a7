"""The policy interface: a network, a script, chance or a person chooses a grasp."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.perception.observation import Observation

Source = Literal["human", "policy", "script"]
"""Who chose a labelled grasp, kept with every attempt."""


class NothingToGrasp(Exception):
    """The policy finds no grasp in this scene; the picking loop ends the episode with this as its reason."""


class NothingPromising(NothingToGrasp):
    """No grasp is likely enough to succeed: a person is to be asked."""


@runtime_checkable
class Policy(Protocol):
    """Maps an observation to a grasp and a score; larger scores are better, and compare within one policy only."""

    @property
    def name(self) -> str:
        """Short name for tables and attempts."""

    @property
    def version(self) -> str:
        """Content hash of what decides (weights, config), or a version word."""

    @property
    def source(self) -> Source:
        """Who chooses."""

    def begin_episode(self, seed: int) -> None:
        """Forget the last episode; everything random in the next one follows from ``seed``."""

    def __call__(self, observation: Observation) -> tuple[PlanarGrasp, float]:
        """The chosen grasp and its score.

        Raises:
            NothingToGrasp: there is nothing to grasp.
        """


@runtime_checkable
class OutcomeObserver(Protocol):
    """A policy that is told how its grasps ended."""

    def observe_outcome(self, grasp: PlanarGrasp, outcome: Outcome) -> None:
        """One grasp of this episode and its outcome, in order."""
