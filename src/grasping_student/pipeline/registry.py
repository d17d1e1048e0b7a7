"""Config classes under the names that files use: a driver registers its own class, a look-up lists the valid names."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from grasping_student.pipeline.configuration import choice, with_values

Base = TypeVar("Base")
Registered = TypeVar("Registered", bound=type)


class Registry(Generic[Base]):
    """Dataclasses of one kind of device by name.

    Args:
        kind: of device, for messages, as in ``arm``.
        modules: whose import registers the built-in classes; imported at the first look-up.
    """

    def __init__(self, kind: str, modules: Iterable[str] = ()) -> None:
        self._kind, self._modules = kind, tuple(modules)
        self._classes: dict[str, type[Base]] = {}

    def register(self, name: str) -> Callable[[Registered], Registered]:
        """Decorator that puts a config dataclass under a name."""

        def add(config_class: Registered) -> Registered:
            self._classes[name] = config_class
            return config_class

        return add

    @property
    def classes(self) -> dict[str, type[Base]]:
        """Registered class of each name."""
        for module in self._modules:
            importlib.import_module(module)
        return self._classes

    def default(self, name: str) -> Base:
        """The config of a name, with its defaults.

        Raises:
            UserError: nothing is registered under this name; the message lists the valid ones.
        """
        classes = self.classes
        return classes[choice(name, classes, f"{self._kind}.kind")]()

    def config(self, name: str, options: dict[str, Any]) -> Base:
        """The config of a name with options put in.

        Raises:
            UserError: no such name, an unknown option, or a value that makes no sense.
        """
        return with_values(self.default(name), options, f"{self._kind}.options")
