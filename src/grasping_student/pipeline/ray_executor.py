"""Many machines: items as tasks of a Ray cluster, one processor each, their results in order.

A task whose node dies is begun again on another. Nodes need this package in the same version, and the same files at the
same place: a task works in the folder in which the command was given.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sized
from contextlib import suppress
from dataclasses import fields, is_dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import grasping_student
from grasping_student.pipeline.device import VARIABLE as DEVICE_VARIABLE
from grasping_student.pipeline.device import chosen_device
from grasping_student.pipeline.errors import UserError, require_extra
from grasping_student.pipeline.executor_base import AHEAD, THREAD_VARIABLES, Item, Result, with_bar
from grasping_student.pipeline.folder_lock import FolderInUse
from grasping_student.pipeline.ray_cluster import MAX_RETRIES, Cluster, answers, connected

PORT = 6379
"""Where ``ray start --head`` listens if nothing else is asked for."""

MOST_BEGUN = 10_000
"""Items of a known number that are begun before their result is asked for: the longest may come first."""

Place = tuple[str, str, tuple[str, ...]]
"""What a node needs as we have it: version of this package, current folder, and where modules are looked for."""

LOCK_SECONDS = 120.0
"""So long the lock of a folder may outlive the node that held it: network drives free it late."""


class RayExecutor:
    """All processors of a Ray cluster."""

    def __init__(self, address: str = "") -> None:
        """Nothing is connected yet.

        Args:
            address: HOST:PORT of the head node; see ``ExecutorConfig``.
        """
        given = address or os.environ.get("RAY_ADDRESS", "")
        self._address = f"127.0.0.1:{PORT}" if given in ("", "auto") else given

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], description: str | None = None
    ) -> Generator[Result, None, None]:
        """See ``Executor``; closing the generator stops what has begun too.

        Raises:
            UserError: Ray is not installed, no cluster answers, or a node lacks this package or a file.
            WorkerError: the cluster ended before its work was done, or a task died again and again.
        """
        yield from with_bar(self._results(function, items), items, description)

    def check(self) -> None:
        """See ``Executor``.

        Raises:
            UserError: Ray is not installed, the address is none, or no cluster answers at it.
        """
        require_extra("cluster", "ray")
        if chosen_device() == "cuda":
            raise UserError("--device cuda with --executor ray: a cluster computes on its processors; leave one out")
        host, colon, port = self._address.rpartition(":")
        if "://" in self._address or not (host and colon and port.isdigit() and 0 < int(port) < 65536):
            raise UserError(
                f"{self._address} is no address of a Ray cluster; valid is HOST:PORT of its head node, for instance "
                f"--address 10.0.0.1:{PORT}"
            )
        if not answers(self._address):
            raise UserError(
                f"no Ray cluster answers at {self._address}: start one with 'ray start --head', or name its head node "
                "with --address HOST:PORT"
            )

    def _results(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result, None, None]:
        self.check()
        import ray
        from ray import cloudpickle

        least = MOST_BEGUN if isinstance(items, Sized) else 0
        remaining, running = iter(items), deque[Any]()
        with connected(self._address) as ours:
            cluster = Cluster(self._address)
            environment = {"env_vars": {**dict.fromkeys(THREAD_VARIABLES, "1"), DEVICE_VARIABLE: "cpu"}}
            task = ray.remote(_task()).options(num_cpus=1, max_retries=MAX_RETRIES, runtime_env=environment)
            place = (grasping_student.__version__, str(Path.cwd()), tuple(filter(None, sys.path)))
            try:
                while True:
                    wanted = max(AHEAD * cluster.processors, least, 1)
                    for item in islice(remaining, max(wanted - len(running), 0)):
                        paths = sorted(set(_paths_in(item)))
                        running.append(task.remote(place, paths, cloudpickle.dumps((function, item))))
                    if not running:
                        return
                    packed = cluster.result(running[0])
                    running.popleft()
                    yield cloudpickle.loads(packed)
            finally:
                # The end of our connection ends its tasks. To cancel them by force ends this process too (Ray 2.60), if
                # one is done in the same moment: "Tried to complete task that was not pending".
                for reference in () if ours else running:
                    with suppress(Exception):
                        ray.cancel(reference)


def _task() -> Callable[[Place, list[str], bytes], tuple[bytes, str | None]]:
    """What a node runs; it travels as code, because a node may not have this package."""

    def run(place: Place, paths: list[str], packed: bytes) -> tuple[bytes, str | None]:
        """The packed result of a packed function and item; or empty, and why this node cannot work."""
        import os
        import sys
        from pathlib import Path

        from ray import cloudpickle, util

        version, folder, modules = place
        node = util.get_node_ip_address()
        try:
            import grasping_student
            from grasping_student.pipeline.ray_executor import run_item
        except ImportError as error:
            return b"", f"node {node} cannot import grasping-student ({error}): install version {version} there"
        if grasping_student.__version__ != version:
            there = grasping_student.__version__
            return b"", f"node {node} has grasping-student {there}, this machine {version}: install {version} there"
        for path in (Path(folder), *(Path(folder, each) for each in paths)):
            if not path.exists():
                return b"", (
                    f"node {node} does not see {path}: with --executor ray every node needs the same files at the same "
                    "place, as a shared folder gives them"
                )
        os.chdir(folder)
        sys.path.extend(each for each in modules if each not in sys.path)
        return cloudpickle.dumps(run_item(*cloudpickle.loads(packed))), None

    return run


def run_item(function: Callable[[Item], Result], item: Item) -> Result:
    """``function(item)``, begun again while a node that died seems to hold the folder that the item needs."""
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return function(item)
        except FolderInUse:
            if time.monotonic() > end:
                raise
        time.sleep(1.0)


def _paths_in(value: Any) -> Iterator[str]:
    """Files and folders that a node must see for an item: those that it names, at any depth, as far as they are here.

    Where a path is yet to be made, the folder that it is made in counts. The output of a config does not: tasks hand
    over results.
    """
    if isinstance(value, Path):
        yield str(next((each for each in (value, *value.parents) if each.exists()), value))
    elif isinstance(value, str):
        name = value.rpartition("=")[2].rpartition(":")[2]  # NAME=CONSTRAINT:FOLDER
        with suppress(OSError):  # no name of a file: too long, for instance
            if name and Path(name).exists():
                yield name
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            if each.name != "out":
                yield from _paths_in(getattr(value, each.name))
    elif isinstance(value, Mapping):
        yield from _paths_in(tuple(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _paths_in(one)
