"""How the ``dataset`` commands read their options: they work on a folder and have no presets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from grasping_student.pipeline.errors import UserError

Options = TypeVar("Options")


def parse_options(command: str, kind: type[Options], argv: Sequence[str]) -> Options:
    """The options of one command.

    Raises:
        UserError: a value that the options refuse.
        SystemExit: ``--help``, or an option that does not exist (exit code 2).
    """
    import tyro

    try:
        return tyro.cli(kind, args=list(argv), prog=f"grasping-student {command}", description=kind.__doc__ or "")
    except ValueError as error:
        raise UserError(f"{command}: {error}") from None
