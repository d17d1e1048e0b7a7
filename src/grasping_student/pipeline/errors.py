"""Errors that a user can mend."""

from __future__ import annotations

import sys
from importlib.util import find_spec

LAST_PYTHON = {"pybullet": (3, 11), "rtde_control": (3, 12)}
"""Module -> newest Python for which its vendor has wheels, where that is not the newest there is."""

PACKAGES = {"rtde_control": "ur-rtde"}
"""Module -> package that brings it, where the names differ."""


EXTRAS = {
    "train": (
        "gymnasium",
        "jinja2",
        "mujoco",
        "numba",
        "onnx",
        "onnxscript",
        "pandas",
        "pyarrow",
        "pytorch_lightning",
        "safetensors",
        "segmentation_models_pytorch",
        "statsmodels",
        "tensorboard",
        "torch",
        "torchvision",
        "trimesh",
        "zstandard",
    ),
    "onnx": ("onnxruntime",),
    "serve": ("fastapi", "multipart", "prometheus_client", "python_multipart", "starlette", "uvicorn"),
    "web": ("nicegui",),
    "cluster": ("ray",),
}
"""Extra of ``pyproject.toml`` -> modules that only it brings, as they are imported."""


class UserError(Exception):
    """Input that a user can mend; the command line prints the message and exits with code 2.

    The message says what was given, what is valid and what to do. Anything else that escapes is a bug of ours.
    """


def require_extra(extra: str, *modules: str, otherwise: str = "") -> None:
    """Make sure that the packages of an optional part of the program are installed.

    Args:
        extra: its name in ``pyproject.toml``; empty for what every installation has.
        modules: that it installs, as they are imported.
        otherwise: what the user may do instead, as the end of a sentence.

    Raises:
        UserError: one is missing.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if not missing:
        return
    packages = ", ".join(PACKAGES.get(module, module) for module in missing)
    remedy = f"install the extra '{extra}': {how_to_install(extra)}" if extra else f"pip install {packages}"
    last = min(LAST_PYTHON.get(module, sys.version_info[:2]) for module in missing)
    if last < sys.version_info[:2]:
        here, newest = (".".join(map(str, version)) for version in (sys.version_info[:2], last))
        remedy = (
            f"its vendor has no wheels beyond Python {newest}, and this is {here}; in a clone, 'make clean' and "
            f"'make PYTHON=python{newest} setup' install the extra '{extra}'"
        )
    raise UserError(f"{packages} is not installed; {remedy}{otherwise}")


def how_to_install(extra: str) -> str:
    """The command that adds an extra to an installation, and to a clone."""
    return f"pip install 'grasping-student[{extra}]', in a clone pip install -e '.[{extra}]'"


def missing_package(error: ModuleNotFoundError) -> str | None:
    """What to tell of an import that failed because an extra is not installed; None of any other."""
    module = (error.name or "").partition(".")[0]
    for extra, modules in EXTRAS.items():
        if module in modules:
            package = PACKAGES.get(module, module.replace("_", "-"))
            return f"this command needs {package}, which is not installed: {how_to_install(extra)}"
    return None
