"""Which browser tab may write: one at a time, and the others are told who."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Holder:
    """The tab that labels."""

    client: str
    """The page's own id of the tab."""

    address: str
    """Where it comes from."""

    browser: str
    since: float
    """Seconds since the epoch."""

    connected: bool = True

    def __str__(self) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(self.since))
        return f"{self.browser} at {self.address}, since {clock}"


class Hold:
    """The one-writer rule between the tabs of one server; between processes the dataset's own lock keeps it."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._holder: Holder | None = None

    @property
    def holder(self) -> Holder | None:
        """Who may write now."""
        return self._holder

    def held_by(self, client: str) -> bool:
        """Whether this tab may write."""
        return self._holder is not None and self._holder.client == client

    def take(self, client: str, address: str, browser: str, force: bool = False) -> bool:
        """Let a tab write if nobody else does or the one who did has gone; ``force`` takes over from a live one."""
        holder = self._holder
        if holder is not None and holder.connected and holder.client != client and not force:
            return False
        same = holder is not None and holder.client == client
        self._holder = Holder(client, address, browser, holder.since if holder and same else self._clock())
        return True

    def connection_lost(self, client: str) -> None:
        """The tab's connection broke: it keeps the hold until another tab wants it."""
        if self._holder is not None and self._holder.client == client:
            self._holder = Holder(client, self._holder.address, self._holder.browser, self._holder.since, False)

    def release(self, client: str) -> None:
        """The tab has gone for good."""
        if self.held_by(client):
            self._holder = None


def browser_name(user_agent: str) -> str:
    """A browser's name in one word, for people."""
    for mark, name in (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chromium"), ("Safari/", "Safari")):
        if mark in user_agent:
            return name
    return "a browser"
