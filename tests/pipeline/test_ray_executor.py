"""A cluster of two nodes: the same data as with processes, whatever dies; refusals in words."""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from tests.ray_nodes import STORE, two_nodes

from grasping_student.cli.main import main
from grasping_student.collection.collect import run
from grasping_student.collection.configuration import CollectConfig
from grasping_student.datasets.store import Dataset
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.pipeline import ray_cluster
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor_base import ExecutorConfig, WorkerError
from grasping_student.pipeline.ray_executor import RayExecutor, _paths_in

SMALL = CollectConfig(family="sparse", policy="random", count=15, per_episode=3, workers=1, seed=4)


@pytest.fixture(scope="module")
def cluster():
    with two_nodes() as nodes:
        yield nodes


def wait_until(condition):
    end = time.monotonic() + 200  # a busy machine takes a minute to start a task
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@contextmanager
def killing(cluster, node, condition):
    """Inside, the node is killed as soon as the condition holds."""

    def kill():
        wait_until(condition)
        cluster.remove_node(node, allow_graceful=False)

    with ThreadPoolExecutor(1) as thread:
        killed = thread.submit(kill)
        yield
        killed.result()


def begin(folder, item):
    """Leave a file that says who works on the item, and take a while."""
    (folder / f"{item}-{os.getpid()}").touch()
    time.sleep(1.0)
    return item


def begin_on_both(folder, node, item):
    """As ``begin``; on the node whose process is given for ever, on others not before something has begun there."""
    there = os.getppid() == node
    (folder / f"{item}-{'killed' if there else 'other'}").touch()
    wait_until(lambda: not there and any(folder.glob("*-killed")))
    return item


def die(item):
    if item == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


@dataclass(frozen=True)
class Item:
    dataset: Path
    models: tuple[str, ...]
    out: Path


def test_a_collection_is_the_same_bit_for_bit_though_a_node_is_killed(cluster, tmp_path):
    here = Dataset(run(replace(SMALL, out=tmp_path / "here"), make_policy))
    node = cluster.add_node(num_cpus=1, object_store_memory=STORE)
    out = tmp_path / "there"
    with killing(cluster, node, lambda: (out / "dataset.json").exists() and len(Dataset(out))):
        there = Dataset(run(replace(SMALL, out=out, executor=ExecutorConfig("ray", cluster.address)), make_policy))
    assert there.version == here.version
    rows = [[replace(each, created_at=None) for each in dataset.attempts()] for dataset in (here, there)]
    assert rows[0] == rows[1] and len(rows[0]) == SMALL.count
    again = replace(SMALL, out=out, resume=True)  # the executor is no part of what was made
    assert Dataset(run(again, make_policy)).version == here.version


def test_what_a_killed_node_worked_on_is_begun_again(cluster, tmp_path):
    node = cluster.add_node(num_cpus=1, object_store_memory=STORE)
    (raylet,) = node.all_processes["raylet"]
    results = RayExecutor(cluster.address).map(partial(begin_on_both, tmp_path, raylet.process.pid), range(6))
    with killing(cluster, node, lambda: any(tmp_path.glob("*-killed"))), closing(results):
        assert list(results) == list(range(6))
    (killed,) = tmp_path.glob("*-killed")
    assert killed.with_name(killed.name.replace("killed", "other")).exists()


def test_what_was_begun_is_stopped_when_the_results_are_wanted_no_more(cluster, tmp_path):
    results = RayExecutor(cluster.address).map(partial(begin, tmp_path), range(50))
    next(results)
    results.close()
    begun = set(tmp_path.iterdir())
    workers = {int(path.name.partition("-")[2]) for path in begun}
    wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    assert len(begun) < 10 and set(tmp_path.iterdir()) == begun


def test_a_cluster_that_shrinks_and_is_empty_for_a_while_loses_no_item(cluster, monkeypatch):
    seen = iter([0, 3, 1, 0])
    monkeypatch.setattr(ray_cluster.Cluster, "processors", property(lambda self: next(seen, 2)))
    assert list(RayExecutor(cluster.address).map(str, iter(range(9)))) == list(map(str, range(9)))


def test_an_item_that_kills_its_process_ends_the_run_in_words(cluster, monkeypatch):
    monkeypatch.setattr("grasping_student.pipeline.ray_executor.MAX_RETRIES", 1)
    with pytest.raises(WorkerError, match=r"a task ended .* the memory of a node is too small"):
        list(RayExecutor(cluster.address).map(die, range(3)))


def test_a_node_that_lacks_a_file_or_our_version_is_told(cluster, tmp_path, monkeypatch):
    executor = RayExecutor(cluster.address)
    monkeypatch.setattr("grasping_student.pipeline.ray_executor._paths_in", lambda item: ["/nowhere/teacher"])
    with pytest.raises(UserError, match=r"does not see /nowhere/teacher: .* shared folder"):
        list(executor.map(str, range(2)))
    monkeypatch.setattr("grasping_student.__version__", "99.1")
    with pytest.raises(UserError, match=r"has grasping-student .*, this machine 99.1: install 99.1 there"):
        list(executor.map(str, range(2)))


def test_nodes_must_see_the_inputs_of_an_item_and_not_its_output(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "teacher").mkdir(parents=True)
    (tmp_path / "output").mkdir()
    item = Item(tmp_path / "runs" / "new" / "part", ("t=antipodal:runs/teacher", "random", "x" * 5000), Path("output"))
    assert set(_paths_in((item, {"a": None}))) == {str(tmp_path / "runs"), "runs/teacher"}


@pytest.mark.parametrize(
    ("heard", "said"), [(True, "has no node left that computes; what is"), (False, "does not answer any more; what is")]
)
def test_lost_processors_are_told_and_without_any_the_run_ends(monkeypatch, capsys, heard, said):
    ray = pytest.importorskip("ray", reason="Ray, the extra 'cluster', is not installed")
    monkeypatch.setattr(ray_cluster, "CHECK_SECONDS", 0.0)
    monkeypatch.setattr(ray_cluster, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(ray_cluster, "answers", lambda address: heard or left == 2)
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": left} if left else {})
    nodes, left = ray_cluster.Cluster("10.0.0.1:6379"), 2
    assert nodes.processors == 2 and capsys.readouterr().err == ""
    left = 0
    assert nodes.processors == 0
    assert capsys.readouterr().err.startswith("2 of 2 processors of the Ray cluster are gone; what they worked on is")
    time.sleep(0.1)
    with pytest.raises(WorkerError, match=said):
        nodes.look()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ray://10.0.0.1:10001", "ray://10.0.0.1:10001 is no address of a Ray cluster"),
        ("10.0.0.1", "10.0.0.1 is no address of a Ray cluster; valid is HOST:PORT"),
        ("127.0.0.1:9", "no Ray cluster answers at 127.0.0.1:9"),
        ("nowhere.invalid:6379", "no Ray cluster answers at nowhere.invalid:6379"),
    ],
)
def test_a_cluster_that_is_not_there_is_told_before_anything_is_written(tmp_path, capsys, address, said):
    pytest.importorskip("ray", reason="Ray, the extra 'cluster', is not installed")
    out = tmp_path / "d"
    assert main(["collect", "--executor", "ray", "--address", address, "--out", str(out)]) == 2
    assert said in capsys.readouterr().err and not out.exists()


def test_another_program_at_the_address_is_no_cluster(monkeypatch):
    monkeypatch.setattr(ray_cluster, "ANSWER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        assert not ray_cluster.answers(f"127.0.0.1:{deaf.getsockname()[1]}")


def test_an_address_alone_and_a_missing_package_are_told(tmp_path, capsys, monkeypatch):
    assert main(["collect", "--address", "10.0.0.1:6379", "--out", str(tmp_path / "d")]) == 2
    assert "give --executor ray too" in capsys.readouterr().err
    monkeypatch.setattr("grasping_student.pipeline.errors.find_spec", lambda name: None)
    assert main(["collect", "--executor", "ray", "--out", str(tmp_path / "d")]) == 2
    assert "pip install 'grasping-student[cluster]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


PROGRAM = """
import sys, time
sys.path.insert(0, {folder!r})
from grasping_student.cli import commands, main
from grasping_student.pipeline.ray_executor import RayExecutor
from sleeping import sleep
commands.run = lambda *arguments: list(RayExecutor({address!r}).map(sleep, range(8)))
sys.exit(main.main(["collect"]))
"""
SLEEPING = """
import os, time
from pathlib import Path
def sleep(item):
    Path(__file__).with_name(f"{os.getpid()}.pid").touch()
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_tasks_end_with_their_driver_however_it_ends(cluster, tmp_path, ending):
    (tmp_path / "sleeping.py").write_text(SLEEPING)
    (tmp_path / "program.py").write_text(PROGRAM.format(folder=str(tmp_path), address=cluster.address))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job would hand on that it ignores
    try:
        program = subprocess.Popen(
            [sys.executable, tmp_path / "program.py"], stderr=subprocess.PIPE, text=True, start_new_session=True
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with program:
        wait_until(lambda: len(list(tmp_path.glob("*.pid"))) == 2)
        program.send_signal(ending)
        _, said = program.communicate(timeout=50)
    wait_until(lambda: not any(Path(f"/proc/{path.stem}").exists() for path in tmp_path.glob("*.pid")))
    if ending == signal.SIGINT:
        assert program.returncode == 130 and said.startswith("\ngrasping-student: stopped")
