"""Network addresses in a cell's file."""

from __future__ import annotations

import re


def check_host(host: str) -> None:
    """Make sure that a text can be a host's name or address.

    Raises:
        ValueError: it can't.
    """
    if len(host) > 253 or not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._:-]*[A-Za-z0-9])?", host):
        raise ValueError(f"host is {host[:40]!r}; give a name or an address, as in 192.168.1.10")
