"""In which order a person sees scenes: one after another, or those first of which the model is least sure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain
from typing import Protocol


class SceneQueue(Protocol):
    """Yields the seed that begins the next episode; of a recorded environment the seed is the scene's position."""

    def next_seed(self) -> int: ...

    def give_back(self, seed: int) -> None:
        """Undo went back before this scene: it comes next again."""
        ...


class InOrder:
    """Seeds as they come."""

    def __init__(self, seeds: Iterator[int]) -> None:
        self._seeds = seeds
        self._given_back: list[int] = []

    def next_seed(self) -> int:
        return self._given_back.pop() if self._given_back else next(self._seeds)

    def give_back(self, seed: int) -> None:
        self._given_back.append(seed)


class MostUncertainFirst:
    """Looks at a pool of seeds and takes the one of which the model is least sure.

    This is the uncertainty sampling of Lewis and Gale (1994). A seed that is passed over stays in the pool.
    """

    def __init__(self, rounds: Iterator[Iterable[int]], uncertainty: Callable[[int], float], pool: int) -> None:
        """Look at nothing yet.

        Args:
            rounds: seeds in rounds; none of a round enters the pool before the last of the round before has left it.
            uncertainty: of the scene that a seed begins; called once for each seed that enters the pool.
            pool: how many seeds are compared at a time.
        """
        if pool < 1:
            raise ValueError(f"pool is {pool}; it must be at least 1")
        self._rounds = rounds
        self._round: Iterator[int] = iter(())
        self._uncertainty = uncertainty
        self._size = pool
        self._pool: dict[int, float] = {}
        self._given_back: list[int] = []

    def next_seed(self) -> int:
        if self._given_back:
            return self._given_back.pop()
        self._fill()
        if not self._pool:
            self._round = iter(next(self._rounds))
            self._fill()
        chosen = max(self._pool, key=lambda seed: (self._pool[seed], -seed))
        del self._pool[chosen]
        return chosen

    def give_back(self, seed: int) -> None:
        self._given_back.append(seed)

    def _fill(self) -> None:
        while len(self._pool) < self._size and (seed := next(self._round, None)) is not None:
            self._pool[seed] = self._uncertainty(seed)


def recorded_rounds(count: int, judged: Callable[[], Collection[int]], first: int = 0) -> Iterator[list[int]]:
    """Positions that nobody has judged yet, from ``first`` on, counted round; where there are none, all of them.

    Args:
        count: how many recorded scenes there are.
        judged: positions that the dataset holds a label of, asked anew for every round.
        first: where to begin.
    """
    positions = [(first + i) % count for i in range(count)]
    while True:
        done = set(judged())
        yield [position for position in positions if position not in done] or positions


def in_order(rounds: Iterator[Iterable[int]]) -> InOrder:
    """Round after round."""
    return InOrder(chain.from_iterable(rounds))
