"""The machine around the program: settings of other libraries, caches, and folders that cannot be written."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def use_own_settings() -> None:
    """Leave nothing to what the shell, a notebook or a desktop set for libraries that draw or read pictures.

    For the command line, before such a library is imported; processes started later inherit it. ``MPLBACKEND`` as a
    notebook sets it ends the import of matplotlib with an error where the notebook's package is not installed, and
    numbers that OpenCV cannot read end the whole process.
    """
    os.environ["MPLBACKEND"] = "agg"  # all figures are files
    for name in [each for each in os.environ if each.startswith(("OPENCV_", "QT_"))]:
        del os.environ[name]
    if not _matplotlib_finds_a_folder():
        folder = tempfile.mkdtemp(prefix="matplotlib-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ["MPLCONFIGDIR"] = folder


def _matplotlib_finds_a_folder() -> bool:
    """Whether matplotlib can keep its list of fonts; else every process would warn, and search the fonts again."""
    told = os.environ.get("MPLCONFIGDIR")
    if told is not None:
        return _can_be_written(Path(told))
    home = home_folder()
    places = {"XDG_CONFIG_HOME": ".config", "XDG_CACHE_HOME": ".cache"}
    folders = [os.environ.get(name) or (home and home / below) for name, below in places.items()]
    return all(folder and _can_be_written(Path(folder)) for folder in folders)


def _can_be_written(folder: Path) -> bool:
    """Whether a folder, or the nearest one above it that exists, lets us make files in it."""
    for place in (folder, *folder.parents):
        try:
            if place.exists():
                return place.is_dir() and os.access(place, os.W_OK | os.X_OK)
        except OSError:
            return False
    return False


def home_folder() -> Path | None:
    """The user's home folder; None for a user without one, as in a container."""
    try:
        return Path("~").expanduser()
    except RuntimeError:
        return None


def compiled(**options: Any) -> Callable[[Function], Function]:
    """Decorator that compiles a function with numba, and keeps the machine code where that is possible.

    The code is kept in ``NUMBA_CACHE_DIR``, beside the source or in the user's cache folder. Where none of them can be
    written, as in a container, it is compiled in every process instead.

    Args:
        **options: of ``numba.njit``.
    """
    import numba

    def compile_function(function: Function) -> Function:
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError:  # "no locator available"
            return numba.njit(**options)(function)

    return compile_function
