"""Comparisons that the results page is about, as rows of a table: which condition less which, and the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from grasping_student.study.conditions import (
    CONDITIONS,
    DEFAULT_STUDENT,
    RANDOM_ANTIPODAL,
    TEACHERS,
    UNCONSTRAINED_STUDENT,
    condition_title,
)
from grasping_student.study.rates import MIN_REPLICATES, Estimate, Evidence, rate

WANTED_LEAD = 0.05
"""Lead over the best of its teachers that the student is wanted to have, one-shot."""

PAIRS = (
    ("teacher", "student"),
    ("teacher", "teacher_augmented"),
    ("teacher_augmented", "student"),
    ("teacher_augmented", "student_augmented"),
    ("teacher_augmented", "teacher_matched"),
    ("teacher_matched", "student_matched"),
    ("student_augmented", "student_matched"),
    ("student", "student_rank"),
    ("student", "student_score"),
    ("scripted", "nearby"),
    ("teacher_augmented", "student_method"),
    ("teacher_augmented", "teacher_failure_avoiding"),
    (DEFAULT_STUDENT, "student_failure_avoiding"),
    (RANDOM_ANTIPODAL, "student_failure_avoiding"),
    ("teacher_failure_avoiding", "student_failure_avoiding"),
)
"""Differences that every experiment shows where it has both conditions: second less first."""

PAPER_PAIRS = {
    ("teacher", "student"): "the paper's student, against the teacher that labelled for it,",
    ("teacher_augmented", "student"): "the same student, against the augmented teacher,",
    ("teacher_augmented", "student_augmented"): "the augmented teacher's own student, against it,",
    ("teacher_matched", "student_matched"): "the compute-matched teacher's own student, against it,",
}
"""Pairs that compare the paper's method without the constraint: less, who -> subject of a sentence."""

FAILURE_AVOIDANCE_PAIRS = (
    (DEFAULT_STUDENT, "student_failure_avoiding"),
    (RANDOM_ANTIPODAL, "student_failure_avoiding"),
    ("teacher_failure_avoiding", "student_failure_avoiding"),
    ("teacher_augmented", "teacher_failure_avoiding"),
)
ENTROPY_PAIRS = (
    ("teacher", "student"),
    ("teacher_augmented", "student_augmented"),
    ("teacher_matched", "student_matched"),
    ("teacher_augmented", DEFAULT_STUDENT),
)


@dataclass(frozen=True)
class Comparison:
    """One row: a condition less another at a level, under a measure."""

    domain: str
    level: str
    labels: str
    """The level with its number of labels."""

    first: str
    second: str
    measure: str
    found: Estimate
    best_of: int = 0
    """Of so many teachers the first is the best; 0 where it was not chosen so."""

    room: float = 1.0
    """Share of the scenes in which the first fails: no other can be further ahead."""

    @property
    def verdict(self) -> str:
        """Whether the difference can be told from zero."""
        found = self.found
        if not found.enough:
            return f"nothing concluded: n = {found.replicates}"
        if not (found.better or found.worse):
            return "not told apart"
        word = "better" if found.better else "worse"
        if found.by_both:
            return f"**{word}**, by both intervals"
        return f"**{word}** on these replicates; {found.replicates} do not show it for others"

    @property
    def lead(self) -> str:
        """Whether the wanted lead was reached: by the whole interval, by the estimate, or not."""
        assert self.found.bootstrap is not None
        if not self.found.enough:
            return ""
        if self.found.bootstrap.low >= WANTED_LEAD:
            return "yes, the whole interval"
        if self.found.value >= WANTED_LEAD:
            return "the estimate, not the interval"
        return f"no: the teacher leaves {100 * self.room:.1f}" if self.room < WANTED_LEAD else "no"


def comparison(
    evidence: Evidence, domain: str, level: str, pair: tuple[str, str], measure: str, first_level: str = ""
) -> Comparison | None:
    """The second condition of a pair less the first, at a level; None if they share no replicate."""
    first, second = pair
    found = evidence.difference(domain, (first_level or level, first), (level, second), measure)
    if found is None:
        return None
    return Comparison(domain, level, evidence.labels(domain, level), first, second, measure, found)


def of_pairs(evidence: Evidence, pairs: Iterable[tuple[str, str]], measure: str) -> list[Comparison]:
    """Differences of pairs at every level, trial by trial."""
    found = (comparison(evidence, *trial, pair, measure) for trial in evidence.trials for pair in pairs)
    return [each for each in found if each is not None]


def pairs_in(evidence: Evidence, domain: str, level: str) -> list[tuple[str, str]]:
    """Differences shown at a level: the usual ones, and the default student against its constraint at random and every
    teacher; none between two reference conditions, which their own experiment shows."""
    there = evidence.trials[domain, level]
    others = [each for each in there if each == RANDOM_ANTIPODAL or each.startswith("teacher")]
    wanted = dict.fromkeys((*PAIRS, *((other, DEFAULT_STUDENT) for other in others)))
    if "nearby" in there:  # relabelling: both corrections against the person
        wanted["scripted", "teacher_augmented"] = None
    design = evidence.design
    reference = set(design.reference.conditions) - set(design.conditions(level, domain))
    return [pair for pair in wanted if set(pair) <= set(there) and not set(pair) <= reference]


def teacher_rates(evidence: Evidence, domain: str, level: str, measure: str) -> dict[str, float]:
    """Rates of the teachers that share most replicates with the default student, on these replicates."""
    student = evidence.counts(domain, level, DEFAULT_STUDENT, measure)
    shared = {
        each: [counts for n, counts in evidence.counts(domain, level, each, measure).items() if n in student]
        for each in TEACHERS
    }
    most = max(map(len, shared.values()))
    return {each: rate(counts).value for each, counts in shared.items() if counts and len(counts) == most}


def against_best_teacher(evidence: Evidence, measure: str, student: str = DEFAULT_STUDENT) -> list[Comparison]:
    """A student at every level against the best of the default student's teachers under a measure."""
    found = []
    for domain, level in evidence.trials:
        rates = teacher_rates(evidence, domain, level, measure)
        if not rates:
            continue
        best = max(rates, key=lambda each: rates[each])
        estimate = evidence.difference(domain, (level, best), (level, student), measure)
        if estimate is not None:
            own = evidence.counts(domain, level, student, measure)
            shared = [c for n, c in evidence.counts(domain, level, best, measure).items() if n in own]
            room = 1.0 - rate(shared).value if measure == "one_shot" else 1.0
            labels = evidence.labels(domain, level)
            found.append(Comparison(domain, level, labels, best, student, measure, estimate, len(rates), room))
    return found


def against_constraint(evidence: Evidence) -> list[Comparison]:
    """The default student against teachers under its constraint and the constraint at random, one-shot; and itself
    without the constraint against the best teacher."""
    constrained = [name for name, each in CONDITIONS.items() if each.kind == "teacher" and each.constraint != "none"]
    without = against_best_teacher(evidence, "one_shot", UNCONSTRAINED_STUDENT)
    found = of_pairs(evidence, [(name, DEFAULT_STUDENT) for name in (RANDOM_ANTIPODAL, *constrained)], "one_shot")
    trials = list(evidence.trials)
    return sorted([*found, *without], key=lambda each: trials.index((each.domain, each.level)))


def with_fewer_labels(evidence: Evidence) -> list[Comparison]:
    """The default student at 5 and 10 % against the augmented teacher that has all labels, one-shot (the paper's claim
    at figure 3)."""
    pair = ("teacher_augmented", DEFAULT_STUDENT)
    trials = [(domain, level) for domain, level in evidence.trials if level in ("5 %", "10 %")]
    found = (comparison(evidence, *trial, pair, "one_shot", first_level="100 %") for trial in trials)
    return [each for each in found if each is not None]


@dataclass(frozen=True)
class Tally:
    """At which levels of one domain a comparison shows what."""

    domain: str
    levels: int
    groups: dict[str, tuple[str, ...]]
    """Finding -> levels."""

    @property
    def sentence(self) -> str:
        """Predicate of a sentence: better at so many levels, and so on."""
        return ", ".join(f"{name} at {len(each)} ({', '.join(each)})" for name, each in self.groups.items())


FINDINGS = (
    "better by both intervals",
    "better by the interval over replicates and scenes alone",
    "worse",
    "not told apart",
    "measured with too few replicates",
)
"""What a difference shows, in the order of sentences."""


def finding(found: Estimate) -> str:
    """One of ``FINDINGS``."""
    if not found.enough:
        return FINDINGS[4]
    if found.better:
        return FINDINGS[0 if found.by_both else 1]
    return FINDINGS[2 if found.worse else 3]


def tallies(comparisons: Sequence[Comparison]) -> list[Tally]:
    """A tally for each domain."""
    found = []
    for domain in dict.fromkeys(each.domain for each in comparisons):
        own = [each for each in comparisons if each.domain == domain]
        levels = {name: tuple(each.level for each in own if finding(each.found) == name) for name in FINDINGS}
        found.append(Tally(domain, len(own), {name: each for name, each in levels.items() if each}))
    return found


def count(comparisons: Sequence[Comparison]) -> dict[str, int]:
    """How many comparisons have enough replicates, and how many of them are better, worse, and not told apart."""
    found = [each.found for each in comparisons]
    better, worse = sum(each.better for each in found), sum(each.worse for each in found)
    enough = sum(each.enough for each in found)
    return {"of": enough, "better": better, "worse": worse, "not_told": enough - better - worse}


def lower_entropy(evidence: Evidence) -> Iterator[dict[str, object]]:
    """In how many replicates students are surer than their teachers, as the paper says."""
    for domain, level in evidence.trials:
        for first, second in ENTROPY_PAIRS:
            a, b = (evidence.values(domain, level, each, "entropy") for each in (first, second))
            shared = [replicate for replicate in a if replicate in b]
            if shared:
                yield {
                    "level": level,
                    "student": condition_title(second),
                    "teacher": condition_title(first),
                    "lower": sum(b[n] < a[n] for n in shared),
                    "of": len(shared),
                    "student_bits": float(np.mean([b[n] for n in shared])),
                    "teacher_bits": float(np.mean([a[n] for n in shared])),
                }


def marked(replicates: int) -> str:
    """A number of replicates, marked where nothing is concluded from so few."""
    return f"{replicates}{'' if replicates >= MIN_REPLICATES else '†'}"
