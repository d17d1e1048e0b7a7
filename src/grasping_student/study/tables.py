"""Tables from the runs on file: rates and differences with intervals over scenes and draws."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grasping_student.evaluation.statistics import (
    Counts,
    Interval,
    hierarchical_difference,
    moving_average,
    replicates_interval,
    with_width,
)
from grasping_student.evaluation.table import interval, points
from grasping_student.study.conditions import ARMS, BY_CHANCE, DEFAULT_STUDENT
from grasping_student.study.designs import Design
from grasping_student.study.records import Run

RESAMPLES = 2000
PAPER_EPOCHS = 30
FEWEST_DRAWS = 3
"""Cells with fewer draws are marked: nothing is concluded from them."""

SAME_SCENES = ("proxy",)
"""Measures that every draw takes on the same scenes."""

CSV_MEASURES = ("one_shot", "proxy", "all_picks", "excluding_repeats", "without_stop_failures", "taken")
"""Measures of ``Run.counts`` in the CSV table."""

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
    ("teacher_augmented", "teacher_memory"),
    (DEFAULT_STUDENT, "student_memory"),
    (BY_CHANCE, "student_memory"),
    ("teacher_memory", "student_memory"),
)
"""Differences that every experiment shows where it has both arms: second less first."""


@dataclass(frozen=True)
class Estimate:
    """A rate or a difference of rates over draws."""

    value: float
    draws: int
    scenes: int
    """Scenes or episodes of all draws together."""

    attempts: int
    """Grasps in these, of the second arm where it is a difference."""

    bootstrap: Interval
    """Draws resampled, and scenes inside each; Wilson's where all scenes are alike."""

    over_draws: Interval | None
    """Student's t over the draws' own values; None with fewer than two draws, or where all draws are equal."""

    each: tuple[float, ...] = field(default=())
    """The value of each draw."""

    @property
    def enough(self) -> bool:
        return self.draws >= FEWEST_DRAWS

    def text(self, signed: bool = False) -> str:
        """Value and bootstrap interval: a rate in percent or, signed, a difference in points."""
        value = points(self.value) if signed else f"{100 * self.value:.1f}"
        return f"{value} {interval(self.bootstrap, signed)}"

    def over_draws_text(self) -> str:
        """The interval over draws of a difference, in points; empty where there is none."""
        return "" if self.over_draws is None else interval(self.over_draws, signed=True)


@dataclass(frozen=True)
class CellRuns:
    """Runs by arm and draw in one regime and setting."""

    regime: str
    setting: str
    runs: dict[str, dict[int, Run]]


def cells(runs: Sequence[Run], design: Design) -> list[CellRuns]:
    """Runs grouped, in the order of the design; arms in its order, then others in the order of ``ARMS``."""
    found = []
    for regime in design.regimes:
        for setting in dict.fromkeys((design.beside.setting, *design.settings)):
            own = [run for run in runs if (run.regime, run.setting) == (regime, setting)]
            usual = [arm for arm in design.arms(setting, regime) if any(run.arm == arm for run in own)]
            others = sorted({run.arm for run in own} - set(usual), key=lambda arm: (_rank(arm), arm))
            if own:
                by = {arm: {run.draw: run for run in own if run.arm == arm} for arm in [*usual, *others]}
                found.append(CellRuns(regime, setting, by))
    return found


def _rank(arm: str) -> int:
    return list(ARMS).index(arm) if arm in ARMS else len(ARMS)


def rate_of(runs: dict[int, Run], measure: str) -> Estimate | None:
    """An arm's rate under a measure over its draws; None if no draw has it."""
    counts = _counts(runs, measure)
    if not counts:
        return None
    return estimate_rate(list(counts.values()), measure in SAME_SCENES)


def difference_of(first: dict[int, Run], second: dict[int, Run], measure: str) -> Estimate | None:
    """Second arm less first over the draws that both have, on the same scenes; None if there are none."""
    one, other = _counts(first, measure), _counts(second, measure)
    draws = [draw for draw in one if draw in other]
    if not draws:
        return None
    pairs = [_common(one[draw], other[draw]) for draw in draws]
    return _estimate([a for a, _ in pairs], [b for _, b in pairs], -1.0, measure in SAME_SCENES)


def estimate_rate(counts: Sequence[Counts], same_scenes: bool = False) -> Estimate:
    """A rate over draws, each with attempts: the mean of the draws' rates."""
    nothing = [Counts(np.zeros(len(each), int), np.ones(len(each), int)) for each in counts]
    return _estimate(nothing, counts, 0.0, same_scenes)


@dataclass(frozen=True)
class Mean:
    """Mean over draws of a number that a draw has but its scenes have not."""

    value: float
    draws: int
    over_draws: Interval | None


def mean_of(runs: dict[int, Run], value: Callable[[Run], float | None]) -> Mean | None:
    """Mean of a number over the draws that have it; None if there are none."""
    return _mean([found for run in runs.values() if (found := value(run)) is not None])


def mean_difference(first: dict[int, Run], second: dict[int, Run], value: Callable[[Run], float | None]) -> Mean | None:
    """Second arm less first in such a number, over the draws that both have; None if there are none."""
    pairs = [(value(first[draw]), value(second[draw])) for draw in sorted(first) if draw in second]
    return _mean([b - a for a, b in pairs if a is not None and b is not None])


def _mean(each: Sequence[float]) -> Mean | None:
    return Mean(float(np.mean(each)), len(each), _over_draws(each)) if each else None


def fewer_draws(own: int, draws: int) -> str:
    """What to put behind a number that has other draws than its row; empty where it has the same."""
    return "" if own == draws else f" (n = {own}{'' if own >= FEWEST_DRAWS else '†'})"


def entropy_of(run: Run) -> float | None:
    """Mean entropy of a run's maps, bits."""
    bits = run.values.get("entropy", {}).get("bits")
    return float(np.mean(bits)) if bits else None


def proxy_average_of(run: Run) -> float | None:
    """The proxy's moving average over the training, as the paper reports it.

    The paper's average forgets by alpha an epoch of thirty. Where a training was measured in fewer rounds, each stands
    for several epochs and forgets by as much: with alpha a round, the first of four would have half the weight.
    """
    proxy = run.values.get("proxy", {})
    if not proxy.get("rounds"):
        return None
    epochs = max(1.0, PAPER_EPOCHS / len(proxy["rounds"]))
    return moving_average(proxy["rounds"], proxy["alpha"] ** epochs)[-1]


def table_rows(runs: Sequence[Run], design: Design) -> list[dict[str, Any]]:
    """One row for each regime, setting and arm with all its measures, for the CSV table."""
    rows = []
    for cell in cells(runs, design):
        for arm, own in cell.runs.items():
            row: dict[str, Any] = {"regime": cell.regime, "setting": cell.setting, "arm": arm, "draws": len(own)}
            for measure in CSV_MEASURES:
                _fill(row, measure, rate_of(own, measure))
            for name, value in (("proxy_average", proxy_average_of), ("entropy_bits", entropy_of)):
                mean = mean_of(own, value)
                row[name] = round(mean.value, 4) if mean else ""
            row["paper"] = design.paper.get(arm, {}).get(cell.setting, "")
            rows.append(row)
        for first, second in pairs_in(cell, design):
            row = {"regime": cell.regime, "setting": cell.setting, "arm": f"{second} - {first}", "draws": ""}
            for measure in CSV_MEASURES:
                found = difference_of(cell.runs[first], cell.runs[second], measure)
                _fill(row, measure, found)
            row["draws"] = max((row[name] for name in row if name.endswith("_n")), default="")
            rows.append(row)
    return rows


def pairs_in(cell: CellRuns, design: Design) -> list[tuple[str, str]]:
    """Differences shown in a cell: the usual ones, and the default student against its rule by chance and every
    teacher; none between two arms that only stand beside, which their own experiment shows."""
    others = [arm for arm in cell.runs if arm == BY_CHANCE or arm.startswith("teacher")]
    wanted = dict.fromkeys((*PAIRS, *((other, DEFAULT_STUDENT) for other in others)))
    if "nearby" in cell.runs:  # relabelling: both corrections against the person
        wanted["scripted", "teacher_augmented"] = None
    beside = set(design.beside.arms) - set(design.arms(cell.setting, cell.regime))
    return [pair for pair in wanted if set(pair) <= cell.runs.keys() and not set(pair) <= beside]


def _fill(row: dict[str, Any], measure: str, found: Estimate | None) -> None:
    if found is None:
        return
    row[measure], row[f"{measure}_n"] = round(found.value, 4), found.draws
    row[f"{measure}_low"], row[f"{measure}_high"] = (round(each, 4) for each in found.bootstrap)
    over = found.over_draws
    row[f"{measure}_draws_low"], row[f"{measure}_draws_high"] = (round(e, 4) for e in over) if over else ("", "")


def _counts(runs: dict[int, Run], measure: str) -> dict[int, Counts]:
    found = {draw: run.counts(measure) for draw, run in sorted(runs.items())}
    return {draw: each for draw, each in found.items() if each is not None and each.attempts.sum()}


def _common(first: Counts, second: Counts) -> tuple[Counts, Counts]:
    """The units that both have: a later run may have tested more scenes."""
    units = min(len(first), len(second))
    one, other = (Counts(each.successes[:units], each.attempts[:units]) for each in (first, second))
    return one, other


def _estimate(first: Sequence[Counts], second: Sequence[Counts], lowest: float, same_scenes: bool) -> Estimate:
    key = tuple(tuple((c.successes.tobytes(), c.attempts.tobytes()) for c in side) for side in (first, second))
    same_scenes = same_scenes and len({len(each) for each in (*first, *second)}) == 1
    return _estimate_of(key[0], key[1], lowest, same_scenes)


_Bytes = tuple[tuple[bytes, bytes], ...]


@functools.lru_cache(maxsize=4096)  # table, figure and page ask for the same ones
def _estimate_of(first: _Bytes, second: _Bytes, lowest: float, same_scenes: bool) -> Estimate:
    a, b = (
        [Counts(np.frombuffer(s, np.int64), np.frombuffer(n, np.int64)) for s, n in side] for side in (first, second)
    )
    found = hierarchical_difference(a, b, seed=0, resamples=RESAMPLES, same_units=same_scenes)
    each = tuple(y.rate - x.rate for x, y in zip(a, b, strict=True))
    bounds = found.interval
    if len(b) == 1 and np.count_nonzero(b[0].attempts) < 2:  # one unit says nothing of how units differ
        bounds = Interval(lowest, 1.0)
    else:
        bounds = with_width(bounds, found.estimate, sum(int((each.attempts > 0).sum()) for each in b), lowest)
    attempts = sum(int(x.attempts.sum()) for x in b)
    return Estimate(found.estimate, len(each), sum(len(x) for x in b), attempts, bounds, _over_draws(each), each)


def _over_draws(each: Sequence[float]) -> Interval | None:
    """Student's t interval; None where draws are too few, or all equal: they then show no spread to go by."""
    return replicates_interval(each) if len(each) > 1 and np.ptp(each) > 0.0 else None
