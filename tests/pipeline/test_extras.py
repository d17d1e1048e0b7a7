"""The modules that errors name belong to the extras of pyproject.toml, and versions agree everywhere."""

import re
import tomllib
from pathlib import Path

import pytest

import grasping_student
from grasping_student.pipeline.errors import EXTRAS, missing_package

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
IMPORTED = {"python-multipart": "python_multipart"}


def packages(requirements):
    names = (re.match(r"[A-Za-z0-9_.-]+", each)[0] for each in requirements)
    return {IMPORTED.get(name, name.replace("-", "_")) for name in names}


@pytest.mark.parametrize("extra", EXTRAS)
def test_every_package_of_an_extra_is_told(extra):
    everywhere = packages(PROJECT["dependencies"])
    others = {"onnxruntime"} if extra == "train" else set()  # an extra of its own as well
    assert packages(PROJECT["optional-dependencies"][extra]) - others <= set(EXTRAS[extra])
    assert not everywhere & set(EXTRAS[extra])


def test_a_missing_package_is_told_with_its_extra_and_a_bug_of_ours_is_none():
    told = missing_package(ModuleNotFoundError(name="torch.nn"))
    assert told.startswith("this command needs torch, which is not installed: pip install 'grasping-student[train]'")
    assert missing_package(ModuleNotFoundError(name="grasping_student.nowhere")) is None
    assert missing_package(ModuleNotFoundError()) is None


def test_one_version_everywhere():
    assert grasping_student.__version__ == PROJECT["version"]
    assert f"version: {PROJECT['version']}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
