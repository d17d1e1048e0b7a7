"""Config dataclasses from YAML and back: unknown keys, wrong types and bad choices are refused by name."""

from __future__ import annotations

import copy
import dataclasses
import difflib
import enum
import functools
import logging
import re
import reprlib
import types
import typing
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import MOST_DIGITS, read_text

Config = TypeVar("Config")

LARGEST_NUMBER = 1e300
"""Whatever is beyond is infinite or a slip of the pen."""

MOST_YAML = 500_000
"""Longer YAML texts are refused, characters: parsing takes a second for so many, and no config of ours has a tenth."""

SEEDS = 2**32
"""A seed is smaller: what draws random numbers takes no more bits."""


def choice(given: str, valid: Iterable[str], what: str) -> str:
    """Return ``given`` if it is valid.

    Raises:
        UserError: it is not; the message lists the valid ones, in their order, and the nearest.
    """
    options = list(dict.fromkeys(valid))
    if given in options:
        return given
    near = difflib.get_close_matches(given, options, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    raise UserError(f"unknown {what} '{given}'; valid are: {', '.join(options)}{hint}")


def check_seeds(config: Any, *names: str, below: int = SEEDS) -> None:
    """Make sure that the fields of these names can be seeds; for a config's ``__post_init__``.

    Args:
        config: a dataclass instance.
        names: of its fields.
        below: less than ``SEEDS`` where further seeds are counted from this one.

    Raises:
        ValueError: one is negative or too large.
    """
    for name in names:
        if not 0 <= getattr(config, name) < below:
            raise ValueError(f"{name} is {getattr(config, name)}; give a whole number from 0 to {below - 1}")


def to_plain(value: Any) -> Any:
    """A config as plain dicts, lists, strings and numbers, ready for YAML or JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    return value


def to_yaml(config: Any) -> str:
    """A config as YAML, in the order of its fields."""
    return yaml.safe_dump(to_plain(config), sort_keys=False)


def load_yaml(path: Path, default: Config, option: str = "--config") -> Config:
    """A copy of ``default`` with the values of a YAML file put in.

    Args:
        path: of the file; an empty one changes nothing.
        default: a dataclass instance.
        option: of the command line that named the file, for messages.

    Raises:
        UserError: the file is missing, is no YAML mapping, names an unknown key or gives a value of a wrong type.
    """
    values = read_yaml(path, option)
    return default if values is None else with_values(default, values, where=str(path))


def read_yaml(path: Path, option: str = "--config") -> Any:
    """The plain values of a YAML file; see ``load_yaml``.

    Raises:
        UserError: the file is missing, no YAML, holds Python objects, or says one key twice.
    """
    if not path.exists():
        raise UserError(f"{option} {path} does not exist")
    try:
        return parse_yaml(read_text(path, "YAML"))
    except ValueError as error:
        raise UserError(f"{option} {path} cannot be read as YAML: {error}") from None


def parse_yaml(text: str) -> Any:
    """The plain values of a YAML text.

    Raises:
        ValueError: too long, no YAML, nested too deep, holds Python objects, endless numbers or one key twice.
    """
    if len(text) > MOST_YAML:
        raise ValueError(f"it has {len(text)} characters; at most {MOST_YAML} are read")
    try:
        return yaml.load(text, Loader=_StrictLoader)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(" ".join(str(error).split())) from None  # the parser's own words take many lines


class _StrictLoader(yaml.SafeLoader):
    """Plain values only, no key twice, for the second would silently win, and ``1e-3`` a number as in YAML 1.2."""

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        if len(str(node.value)) > MOST_DIGITS:
            raise yaml.constructor.ConstructorError(None, None, "a number is too long", node.start_mark)
        return int(super().construct_yaml_int(node))

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        said: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a word", key.start_mark)
            if key.value in said:
                raise yaml.constructor.ConstructorError(None, None, f"'{key.value}' is said twice", key.start_mark)
            said.add(key.value)
        return super().construct_mapping(node, deep)


_StrictLoader.add_constructor("tag:yaml.org,2002:int", _StrictLoader.construct_yaml_int)
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d[\d_]*|\d[\d_]*\.\d*|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
)


def with_values(default: Config, values: Any, where: str) -> Config:
    """A copy of a config dataclass with plain values put in, each checked against its field's type.

    A class may list former keys, ``RENAMED = {"old": "new"}`` with dots into nested mappings, and former values,
    ``RENAMED_VALUES = {"key": {"old": "new"}}``: they are still read, and a warning names the new ones.

    Args:
        default: a dataclass instance.
        values: mapping from field names to plain values; nested dataclasses take nested mappings.
        where: file or key named in error messages.

    Raises:
        UserError: an unknown key or a value of a wrong type.
    """
    if not isinstance(values, dict):
        raise UserError(f"{where}: expected a mapping of options, got {type(values).__name__}")
    assert dataclasses.is_dataclass(default) and not isinstance(default, type)
    hints = typing.get_type_hints(type(default))
    names = [field.name for field in dataclasses.fields(default)]
    values = _under_todays_names(type(default), values, where)
    changed: dict[str, Any] = {}
    for key, value in values.items():
        choice(str(key), names, f"option in {where}:")
        current = getattr(default, key)
        place = f"{where}: {key}"
        if dataclasses.is_dataclass(current) and isinstance(value, dict):
            changed[key] = with_values(current, value, place)
        else:
            changed[key] = _checked(value, hints[key], place)
    try:
        return dataclasses.replace(default, **changed)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None


def under_todays_names(default: Any, values: dict[str, Any], where: str) -> dict[str, Any]:
    """Stored values of a config with former keys and values replaced by today's, also in nested configs.

    Args:
        default: a config of the class, whose fields say which keys hold nested configs.
        values: as they were stored.
        where: file named in the warning.
    """
    values = _under_todays_names(type(default), values, where)
    for key, value in values.items():
        nested = getattr(default, key, None)
        if dataclasses.is_dataclass(nested) and isinstance(value, dict):
            values[key] = under_todays_names(nested, value, where)
    return values


def _under_todays_names(kind: type, values: dict[str, Any], where: str) -> dict[str, Any]:
    """The values with former keys and values of a config class replaced by today's."""
    values = copy.deepcopy(values)
    for old, new in getattr(kind, "RENAMED", {}).items():
        found = _take(values, old.split("."))
        if found is not _ABSENT:
            warn_renamed(where, old, new)
            *parents, name = new.split(".")
            target: Any = values
            for parent in parents:
                target = target.setdefault(parent, {}) if isinstance(target, dict) else None
            if isinstance(target, dict):
                target.setdefault(name, found)
    for key, renamed in getattr(kind, "RENAMED_VALUES", {}).items():
        said = values.get(key)
        if isinstance(said, str) and said in renamed:
            warn_renamed(where, f"{key}: {said}", f"{key}: {renamed[said]}")
            values[key] = renamed[said]
    return values


_ABSENT = object()


def _take(values: Any, path: Sequence[str]) -> Any:
    """Remove and return what lies at a path of nested mappings, or ``_ABSENT``."""
    for parent in path[:-1]:
        values = values.get(parent) if isinstance(values, dict) else None
    return values.pop(path[-1], _ABSENT) if isinstance(values, dict) else _ABSENT


@functools.cache  # once a process for each: a pass over many parts reads one config many times
def warn_renamed(where: str, old: str, new: str) -> None:
    """Say that a former name was read; it works for one release."""
    logging.getLogger(__name__).warning("%s: '%s' is now '%s'", where, old, new)


def _checked(value: Any, hint: Any, place: str) -> Any:
    """``value`` as the type that ``hint`` names, or a UserError."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        for option in arguments:
            try:
                return _checked(value, option, place)
            except UserError:
                continue
        raise UserError(f"{place}: got {_short(value)}; expected {_name(hint)}")
    if origin is Literal:
        if value in arguments:
            return value
        raise UserError(f"{place}: got {_short(value)}; valid are: {', '.join(map(repr, arguments))}")
    if origin in (tuple, list) and isinstance(value, list | tuple):
        item = arguments[0] if arguments else Any
        hints = [item] * len(value) if origin is list or Ellipsis in arguments else list(arguments)
        if len(hints) != len(value):
            raise UserError(f"{place}: got {len(value)} values; expected {len(hints)}")
        return origin(_checked(each, wanted, place) for each, wanted in zip(value, hints, strict=True))
    if origin is dict and isinstance(value, dict):
        return {_checked(k, arguments[0], place): _checked(v, arguments[1], place) for k, v in value.items()}
    if hint is Any or (hint is type(None) and value is None):
        return value
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return with_values(typing.cast(Any, hint)(), value, place)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) <= LARGEST_NUMBER:  # NaN fails too
            raise UserError(f"{place}: got {_short(value)}; expected a finite number")
        return float(value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint(choice(str(value), [member.value for member in hint], place))
    if isinstance(hint, type) and isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    raise UserError(f"{place}: got {_short(value)} ({type(value).__name__}); expected {_name(hint)}")


def _short(value: Any) -> str:
    """A value as it was written, cut where a message would become unreadable."""
    words = reprlib.repr(value)
    return words if len(words) <= 80 else words[:77] + "..."


def _name(hint: Any) -> str:
    return getattr(hint, "__name__", None) or str(hint)
