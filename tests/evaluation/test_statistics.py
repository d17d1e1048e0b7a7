"""Intervals against published values, literal loops and simulated coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grasping_student.evaluation.statistics import (
    Counts,
    Interval,
    all_alike_interval,
    bootstrap_interval,
    hierarchical_difference,
    moving_average,
    newcombe_difference,
    paired_difference,
    replicates_interval,
    wilson_interval,
)


def episodes(generator, count, rate, spread, length=12):
    """Episodes whose own rates scatter around ``rate``: attempts inside one are correlated."""
    own = np.clip(rate + spread * generator.standard_normal(count), 0.02, 0.98)
    attempts = generator.integers(length // 2, length + 1, count)
    return Counts(generator.binomial(attempts, own), attempts)


def test_wilson_is_the_papers_interval_and_the_closed_form():
    low, high = wilson_interval(3638, 5576)  # table II: 65.25 +- 1.25 %
    assert (high - low) / 2 == pytest.approx(0.0125, abs=5e-5)
    z, n, p = 1.959963984540054, 10, 0.8
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert wilson_interval(8, 10) == pytest.approx((centre - half, centre + half))
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert wilson_interval(0, 5).low == 0.0
    assert wilson_interval(5, 5).high == 1.0


@given(st.integers(0, 200), st.integers(0, 200))
def test_wilson_holds_the_rate_and_is_mirrored_by_failures(successes, failures):
    low, high = wilson_interval(successes, successes + failures)
    if successes + failures:
        assert low - 1e-12 <= successes / (successes + failures) <= high + 1e-12
    other_low, other_high = wilson_interval(failures, successes + failures)
    assert (1 - high, 1 - low) == pytest.approx((other_low, other_high), abs=1e-12)


def test_newcombe_gives_the_published_example():
    # Newcombe 1998, comparison of 56/70 and 48/80: 0.2 with [0.0524, 0.3339]
    interval = newcombe_difference(Counts([48], [80]), Counts([56], [70]))
    assert interval == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_counts_that_cannot_be_are_refused():
    for successes, attempts in (([3], [2]), ([-1], [2]), ([1, 1], [2])):
        with pytest.raises(ValueError):
            Counts(successes, attempts)
    with pytest.raises(ValueError, match="same scenes"):
        paired_difference(Counts([1], [1]), Counts([1, 0], [1, 1]), seed=0)
    with pytest.raises(ValueError, match="no attempts"):
        paired_difference(Counts([0], [0]), Counts([1], [1]), seed=0)


@pytest.mark.parametrize(
    ("successes", "attempts"),
    [
        ([0.7, 0.9], [1, 1]),
        ([0, 1], [1, 1.5]),
        ([float("nan")], [1]),
        ([1], [float("inf")]),
        (["1"], ["1"]),
        ([0], [1e300]),
        ([None], [1]),
    ],
)
def test_counts_are_whole_numbers(successes, attempts):
    with pytest.raises(ValueError, match="must be whole numbers"):
        Counts(successes, attempts)


def test_whole_floats_and_flags_are_counts():
    counts = Counts(np.array([True, False]), np.ones(2))
    assert (counts.successes.tolist(), counts.attempts.tolist()) == ([1, 0], [1, 1])
    assert counts.successes.dtype == counts.attempts.dtype == np.int64
    assert len(Counts([], [])) == 0


def test_bootstrap_agrees_with_a_literal_loop_over_episodes():
    generator = np.random.default_rng(3)
    counts = episodes(generator, 40, 0.6, 0.2)
    rates = []
    for _ in range(4000):
        chosen = generator.integers(len(counts), size=len(counts))
        rates.append(sum(counts.successes[i] for i in chosen) / sum(counts.attempts[i] for i in chosen))
    literal = np.quantile(rates, [0.025, 0.975])
    assert bootstrap_interval(counts, seed=1) == pytest.approx(literal, abs=0.012)


def test_the_same_seed_gives_the_same_interval_and_another_seed_nearly():
    counts = episodes(np.random.default_rng(0), 50, 0.7, 0.1)
    assert bootstrap_interval(counts, seed=5) == bootstrap_interval(counts, seed=5)
    assert bootstrap_interval(counts, seed=5) != bootstrap_interval(counts, seed=6)
    assert bootstrap_interval(counts, seed=5) == pytest.approx(bootstrap_interval(counts, seed=6), abs=0.01)


def test_units_without_attempts_and_no_units_at_all():
    assert bootstrap_interval(Counts([0, 0], [0, 0]), seed=0) == (0.0, 1.0)
    assert bootstrap_interval(Counts([], []), seed=0) == (0.0, 1.0)
    # two units all alike, not three
    assert bootstrap_interval(Counts([1, 1, 0], [2, 2, 0]), seed=0, resamples=200) == all_alike_interval(0.5, 2)


def test_units_all_alike_leave_open_what_share_of_others_may_differ():
    for count, successes in ((3, 0), (6, 1)):
        counts = Counts([successes] * count, [1] * count)
        low, high = bootstrap_interval(counts, seed=0)
        assert (low, high) == pytest.approx(wilson_interval(successes * count, count), abs=1e-12)
        assert high - low > 0.3
    better = paired_difference(Counts([0] * 12, [1] * 12), Counts([1] * 12, [1] * 12), seed=0)
    assert better.interval == pytest.approx((wilson_interval(12, 12).low, 1.0))
    assert better.interval.excludes_zero


def test_one_unit_says_nothing_of_how_units_differ():
    one, other = Counts([3, 0], [9, 0]), Counts([8, 0], [9, 0])
    assert bootstrap_interval(one, seed=0) == (0.0, 1.0)
    difference = paired_difference(one, other, seed=0)
    assert (difference.estimate, difference.interval) == (pytest.approx(5 / 9), (-1.0, 1.0))


def coverage(trials, covers):
    return np.mean([covers(np.random.default_rng(trial)) for trial in range(trials)])


def test_bootstrap_covers_correlated_attempts_where_wilson_does_not():
    def one(generator, interval):
        counts = episodes(generator, 60, 0.6, 0.25)
        low, high = interval(counts)
        return low <= 0.6 <= high

    honest = coverage(250, lambda g: one(g, lambda c: bootstrap_interval(c, seed=0, resamples=600)))
    naive = coverage(250, lambda g: one(g, lambda c: wilson_interval(c.successes.sum(), c.attempts.sum())))
    assert 0.90 <= honest <= 0.99
    assert naive < honest - 0.03


def test_paired_difference_covers_and_is_narrower_than_unpaired():
    def pair(generator):
        hardness = 0.3 * generator.standard_normal(200)
        draw = lambda rate: (generator.random(200) < np.clip(rate + hardness, 0, 1)).astype(int)  # noqa: E731 - two uses
        return Counts(draw(0.5), np.ones(200)), Counts(draw(0.6), np.ones(200))

    truth = np.mean([(b := pair(np.random.default_rng(10_000 + i)))[1].rate - b[0].rate for i in range(2000)])
    covered = coverage(
        200, lambda g: (d := paired_difference(*pair(g), seed=0, resamples=500).interval)[0] <= truth <= d[1]
    )
    assert 0.90 <= covered <= 0.99
    first, second = pair(np.random.default_rng(1))
    paired = paired_difference(first, second, seed=0).interval
    apart = newcombe_difference(first, second)
    assert paired[1] - paired[0] < apart[1] - apart[0]


def test_a_model_paired_with_itself_differs_by_exactly_zero():
    counts = episodes(np.random.default_rng(0), 30, 0.7, 0.2)
    difference = paired_difference(counts, counts, seed=0)
    assert (difference.estimate, difference.units) == (0.0, 30)
    others = wilson_interval(0, 30).high
    assert difference.interval == (-others, others)
    assert not difference.interval.excludes_zero
    assert Interval(0.01, 0.2).excludes_zero
    assert Interval(-0.2, -0.01).excludes_zero


def test_hierarchical_bootstrap_agrees_with_a_literal_loop():
    generator = np.random.default_rng(7)
    first = [episodes(generator, 30, 0.6, 0.1) for _ in range(4)]
    second = [episodes(generator, 30, 0.6 + shift, 0.1) for shift in (0.0, 0.05, 0.1, 0.2)]
    means = []
    for _ in range(3000):
        values = []
        for draw in generator.integers(4, size=4):
            units = generator.integers(30, size=30)
            a, b = first[draw], second[draw]
            values.append(
                b.successes[units].sum() / b.attempts[units].sum() - a.successes[units].sum() / a.attempts[units].sum()
            )
        means.append(np.mean(values))
    result = hierarchical_difference(first, second, seed=2)
    assert result.interval == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.015)
    assert result.estimate == pytest.approx(np.mean([b.rate - a.rate for a, b in zip(first, second, strict=True)]))
    assert result.units == 4


def test_a_single_draw_of_one_unit_says_nothing():
    one, other = [Counts([0, 0], [2, 0])], [Counts([2, 0], [2, 0])]
    for same in (False, True):
        found = hierarchical_difference(one, other, seed=0, resamples=50, same_units=same)
        assert (found.estimate, found.interval, found.units) == (1.0, (-1.0, 1.0), 1)
    assert hierarchical_difference(one * 2, other * 2, seed=0, resamples=50).units == 2


def test_replicates_that_cannot_be_compared_are_refused():
    good, nothing = Counts([1, 0], [1, 1]), Counts([0, 0], [0, 0])
    for wrong in (([good, good], [good, nothing]), ([nothing], [good])):
        with pytest.raises(ValueError, match="no attempts"):
            hierarchical_difference(*wrong, seed=0)
    with pytest.raises(ValueError, match="2 and 3 units; paired models have the same scenes"):
        hierarchical_difference([good, good], [good, Counts([1, 0, 1], [1, 1, 1])], seed=0)
    with pytest.raises(ValueError, match="at least one"):
        hierarchical_difference([], [], seed=0)


def test_replicates_that_differ_widen_the_hierarchical_interval_beyond_the_pooled_one():
    generator = np.random.default_rng(0)
    first = [episodes(generator, 100, 0.6, 0.05) for _ in range(3)]
    second = [episodes(generator, 100, rate, 0.05) for rate in (0.5, 0.65, 0.8)]
    pooled_a, pooled_b = first[0].joined(first[1]).joined(first[2]), second[0].joined(second[1]).joined(second[2])
    pooled = paired_difference(pooled_a, pooled_b, seed=0).interval
    nested = hierarchical_difference(first, second, seed=0).interval
    over_replicates = replicates_interval([b.rate - a.rate for a, b in zip(first, second, strict=True)])
    assert pooled[1] - pooled[0] < 0.5 * (nested[1] - nested[0]) < over_replicates[1] - over_replicates[0]
    with pytest.raises(ValueError, match="at least 2"):
        replicates_interval([0.1])


def test_intervals_over_replicates_cover_with_five_replicates():
    def covered(generator, interval):
        shifts = 0.08 + 0.05 * generator.standard_normal(5)
        first = [episodes(generator, 60, 0.6, 0.1) for _ in range(5)]
        second = [episodes(generator, 60, 0.6 + shift, 0.1) for shift in shifts]
        low, high = interval(first, second)
        return low <= 0.08 <= high

    nested = coverage(120, lambda g: covered(g, lambda a, b: hierarchical_difference(a, b, 0, resamples=400).interval))
    by_t = coverage(
        120,
        lambda g: covered(g, lambda a, b: replicates_interval([y.rate - x.rate for x, y in zip(a, b, strict=True)])),
    )
    assert nested > 0.84
    assert by_t > 0.90


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30), st.floats(0.0, 0.99))
def test_the_moving_average_stays_inside_its_values_and_follows_its_recursion(values, alpha):
    averaged = moving_average(values, alpha)
    assert averaged[0] == values[0]
    weights = [(1 - alpha) * alpha**age for age in range(len(values) - 1)] + [alpha ** (len(values) - 1)]
    literal = sum(w * v for w, v in zip(weights, reversed(values), strict=True))
    assert averaged[-1] == pytest.approx(literal)
    assert min(values) - 1e-9 <= averaged[-1] <= max(values) + 1e-9
