"""``grasping-student COMMAND ...``: runs the command, turns what a user can mend into one line and exit code 2."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from grasping_student.cli import commands
from grasping_student.cli.aliases import COMMAND_ALIASES
from grasping_student.pipeline.errors import UserError, missing_package
from grasping_student.pipeline.files import no_space_left
from grasping_student.pipeline.surroundings import use_own_settings

_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")
"""How torch says it, in lower case."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the return value is the process's exit code."""
    if argv is None:  # a program of its own: to be ended is to be stopped
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        use_own_settings()
    arguments = list(sys.argv[1:] if argv is None else argv)
    finished = _only_prints(arguments)  # who reads no further has what is needed
    try:
        try:
            _run(arguments)
            finished = True
        except SystemExit:  # the help of a command is printed, or its options were refused
            finished = True
            raise
        finally:
            if finished:
                sys.stdout.flush()
    except UserError as error:
        print(f"grasping-student: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would only spoil the end
        print(f"\ngrasping-student: stopped{_when_stopped(arguments)}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        with suppress(OSError):  # what is still to be printed must not fail again
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if finished:
            return 0
        print(f"grasping-student: stopped: who read the output is gone{_when_stopped(arguments)}", file=sys.stderr)
        return 1
    except Exception as error:
        told = _mendable(error)
        if told is None:
            raise
        kept = "" if isinstance(error, ModuleNotFoundError) else _when_stopped(arguments)
        print(f"grasping-student: {told}{kept}", file=sys.stderr)
        return 2
    return 0


def _run(arguments: list[str]) -> None:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(commands.usage())
    elif arguments[0] == "--version":
        from grasping_student import __version__

        print(f"grasping-student {__version__}")
    else:
        commands.run(*commands.find(arguments))


def _when_stopped(arguments: list[str]) -> str:
    """What the operator of a command is told who stopped it."""
    for words in (" ".join(arguments[:length]) for length in (2, 1)):
        command = commands.COMMANDS.get(COMMAND_ALIASES.get(words, words))
        if command is not None:
            return command.when_stopped
    return ""


def _only_prints(arguments: list[str]) -> bool:
    helps = not arguments or arguments[0] in ("help", "--version") or not {"-h", "--help"}.isdisjoint(arguments)
    return helps or "--print-config" in arguments or arguments[:2] == ["evaluate", "table"]


def _mendable(error: Exception) -> str | None:
    """What to tell of an error of the machine that a user can mend; None of a bug of ours."""
    if isinstance(error, ModuleNotFoundError):
        return missing_package(error)
    text = str(error).lower()
    if no_space_left(error):
        place = getattr(error, "filename", None)
        where = "" if place is None else f" for {place}"
        return f"no space left on the disk{where}; free some, or name another --out on a disk with room"
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(each in text for each in _NO_MEMORY)):
        said = f" ({str(error).splitlines()[0]})" if text else ""
        return (
            f"not enough memory for the sizes asked{said}; ask for less: a smaller --loop.batch, fewer --pixels, fewer "
            "--workers"
        )
    if isinstance(error, UnicodeEncodeError):
        return (
            f"{error.object[:200]!a} cannot be written as {error.encoding}; name files and folders in UTF-8, and set a "
            "UTF-8 locale, for instance LC_ALL=C.UTF-8"
        )
    if isinstance(error, OSError) and error.filename is not None:
        names = " -> ".join(str(name) for name in (error.filename, error.filename2) if name is not None)
        return f"{names}: {error.strerror}; check that it is there and may be used, or name another, such as --out"
    return None


if __name__ == "__main__":
    sys.exit(main())
