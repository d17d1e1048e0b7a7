"""Questions that a world asks a person in the middle of its work, answered at the page."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from grasping_student.pipeline.errors import UserError


class Operator:
    """Between the thread of the world, which waits, and the page, which asks."""

    def __init__(self) -> None:
        self.question: str | None = None
        self._answered = threading.Event()
        self._gone = False
        self._tell: Callable[[], object] | None = None

    def attend(self, loop: asyncio.AbstractEventLoop, tell: Callable[[], object]) -> None:
        """From now on the page shows ``question``; ``tell`` is called on the loop when it changes."""
        self._tell = lambda: loop.call_soon_threadsafe(tell)

    def ask(self, text: str) -> None:
        """Show a text and wait until a person says that it is done. Called on the world's thread.

        Raises:
            UserError: the page was closed for good before that.
        """
        self._answered.clear()
        if not self._gone:  # asked after the clearing: ``leave`` sets both
            self._change(text)
            self._answered.wait()
            self._change(None)
        if self._gone:
            raise UserError(f"the page was closed before this was done: {text}")

    def answer(self) -> None:
        """The person says that it is done."""
        self._answered.set()

    def leave(self) -> None:
        """Nobody will answer any more."""
        self._gone, self._tell = True, None
        self._answered.set()

    def _change(self, question: str | None) -> None:
        self.question = question
        if self._tell is not None and not self._gone:
            self._tell()
