"""``grasping-student COMMAND ...``: finds the command's file, runs it, turns a user's error into exit code 2."""

from __future__ import annotations

import errno
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from grasping_student.pipeline.errors import UserError

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "the whole path on a laptop: data, teacher, student, picking, report"),
    "collect": ("collect", "labelled attempts or unlabelled scenes from the simulator"),
    "label": ("label", "grasps labelled by a person in the browser"),
    "train teacher": ("train_teacher", "learn from labelled grasps (Algorithm 1)"),
    "pseudo-label": ("pseudo_label", "let a teacher label unlabelled scenes"),
    "train student": ("train_student", "learn from pseudo-labels (Algorithm 2)"),
    "train pretraining": ("train_pretraining", "learn from scenes alone what scenes look like; --initial takes it"),
    "train affordance": ("train_affordance", "a model of which grasps succeed (Algorithm 3)"),
    "evaluate picking": ("evaluate_picking", "pick episodes until empty, models alternating on the same scenes"),
    "evaluate one-shot": ("evaluate_one_shot", "each model grasps once from the same saved state"),
    "evaluate table": ("evaluate_table", "print the metrics of a picking or one-shot evaluation, or of several draws"),
    "evaluate proxy": ("evaluate_proxy", "share of grasps that the affordance network takes for successes"),
    "experiment": ("experiment", "a table or figure of the paper, measured; 'report' writes the results page"),
    "predict": ("predict", "the best grasp on one depth image of any camera"),
    "export": ("export", "a checkpoint as ONNX, for OpenVINO or ONNX Runtime"),
    "dataset info": ("dataset_info", "what a dataset holds"),
    "dataset browse": ("dataset_browse", "a page of a dataset's attempts, with filters"),
    "dataset import": ("dataset_import", "foreign data as a new dataset"),
    "dataset export": ("dataset_export", "Parquet shards with a dataset card"),
    "dataset merge": ("dataset_merge", "several datasets as one new one"),
    "dataset filter": ("dataset_filter", "chosen attempts, or a random subset, as a new dataset"),
    "dataset split": ("dataset_split", "training and held-out episodes, stored"),
    "dataset check": ("dataset_check", "verify every picture and hash of a dataset"),
    "cell fake": ("cell_fake", "a robot cell without a robot, to try the commands below"),
    "cell calibrate": ("cell_calibrate", "where the camera stands, from points that the arm has touched"),
    "cell check": ("cell_check", "the depth doctor: what is wrong with what the camera sees"),
    "cell monitor": ("cell_monitor", "the robot cell's live page, with a stop button"),
    "cell recover": ("cell_recover", "clear a stop of the robot cell on the operator's word"),
    "cell teach-reset": ("cell_teach_reset", "record the automatic reset while leading the arm by hand"),
}
"""Command words -> (module in this folder with a ``main(argv)``, one line of help)."""

RENAMED = {"cell watch": "cell monitor", "cell teach": "cell teach-reset"}
"""Former command words -> today's; they still work for one release, and name the new ones."""

_RESUMABLE = ("demo", "collect", "train", "pseudo-label", "evaluate")
_AFTER_STOP = {
    "label": "; what was acknowledged is kept",
    "experiment": "; what is finished is kept, the same command goes on",
    **dict.fromkeys(_RESUMABLE, "; what was acknowledged is kept, --resume goes on"),
}
"""First word of a command -> what the operator is told who stopped it; nothing of the others."""

_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")
"""How torch says it, in lower case."""


def usage() -> str:
    """The overview that ``grasping-student --help`` prints."""
    width = max(map(len, COMMANDS)) + 2
    lines = [f"  {words:<{width}}{help_line}" for words, (_, help_line) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: grasping-student COMMAND [options]",
            "",
            "commands, in the order of the data path:",
            *lines,
            "",
            "grasping-student COMMAND --help shows the options of one command.",
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the return value is the process's exit code."""
    if argv is None:  # a program of its own: to be ended is to be stopped
        signal.signal(signal.SIGTERM, signal.default_int_handler)
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
        kept = _AFTER_STOP.get(arguments[0], "")
        if arguments[0] == "cell":
            driving = arguments[1:2] in (["teach-reset"], ["recover"])
            kept = "; the arm stands still, and the cell's file is as it was" if driving else ""
        print(f"\ngrasping-student: stopped{kept}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        with suppress(OSError):  # what is still to be printed must not fail again
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if finished:
            return 0
        kept = _AFTER_STOP.get(arguments[0], "")
        print(f"grasping-student: stopped: who read the output is gone{kept}", file=sys.stderr)
        return 1
    except Exception as error:
        told = _mendable(error)
        if told is None:
            raise
        print(f"grasping-student: {told}{_AFTER_STOP.get(arguments[0], '')}", file=sys.stderr)
        return 2
    return 0


def _run(arguments: list[str]) -> None:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
    elif arguments[0] == "--version":
        from grasping_student import __version__

        print(f"grasping-student {__version__}")
    else:
        module, rest = _find(arguments)
        importlib.import_module(f"grasping_student.cli.{module}").main(rest)


def _only_prints(arguments: list[str]) -> bool:
    helps = not arguments or arguments[0] in ("help", "--version") or not {"-h", "--help"}.isdisjoint(arguments)
    return helps or "--print-config" in arguments or arguments[:2] == ["evaluate", "table"]


def _mendable(error: Exception) -> str | None:
    """What to tell of an error of the machine that a user can mend; None of a bug of ours."""
    text = str(error).lower()
    no_space = "no space left on device" in text  # libraries wrap it in errors of their own
    if no_space or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
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


def _find(arguments: list[str]) -> tuple[str, list[str]]:
    """The module of the command that the arguments begin with, and the arguments left over."""
    for length in (2, 1):
        words = " ".join(arguments[:length])
        if words in RENAMED:
            print(f"grasping-student: '{words}' is now '{RENAMED[words]}'", file=sys.stderr)
            words = RENAMED[words]
        if len(arguments) >= length and words in COMMANDS:
            return COMMANDS[words][0], arguments[length:]
    group = [words for words in COMMANDS if words.split()[0] == arguments[0] and " " in words]
    if group:
        if len(arguments) > 1 and arguments[1] not in ("-h", "--help"):
            raise UserError(f"unknown command '{' '.join(arguments[:2])}'; valid are: {', '.join(group)}")
        print("\n".join(f"  grasping-student {words:<20} {COMMANDS[words][1]}" for words in group))
        raise SystemExit(0)
    from grasping_student.pipeline.configuration import choice

    choice(arguments[0], (words.split()[0] for words in COMMANDS), "command")
    raise AssertionError("unreachable: choice raises")


if __name__ == "__main__":
    sys.exit(main())
