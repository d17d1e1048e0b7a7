"""Run the Python blocks of a page and parse its commands; as a program, in a process of its own."""

from __future__ import annotations

import argparse
import io
import re
import sys
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

from tests.docs.pages import ROOT, blocks, commands

PROGRAM = "grasping-student"


class Parsed(BaseException):
    """The options of a command were understood; it is not run."""


def run_python(page: Path) -> None:
    """Execute the page's Python blocks one after the other, in one namespace, as a reader would."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page, "python"):
        code = "\n" * (block.line - 1) + block.text  # line numbers of errors are those of the page
        exec(compile(code, str(page), "exec"), namespace)  # our own documentation


def check_command(words: list[str]) -> None:
    """Parse one command with the program's own parser, or look whether its target or file exists.

    Raises:
        AssertionError: the command, an option, a make target or a file does not exist.
    """
    first = Path(words[0]).name
    if first == PROGRAM:
        parse(words[1:])
    elif first == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert words[1] in targets, f"make has no target {words[1]}"
    elif first.startswith("python"):
        script = ROOT / words[1]
        assert script.is_file(), f"{words[1]} does not exist"
        text = script.read_text(encoding="utf-8")
        for word in words[2:]:
            option = word.partition("=")[0]
            assert not option.startswith("--") or f'"{option}"' in text, f"{words[1]} has no option {option}"
    else:
        assert first == "source", f"the tests know no command {words[0]!r}; mark blocks that hold none as `text`"


def parse(words: list[str]) -> None:
    """Let the program parse a command line up to the point where the command would begin its work."""
    import tyro

    from grasping_student.cli.main import main

    if words in (["--help"], ["--version"]):
        return
    parsed_by_tyro, parsed_by_argparse = tyro.cli, argparse.ArgumentParser.parse_args

    def stop_after_tyro(*args: Any, **options: Any) -> NoReturn:
        with mock.patch.object(argparse.ArgumentParser, "parse_args", parsed_by_argparse):
            parsed_by_tyro(*args, **options)
        raise Parsed

    def stop_after_argparse(*args: Any, **options: Any) -> NoReturn:
        parsed_by_argparse(*args, **options)
        raise Parsed

    told = io.StringIO()
    try:
        with (
            redirect_stderr(told),
            mock.patch.object(tyro, "cli", stop_after_tyro),
            mock.patch.object(argparse.ArgumentParser, "parse_args", stop_after_argparse),
        ):
            code = main(words)
    except Parsed:
        assert not told.getvalue(), f"a former name in the documentation: {told.getvalue()}"
        return
    except SystemExit as end:
        code = end.code
    raise AssertionError(f"`{PROGRAM} {' '.join(words)}` was refused with exit code {code}: {told.getvalue()}")


def check_page(page: Path) -> None:
    """Run the Python blocks, then parse the commands: a command may need what the blocks register."""
    run_python(page)
    for words in commands(page):
        check_command(words)


if __name__ == "__main__":
    check_page(Path(sys.argv[1]))
