"""Former names of commands and options: they work for one release, and each prints the name that replaced it."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple


class Renamed(NamedTuple):
    """What became of an option."""

    option: str | None
    """Its new name; None if it went because it changed nothing, and is dropped with its value."""

    values: Mapping[str, str] = {}
    """Former value -> new value."""


COMMAND_ALIASES = {"cell watch": "cell monitor", "cell teach": "cell teach-reset"}
"""Former command words -> today's."""

_UNUSED = Renamed(None)
_CONSTRAINT_OPTIONS = {"least-room": "min-clearance", "least-grip": "min-contact-height", "friction": "friction"}
_GRIPPER_OPTIONS = ("opening", "finger-thickness", "finger-width", "finger-depth", "clearance")
OPTION_ALIASES: dict[str, dict[str, Renamed]] = {
    "predict": {"--seed": _UNUSED, "--preset": _UNUSED},
    "export": {"--preset": _UNUSED},
    "evaluate one-shot": {"--emptiest": Renamed("--max-removed-fraction")},
    "experiment": {
        "--seeds": Renamed("--replicates"),
        "--draws": Renamed("--replicate-ids"),
        "--settings": Renamed("--levels"),
        "--regimes": Renamed("--domains"),
        "--arms": Renamed("--conditions"),
        "--stale": Renamed("--on-version-mismatch"),
    },
    "dataset browse": {"--seed": _UNUSED, "--preset": _UNUSED},
    "dataset import jacquard": {"--most-grasps": Renamed("--max-grasps")},
    "pseudo-label": {
        "--judge": Renamed("--affordance-filter"),
        "--least-judgement": Renamed("--min-affordance"),
        "--scenes-a-part": Renamed("--scenes-per-part"),
        "--rule.name": Renamed("--constraint.name", {"room": "clearance", "grip": "antipodal"}),
        **{f"--rule.{old}": Renamed(f"--constraint.{new}") for old, new in _CONSTRAINT_OPTIONS.items()},
        **{f"--rule.gripper.{name}": Renamed(f"--constraint.gripper.{name}") for name in _GRIPPER_OPTIONS},
    },
    "train student": {
        "--obey-rule": Renamed("--constrain"),
        "--no-obey-rule": Renamed("--no-constrain"),
        "--rule-weight": Renamed("--constraint-weight"),
        "--true-share": Renamed("--labelled-fraction"),
        "--experience": Renamed("--online-attempts"),
        "--experience-share": Renamed("--online-fraction"),
    },
    "dataset import frames": {"--mend": Renamed("--repair"), "--no-mend": Renamed("--no-repair")},
    "dataset export": {"--rows-a-shard": Renamed("--rows-per-shard")},
    "cell calibrate": {"--seed": _UNUSED, "--preset": _UNUSED},
    "cell check": {"--seed": _UNUSED, "--preset": _UNUSED},
}
"""Command words -> former option -> what became of it."""

SHORT_FORMS = {
    "--constraint": ("--constraint.name",),
    "--executor": ("--executor.name", "--collect.executor.name"),
    "--address": ("--executor.address", "--collect.executor.address"),
}
"""Short option -> the one that is meant: the first of these that the command has."""


def with_new_names(command: str, arguments: Sequence[str], options: Collection[str]) -> list[str]:
    """The arguments with former names of options replaced by today's; each replaced one is told on standard error.

    Args:
        command: its words; what holds for ``experiment`` holds for each of them.
        arguments: after the command's words.
        options: that the command has; what is among them is no former name.
    """
    known = OPTION_ALIASES.get(command) or OPTION_ALIASES.get(command.partition(" ")[0], {})
    remaining, renamed = list(arguments), []
    while remaining:
        argument = remaining.pop(0)
        name, equals, value = argument.partition("=")
        former = name.replace("_", "-")
        if meant := [each for each in SHORT_FORMS.get(name, ()) if each in options]:
            renamed.append(meant[0] + equals + value)
            continue
        if former in options or former not in known:
            renamed.append(argument)
            continue
        option, values = known[former]
        followed = not equals and bool(remaining) and not remaining[0].startswith("--")
        if option is None:
            _tell(command, name, "has no effect any more, leave it out")
            if followed:
                del remaining[0]
            continue
        if followed and remaining[0] in values:
            remaining[0] = values[remaining[0]]
        _tell(command, name, f"is now {option}")
        renamed.append(f"{option}{equals}{values.get(value, value)}")
    return renamed


def _tell(command: str, option: str, what: str) -> None:
    print(f"grasping-student: {command}: {option} {what}", file=sys.stderr)
