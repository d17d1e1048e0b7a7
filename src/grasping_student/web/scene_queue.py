"""In which order a person sees scenes: one after another, or those first of which the model is least sure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import chain, cycle
from typing import Protocol


class SceneQueue(Protocol):
    """Yields the seed that begins the next episode; of a recorded environment the seed is the scene's position."""

    def next_seed(self) -> int: ...


class InOrder:
    """Seeds as they come."""

    def __init__(self, seeds: Iterator[int]) -> None:
        self._seeds = seeds

    def next_seed(self) -> int:
        return next(self._seeds)


class MostUncertainFirst:
    """Looks at a pool of seeds and takes the one of which the model is least sure.

    This is the uncertainty sampling of Lewis and Gale (1994). A seed that is passed over stays in the pool.
    """

    def __init__(self, seeds: Iterator[int], uncertainty: Callable[[int], float], pool: int) -> None:
        """Look at nothing yet.

        Args:
            seeds: endless.
            uncertainty: of the scene that a seed begins; called once for each seed that enters the pool.
            pool: how many seeds are compared at a time.
        """
        if pool < 1:
            raise ValueError(f"pool is {pool}; it must be at least 1")
        self._seeds = seeds
        self._uncertainty = uncertainty
        self._size = pool
        self._pool: dict[int, float] = {}

    def next_seed(self) -> int:
        for _ in range(self._size - len(self._pool)):
            seed = next(self._seeds)
            if seed not in self._pool:
                self._pool[seed] = self._uncertainty(seed)
        chosen = max(self._pool, key=lambda seed: (self._pool[seed], -seed))
        del self._pool[chosen]
        return chosen


def recorded_order(count: int, labelled: Collection[int], first: int = 0) -> Iterator[int]:
    """Positions without a label from ``first`` on, counted round; then all of them, again and again."""
    positions = [(first + i) % count for i in range(count)]
    unlabelled = [position for position in positions if position not in labelled]
    return chain(unlabelled, cycle(positions))
