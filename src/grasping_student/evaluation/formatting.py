"""Rates, differences and intervals as text: the same in every table, page and sentence."""

from __future__ import annotations

from collections.abc import Sequence


def percent(share: float | None) -> str:
    """A rate in percent."""
    return "none" if share is None else f"{100 * share:.1f} %"


def points(difference: float) -> str:
    """A difference of rates in percentage points, with its sign."""
    return f"{100 * difference:+.1f}"


def interval(bounds: Sequence[float] | None, signed: bool = False) -> str:
    """Both ends in percent or, signed, in percentage points; empty where there is no interval."""
    if bounds is None:
        return ""
    low, high = bounds
    return f"[{points(low)}, {points(high)}]" if signed else f"[{100 * low:.1f}, {100 * high:.1f}]"
