"""Options that every stage shares: preset, config file, seed, output folder, printing the resolved config.

A stage's config is a dataclass; the command line sets any of its fields. Precedence, lowest first: preset, ``--config``
file, options.
"""

from __future__ import annotations

import io
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any, TypeVar

from grasping_student.pipeline.configuration import choice, load_yaml, to_yaml
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.output_folder import check_inputs_outside, paths_of

Config = TypeVar("Config")


def parse_stage(
    command: str, presets: Mapping[str, Callable[[], Config]], argv: Sequence[str], default_preset: str = "light"
) -> Config | None:
    """The resolved config of a stage, or None after ``--print-config`` has printed it.

    Args:
        command: words after ``grasping-student``, for the help text.
        presets: preset name -> function that returns a fresh config.
        argv: arguments after the command words.
        default_preset: preset used when ``--preset`` is not given.

    Raises:
        UserError: unknown preset, unreadable config file, a value that the config refuses.
        SystemExit: ``--help``, or an option that does not exist (exit code 2).
    """
    rest, shared = _take_shared(list(argv))
    preset = choice(shared.get("--preset", default_preset), presets, "preset")
    default = presets[preset]()
    if "--config" in shared:
        default = load_yaml(Path(shared["--config"]), default)
    config = _parse(command, type(default), default, rest, f"presets: {', '.join(presets)}; default {default_preset}")
    if "--print-config" in shared:
        print(to_yaml(config), end="")
        return None
    return config


def _take_shared(argv: list[str]) -> tuple[list[str], dict[str, str]]:
    """Split off --preset NAME, --config FILE and --print-config; the rest belongs to the stage's own config."""
    rest: list[str] = []
    shared: dict[str, str] = {}
    position = 0
    while position < len(argv):
        name, equals, value = argv[position].partition("=")
        position += 1
        if name == "--print-config":
            shared[name] = "yes"
        elif name in ("--preset", "--config"):
            if not equals:
                if position >= len(argv):
                    raise UserError(f"{name} needs a value")
                value = argv[position]
                position += 1
            shared[name] = value
        else:
            rest.append(argv[position - 1])
    return rest, shared


def _parse(command: str, kind: type[Config], default: Config, rest: list[str], presets: str) -> Config:
    import tyro

    description = f"""{kind.__doc__ or ""}

Shared options: --preset NAME ({presets}), --config FILE.yaml, --print-config."""
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            return tyro.cli(
                kind, default=default, args=rest, prog=f"grasping-student {command}", description=description
            )
    except SystemExit as stop:
        refusal = _refusal(stop)
        if refusal is not None:
            raise UserError(f"{command}: {refusal}") from None
        sys.stderr.write(said.getvalue())
        raise
    except ValueError as error:
        raise UserError(f"{command}: {error}") from None


def _refusal(stop: SystemExit) -> ValueError | None:
    """The error with which a config's ``__post_init__`` refused its values, if that is what the parser stopped for."""
    error: BaseException | None = stop
    while error is not None:
        names = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
        if isinstance(error, ValueError) and "__post_init__" in names:
            return error
        error = error.__context__
    return None


def stage_main(
    command: str, presets: Mapping[str, Callable[[], Config]], run: Callable[[Config], Any], argv: Sequence[str]
) -> None:
    """Parse and run one stage.

    Raises:
        UserError: as ``parse_stage``, or ``--overwrite`` would replace what the stage reads.
    """
    config = parse_stage(command, presets, argv)
    if config is not None:
        out = getattr(config, "out", None)
        if out is not None and getattr(config, "overwrite", False):
            check_inputs_outside(out, paths_of(config))
        run(config)


def say(text: str) -> None:
    """One line of progress to standard error; results go to files and standard output."""
    print(text, file=sys.stderr, flush=True)
