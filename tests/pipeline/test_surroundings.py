"""No setting of the shell ends a command, and nothing needs a home folder or a package that can be written."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import grasping_student

SETTINGS = [
    {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
    {"MPLBACKEND": "no such backend"},
    {"MPLBACKEND": "qtagg", "QT_QPA_PLATFORM": "no such platform", "DISPLAY": ":99"},
    {"OPENCV_IO_MAX_IMAGE_PIXELS": "many", "OPENCV_IO_MAX_IMAGE_WIDTH": "x", "OPENCV_TRACE": "x y"},
    {"MPLCONFIGDIR": "/dev/null/nowhere", "XDG_CACHE_HOME": "/dev/null/nowhere"},
]
DRAWS = """
import sys
import cv2, numpy as np
from grasping_student.cli import commands, main
def draw(*arguments):
    from grasping_student.plotting.style import new_figure, png_bytes
    figure, axes = new_figure(3, 2)
    axes[0, 0].plot([1, 2])
    assert cv2.imdecode(np.frombuffer(png_bytes(figure), np.uint8), cv2.IMREAD_COLOR).shape[2] == 3
commands.run = draw
sys.argv[1:] = ["predict"]
sys.exit(main.main())
"""


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: next(iter(settings)))
def test_no_setting_of_a_library_ends_a_command_that_draws(settings):
    program = DRAWS.replace("import cv2, numpy as np\n", "").replace(
        "def draw(*arguments):\n", "def draw(*arguments):\n    import cv2, numpy as np\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | settings, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def read_only_package(tmp_path):
    """A copy of the package in a folder that we may not write, not even as root."""
    source = Path(grasping_student.__file__).parent
    copy = tmp_path / "site" / source.name
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    folders = [tmp_path / "site", copy, *(path for path in copy.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    yield copy.parent
    for folder in folders:
        folder.chmod(stat.S_IRWXU)


def without_rights(command):
    """A command that obeys permissions also where the tests run as root."""
    if os.geteuid() != 0:
        return command
    if shutil.which("setpriv") is None:
        pytest.skip("root is denied nothing, and there is no setpriv to take the right away")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]


@pytest.mark.parametrize("cache", [None, "cache"])
def test_a_container_without_a_home_simulates_trains_and_draws(read_only_package, tmp_path, cache):
    surroundings = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "PYTHONPATH": str(read_only_package),
        "PYTHONWARNINGS": "ignore",
    }
    if cache is not None:
        surroundings["NUMBA_CACHE_DIR"] = str(tmp_path / cache)
    for words in (
        "collect --count 4 --family sparse --workers 1 --out labels",
        "train teacher --dataset labels --out teacher --loop.steps 2 --network.name compact",
        "dataset info labels --out info",
    ):
        done = subprocess.run(
            without_rights([sys.executable, "-m", "grasping_student.cli.main", *words.split()]),
            cwd=tmp_path,
            env=surroundings,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr and "Matplotlib" not in done.stderr
    assert (tmp_path / "info" / "histograms.png").exists()
    assert (cache is None) or any((tmp_path / cache).rglob("*.nbi"))
