"""The table of commands: what each is for, the config it takes and the function that runs it; nothing heavy here."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from grasping_student.cli.aliases import COMMAND_ALIASES
from grasping_student.pipeline.configuration import choice
from grasping_student.pipeline.errors import UserError


class Command(NamedTuple):
    """One command; modules are named, and imported only when it is asked for."""

    help_line: str
    """For ``grasping-student --help``."""

    run: str
    """``module:function`` in this package. It takes the config, or the arguments of a command without one."""

    config: str = ""
    """``module:NAME`` in the package above: a dict of presets, or a dataclass without."""

    preset: str = "light"
    """Preset taken when none is named."""

    when_stopped: str = ""
    """Ends the message to an operator who stopped the command."""


_RESUMES = "; what was acknowledged is kept, --resume goes on"
_STANDS_STILL = "; the arm stands still, and the cell's file is as it was"

COMMANDS: dict[str, Command] = {
    "demo": Command(
        "the whole path on a laptop: data, teacher, student, picking, report",
        "stages:demo",
        "study.demo.configuration:DEMO_PRESETS",
        when_stopped=_RESUMES,
    ),
    "collect": Command(
        "labelled attempts or unlabelled scenes from the simulator",
        "stages:collect",
        "collection.configuration:COLLECT_PRESETS",
        when_stopped=_RESUMES,
    ),
    "label": Command(
        "grasps labelled by a person in the browser", "stages:label", when_stopped="; what was acknowledged is kept"
    ),
    "train teacher": Command(
        "learn from labelled grasps (Algorithm 1)",
        "stages:train_teacher",
        "training.configuration:TEACHER_PRESETS",
        when_stopped=_RESUMES,
    ),
    "pseudo-label": Command(
        "let a teacher label unlabelled scenes",
        "stages:pseudo_label",
        "pseudo_labels.configuration:PSEUDO_LABEL_PRESETS",
        when_stopped=_RESUMES,
    ),
    "train student": Command(
        "learn from pseudo-labels (Algorithm 2)",
        "stages:train_student",
        "training.configuration:STUDENT_PRESETS",
        when_stopped=_RESUMES,
    ),
    "train pretraining": Command(
        "learn from scenes alone what scenes look like; --initial takes it",
        "stages:train_pretraining",
        "training.pretraining_configuration:PRETRAINING_PRESETS",
        when_stopped=_RESUMES,
    ),
    "train affordance": Command(
        "a model of which grasps succeed (Algorithm 3)",
        "stages:train_affordance",
        "training.affordance_configuration:AFFORDANCE_PRESETS",
        when_stopped=_RESUMES,
    ),
    "train online": Command(
        "learn from the robot's own attempts, no person: grasp, train on the outcomes, grasp again",
        "stages:train_online",
        "collection.online_configuration:ONLINE_PRESETS",
        when_stopped=_RESUMES,
    ),
    "train confidence": Command(
        "how likely a grasp of each score is to succeed, from attempts; --min-success takes it",
        "stages:train_confidence",
        "evaluation.confidence_configuration:ConfidenceConfig",
    ),
    "evaluate picking": Command(
        "pick episodes until empty, models alternating on the same scenes",
        "evaluate:picking",
        "evaluation.configuration:PICKING_PRESETS",
        when_stopped=_RESUMES,
    ),
    "evaluate one-shot": Command(
        "each model grasps once from the same saved state",
        "evaluate:one_shot",
        "evaluation.configuration:ONE_SHOT_PRESETS",
        when_stopped=_RESUMES,
    ),
    "evaluate table": Command(
        "print the metrics of a picking or one-shot evaluation, or of several replicates",
        "evaluate:table",
        "cli.evaluate:TableOptions",
    ),
    "evaluate proxy": Command(
        "share of grasps that the affordance network takes for successes",
        "evaluate:proxy",
        "evaluation.configuration:PROXY_PRESETS",
        when_stopped=_RESUMES,
    ),
    "evaluate rectangles": Command(
        "share of recorded scenes whose best grasp matches a rectangle that a person drew",
        "evaluate:rectangles",
        "evaluation.configuration:RectanglesConfig",
        when_stopped=_RESUMES,
    ),
    "experiment": Command(
        "a table or figure of the paper, measured; 'report' writes the results page",
        "experiment:main",
        when_stopped="; what is finished is kept, the same command goes on",
    ),
    "predict": Command(
        "the best grasp on one depth image of any camera", "stages:predict", "serving.configuration:PredictConfig"
    ),
    "serve": Command("grasps over HTTP, for programs and robots", "stages:serve", "serving.configuration:ServeConfig"),
    "export": Command(
        "a checkpoint as ONNX or OpenVINO, to predict and serve without torch",
        "stages:export",
        "serving.export:ExportConfig",
    ),
    "dataset info": Command("what a dataset holds", "dataset_info:info", "cli.dataset_info:InfoOptions"),
    "dataset browse": Command(
        "a page of a dataset's attempts, with filters", "dataset:browse", "web.browse_config:BrowseConfig"
    ),
    "dataset import": Command("foreign data as a new dataset", "dataset:import_layout"),
    "dataset export": Command("Parquet shards with a dataset card", "dataset:export", "cli.dataset:ExportOptions"),
    "dataset merge": Command("several datasets as one new one", "dataset:merge", "cli.dataset:MergeOptions"),
    "dataset filter": Command(
        "chosen attempts, or a random subset, as a new dataset", "dataset:filter_attempts", "cli.dataset:FilterOptions"
    ),
    "dataset choose": Command(
        "the frames that are worth a label most, as a new dataset",
        "dataset:choose",
        "collection.frame_choice_configuration:FrameChoiceConfig",
    ),
    "dataset split": Command("training and held-out episodes, stored", "dataset:split", "cli.dataset:SplitOptions"),
    "dataset check": Command("verify every picture and hash of a dataset", "dataset:check", "cli.dataset:CheckOptions"),
    "cell fake": Command("a robot cell without a robot, to try the commands below", "cell_fake:main"),
    "cell calibrate": Command(
        "where the camera stands, from points that the arm has touched",
        "cell:calibrate",
        "robots.cell.calibration_config:CalibrateConfig",
    ),
    "cell check": Command(
        "camera diagnostics: what is wrong with what the camera sees",
        "cell:check",
        "robots.cell.calibration_config:CheckConfig",
    ),
    "cell monitor": Command(
        "the robot cell's live page, with a stop button", "cell:monitor", "web.monitor_config:PRESETS", "monitor"
    ),
    "cell recover": Command(
        "clear a stop of the robot cell on the operator's word",
        "cell:recover",
        "cli.cell:RecoverOptions",
        when_stopped=_STANDS_STILL,
    ),
    "cell teach-reset": Command(
        "record the automatic reset while leading the arm by hand",
        "cell:teach_reset",
        "cli.cell:TeachOptions",
        when_stopped=_STANDS_STILL,
    ),
}
"""Command words -> command, in the order of the data path."""


def usage() -> str:
    """The overview that ``grasping-student --help`` prints."""
    width = max(map(len, COMMANDS)) + 2
    lines = [f"  {words:<{width}}{command.help_line}" for words, command in COMMANDS.items()]
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


def find(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """The words of the command that the arguments begin with, and the arguments left over.

    Raises:
        UserError: there is no such command.
        SystemExit: a group such as ``train`` alone, whose commands are printed.
    """
    for length in (2, 1):
        words = " ".join(arguments[:length])
        if words in COMMAND_ALIASES:
            print(f"grasping-student: '{words}' is now '{COMMAND_ALIASES[words]}'", file=sys.stderr)
            words = COMMAND_ALIASES[words]
        if len(arguments) >= length and words in COMMANDS:
            return words, list(arguments[length:])
    group = [words for words in COMMANDS if words.split()[0] == arguments[0] and " " in words]
    if group and (len(arguments) == 1 or arguments[1] in ("-h", "--help")):
        print("\n".join(f"  grasping-student {words:<20} {COMMANDS[words].help_line}" for words in group))
        raise SystemExit(0)
    if group:
        raise UserError(f"unknown command '{' '.join(arguments[:2])}'; valid are: {', '.join(group)}")
    choice(arguments[0], (words.split()[0] for words in COMMANDS), "command")
    raise AssertionError("unreachable: choice raises")


def load(place: str) -> Any:
    """The object that ``module:NAME`` names in this program's package."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(f"grasping_student.{module}"), name)


def run(words: str, arguments: Sequence[str]) -> None:
    """Parse a command's options and run it; ``--help`` and ``--print-config`` only print."""
    from grasping_student.cli import options

    command = COMMANDS[words]
    function: Callable[[Any], object] = load(f"cli.{command.run}")
    if not command.config:
        function(list(arguments))
        return
    config = options.parse(words, load(command.config), arguments, command.preset)
    if config is not None:
        function(config)
