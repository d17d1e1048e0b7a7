"""Keep freed memory instead of handing it back to the system after every step."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""``M_TRIM_THRESHOLD`` and ``M_MMAP_MAX`` of glibc's malloc.h."""


def keep_freed_memory() -> bool:
    """Tell glibc to reuse freed blocks, for the rest of the process; returns whether it did.

    A step at paper size frees and asks for gigabytes in large blocks. By default each is mapped anew and every page of
    it faults again; kept, a step costs about a quarter less processor time. Elsewhere than on glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library, such as musl
        return False
    largest = 2**31 - 1
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, largest))
