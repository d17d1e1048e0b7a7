"""Errors that a user can mend."""

from __future__ import annotations

from importlib.util import find_spec


class UserError(Exception):
    """Input that a user can mend; the command line prints the message and exits with code 2.

    The message says what was given, what is valid and what to do. Anything else that escapes is a bug of ours.
    """


def require_extra(extra: str, *modules: str) -> None:
    """Make sure that the packages of an optional part of the program are installed.

    Args:
        extra: its name in ``pyproject.toml``.
        modules: that it installs, as they are imported.

    Raises:
        UserError: one is missing.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise UserError(
            f"{', '.join(missing)} is not installed; install the extra '{extra}': in a clone, "
            f"pip install -e '.[{extra}]'"
        )
