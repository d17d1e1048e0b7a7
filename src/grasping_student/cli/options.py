"""Options of a command: its config dataclass, filled from preset, ``--config`` file and command line, in this order."""

from __future__ import annotations

import io
import os
import re
import sys
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from grasping_student.cli.aliases import with_new_names
from grasping_student.pipeline.configuration import choice, load_yaml, to_yaml
from grasping_student.pipeline.device import DEVICES, choose_device
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.output_folder import check_inputs_outside, paths_of

NETWORKS = (
    *("collect", "demo", "experiment", "export", "label", "predict", "pseudo-label", "serve", "train"),
    *("evaluate picking", "evaluate one-shot", "evaluate proxy", "evaluate rectangles"),
)
"""Commands, or first words of theirs, that run networks and take ``--device``."""

Config = TypeVar("Config")
Presets = Mapping[str, Callable[[], Config]]


def parse(command: str, source: Presets[Config] | type[Config], argv: Sequence[str], preset: str = "light") -> Any:
    """The resolved config of a command, or None after ``--print-config`` has printed it.

    Args:
        command: words after ``grasping-student``, for messages and the help text.
        source: preset name -> function that returns a fresh config, or the config's class where there are none.
        argv: arguments after the command words.
        preset: taken when ``--preset`` is not given.

    Raises:
        UserError: an unknown preset or option, an unreadable file, a value that is refused, or ``--overwrite`` of what
            the command reads.
        SystemExit: ``--help``.
    """
    default, shared = _default(source, preset)
    kind: Any = source if default is None else type(default)
    if command in NETWORKS or command.split()[0] in NETWORKS:
        shared |= {"--device": f"{'|'.join(DEVICES)} (where networks run; auto takes a GPU where there is one)"}
    options = {*shared, *option_names(kind if default is None else default)}
    rest, given = _take_shared(with_new_names(command, argv, options), shared)
    if isinstance(source, Mapping) and "--preset" in given:
        default = source[choice(given["--preset"], source, "preset")]()
    if "--config" in given:
        default = load_yaml(Path(given["--config"]), default)
    names = [name if values is None else f"{name} {values}" for name, values in shared.items()]
    description = f"{kind.__doc__}\n\nShared options: {', '.join(names)}." if names else kind.__doc__
    config = _parse(command, kind, default, rest, description)
    if "--device" in given:
        choose_device(given["--device"])
    if "--print-config" in given:
        print(to_yaml(config), end="")
        return None
    if getattr(config, "overwrite", False) and getattr(config, "out", None) is not None:
        check_inputs_outside(config.out, paths_of(config))  # before anything is read, which may take long
    return config


def _default(source: Any, preset: str) -> tuple[Any, dict[str, str | None]]:
    """The config that the options change, and the options that are no fields of it, with the form of their values.

    There is no such config where something must be given on the command line: that has no place in a file.
    """
    shared = {"--config": "FILE.yaml", "--print-config": None}
    if isinstance(source, Mapping):
        return source[preset](), {"--preset": f"NAME ({', '.join(source)}; default {preset})", **shared}
    complete = all(each.default is not MISSING or each.default_factory is not MISSING for each in fields(source))
    return (source(), shared) if complete else (None, {})


def option_names(config: Any, inside: str = "") -> Iterator[str]:
    """The options that fill a config dataclass, or an instance of it with its parts, as they are written."""
    for each in fields(config):
        name, part = f"{inside}{each.name.replace('_', '-')}", getattr(config, each.name, None)
        yield f"--{name}"
        if isinstance(part, bool):
            yield f"--{inside}no-{each.name.replace('_', '-')}"
        if is_dataclass(part):
            yield from option_names(part, f"{name}.")


def _take_shared(argv: Sequence[str], known: Collection[str]) -> tuple[list[str], dict[str, str]]:
    """Split off the shared options; the rest belongs to the command's own config."""
    rest: list[str] = []
    shared: dict[str, str] = {}
    remaining = list(argv)
    while remaining:
        argument = remaining.pop(0)
        name, equals, value = argument.partition("=")
        if name not in known:
            rest.append(argument)
        elif name == "--print-config":
            shared[name] = "yes"
        elif equals or remaining:
            shared[name] = value if equals else remaining.pop(0)
        else:
            raise UserError(f"{name} needs a value")
    return rest, shared


def _parse(command: str, kind: type[Config], default: Config | None, rest: list[str], description: str) -> Config:
    import tyro

    only_helps = not {"-h", "--help"}.isdisjoint(rest)
    said = io.StringIO()
    try:
        with redirect_stderr(said), nullcontext() if only_helps else _wide_terminal():
            given: dict[str, Any] = {} if default is None else {"default": default}
            return tyro.cli(kind, args=rest, prog=f"grasping-student {command}", description=description, **given)
    except SystemExit as stop:
        refusal = _refusal(stop)
        if refusal is None and stop.code in (0, None):
            raise
        raise UserError(f"{command}: {_in_one_sentence(said.getvalue()) if refusal is None else refusal}") from None
    except ValueError as error:
        raise UserError(f"{command}: {error}") from None


@contextmanager
def _wide_terminal() -> Iterator[None]:
    """The parser draws its errors in a box; inside a wide one no word is broken."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "2000"
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


def _in_one_sentence(box: str) -> str:
    """What the parser says in a box, with the option that it takes for meant, as one line."""
    parts = [""]
    for line in re.sub(r"\x1b\[[0-9;]*m", "", box).splitlines():
        words = line.strip(" │|")
        if words.startswith(("╭", "╰", "─", "-----")):
            parts.append("")  # an edge with the title in it, or a rule
        else:
            parts[-1] = f"{parts[-1]} {words}".strip()
    if "╭" not in box:
        del parts[0]  # where no lines are drawn, the title stands on a line of its own
    message, *more = [part for part in parts if part] or ["the options are not understood"]
    if message.startswith("Missing from"):
        options = re.findall(r"(--[\w.-]+)(?: \S+)?|\b([A-Z]{3,})\b", message)
        return f"{', '.join(dict.fromkeys(option or place for option, place in options))} must be given"
    meant = re.search(r"Perhaps you meant:\s*(--[\w.-]+)", " ".join(more))
    hint = f" (did you mean {meant[1]}?)" if meant else ""
    message = re.sub(r"^Unrecognized options: (\S+?),?( .*)?$", r"unknown option \1\2", message)
    return f"{message[0].lower()}{message[1:].rstrip('.')}{hint}; --help lists what is valid"


def _refusal(stop: SystemExit) -> ValueError | None:
    """The error with which a config's ``__post_init__`` refused its values, if that is what the parser stopped for."""
    error: BaseException | None = stop
    while error is not None:
        names = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
        if isinstance(error, ValueError) and "__post_init__" in names:
            return error
        error = error.__context__
    return None


def notify(text: str) -> None:
    """One line of progress to standard error; results go to files and standard output."""
    print(text, file=sys.stderr, flush=True)
