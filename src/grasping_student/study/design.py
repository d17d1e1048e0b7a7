"""What an experiment is: domains, levels, conditions and measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from grasping_student.simulation.families import Family
from grasping_student.study.conditions import CONDITIONS, Condition
from grasping_student.study.methods import METHODS

Measure = Literal["one_shot", "proxy", "entropy", "picking"]


@dataclass(frozen=True)
class Domain:
    """Where labels come from and where the models must work: families of simulated scenes."""

    labels: Family
    target: Family
    photos: Family | None = None
    """Of the unlabelled scenes; None takes the target's."""

    labeller: str = "scripted"
    """The policy that stands in for a person."""

    @property
    def unlabelled(self) -> Family:
        """Family of the unlabelled scenes."""
        return self.photos or self.target


@dataclass(frozen=True)
class Level:
    """One value of what an experiment varies."""

    share: float | None = None
    """Share of the pool that the teacher learns from; None takes ``sizes.ablated_share``."""

    student: dict[str, Any] = field(default_factory=dict)
    """Options of ``train student`` that this level gives every student."""

    angles: int | None = None
    """Angles at which teachers look at unlabelled scenes; None takes ``sizes.angles``."""

    method: str | None = None
    """Method of the condition ``student_method`` at this level."""


@dataclass(frozen=True)
class Trial:
    """A level in a domain with a replicate of labels and training seed: all conditions in it are comparable."""

    domain: str
    level: str
    replicate: int
    settings: Level

    def condition(self, name: str) -> Condition:
        """The condition of a name; ``student_method`` is the student that the level names."""
        if name != "student_method":
            return CONDITIONS[name]
        method = self.settings.method
        assert method is not None
        return Condition(METHODS[method].title, "student", "", teacher="teacher_augmented", method=method)


@dataclass(frozen=True)
class ReferenceRuns:
    """Runs that an experiment's tables take from another experiment, which measured on the same scenes."""

    experiment: str = ""
    conditions: tuple[str, ...] = ()
    """Whose runs stand there too."""

    level: str = ""
    """The other experiment's level at which all of the own ones are: its conditions stand there, before those. Empty
    where both have the same levels."""

    measures: tuple[Measure, ...] = ()
    """Measures of the same models that the other experiment took and the own one does not."""


@dataclass(frozen=True)
class Design:
    """An experiment."""

    title: str
    varies: str
    """Name of the axis."""

    levels: dict[str, Level]
    conditions: Callable[[str, str], tuple[str, ...]]
    """From level and domain to the conditions compared there; none where the level is left out."""

    measures: tuple[Measure, ...] = ("one_shot", "proxy")
    domains: tuple[str, ...] = ("in-distribution",)
    named_only: tuple[str, ...] = ()
    """Levels that ``experiment all --preset light`` leaves out, to stay within its hours; naming the experiment runs
    them too."""

    max_scenes: int | None = None
    """Test scenes a replicate where the invocation names no number; None takes ``sizes.one_shot_scenes``."""

    reference: ReferenceRuns = field(default_factory=ReferenceRuns)

    extra_replicates: dict[str, int] = field(default_factory=dict)
    """Levels that need more replicates than the others: level -> at least so many."""

    drawn: tuple[str, ...] = ()
    """Conditions in the figure; empty draws all."""

    paper: dict[str, dict[str, float]] = field(default_factory=dict)
    """Condition -> level -> the paper's success rate (tables I, III, IV, V)."""

    paper_source: str = ""

    def level_title(self, level: str) -> str:
        """Name of a level in tables and figures."""
        method = self.levels[level].method if level in self.levels else None
        return METHODS[method].title if method else level
