"""One map: ordered, equal for any number of workers."""

import os
import signal
import subprocess
import sys
import time
from itertools import count, islice
from pathlib import Path

import pytest

from grasping_student.pipeline.executor import parallel_map


def square(item: int) -> int:
    return item * item


def threads(_: int) -> tuple[str | None, int]:
    import cv2

    return os.environ.get("OMP_NUM_THREADS"), cv2.getNumThreads()


def fail(item: int) -> int:
    raise ValueError(f"item {item}")


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_items(workers):
    assert list(parallel_map(square, range(7), workers)) == [0, 1, 4, 9, 16, 25, 36]


def test_workers_use_one_thread_each_and_leave_our_environment_alone():
    before = os.environ.get("OMP_NUM_THREADS")
    assert set(parallel_map(threads, range(4), 2)) == {("1", 1)}
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_an_error_in_a_worker_is_ours_to_see():
    with pytest.raises(ValueError, match="item"):
        list(parallel_map(fail, range(3), 2))
    with pytest.raises(ValueError, match="at least 1"):
        list(parallel_map(square, range(3), 0))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stream_without_end_gives_as_many_results_as_are_taken(workers):
    stream = parallel_map(square, count(), workers)
    assert list(islice(stream, 5)) == [0, 1, 4, 9, 16]
    stream.close()
    assert list(parallel_map(square, range(3), workers)) == [0, 1, 4]
    with pytest.raises(ValueError, match="at least 1"):
        list(parallel_map(square, range(3), 0))


STARTLESS = """
import multiprocessing, sys
from grasping_student.cli import commands, main
from grasping_student.pipeline.executor import parallel_map
def work(*arguments):
    {first}
    multiprocessing.set_executable({executable!r})
    print(list(parallel_map(abs, range(6), 3)))
commands.run = work
sys.exit(main.main(["train", "teacher"]))
"""


@pytest.mark.parametrize("first", ["from multiprocessing import resource_tracker as r; r.ensure_running()", "pass"])
@pytest.mark.parametrize("executable", ["/bin/false", "/nowhere/python"])
def test_a_worker_that_cannot_start_is_told_as_that_and_leaves_nobody_waiting(executable, first):
    program = STARTLESS.format(executable=executable, first=first)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2 and done.stdout == ""
    *warnings, said = done.stderr.splitlines()  # multiprocessing warns when its own helper cannot start
    assert said.startswith("grasping-student: a worker process ") and "fewer --workers" in said, done.stderr
    assert "start" in said and "Traceback" not in done.stderr and (first == "pass" or not warnings)


PROGRAM = """
import sys, time
from grasping_student.pipeline.executor import parallel_map
sys.path.insert(0, {folder!r})
from sleeping import sleep
if __name__ == "__main__":
    try:
        list(parallel_map(sleep, range(8), 3))
    except KeyboardInterrupt:
        sys.exit("stopped")
"""
SLEEPING = """
import os, time
from pathlib import Path
def sleep(item):
    Path(__file__).with_name(f"{os.getpid()}.pid").touch()
    time.sleep(30)
"""


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def children(process: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def start(folder) -> subprocess.Popen:
    (folder / "sleeping.py").write_text(SLEEPING)
    (folder / "program.py").write_text(PROGRAM.format(folder=str(folder)))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job would hand on that it ignores
    try:
        return subprocess.Popen(
            [sys.executable, folder / "program.py"], stderr=subprocess.PIPE, text=True, start_new_session=True
        )
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_their_parent_however_it_ends(tmp_path, ending):
    with start(tmp_path) as program:
        wait_until(lambda: len(list(tmp_path.glob("*.pid"))) == 3)
        workers = [int(path.stem) for path in tmp_path.glob("*.pid")]
        started = time.monotonic()
        program.send_signal(ending)
        program.wait(20)
        wait_until(lambda: not any(map(alive, workers)))
        assert time.monotonic() - started < 20, "waited for the work"
    assert program.returncode == (1 if ending == signal.SIGINT else -ending)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_control_c_while_the_workers_start_prints_nothing_of_theirs(tmp_path):
    with start(tmp_path) as program:
        wait_until(lambda: len(children(program.pid)) == 4)  # with multiprocessing's own helper
        time.sleep(0.1)  # into their imports
        os.killpg(program.pid, signal.SIGINT)  # as a terminal does
        _, said = program.communicate(timeout=50)
    assert said == "stopped\n"
