"""Worker processes of the server: taken one request at a time, replaced where one is lost, exchanged for new models."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor import WorkerError, deaf_to_interrupts, one_thread_each, starting
from grasping_student.serving.configuration import PredictConfig
from grasping_student.serving.grasp_worker import Answer, ModelInfo, ModelSpec, answer, begin, load


class OutOfTime(Exception):
    """No worker was free, or the answer did not come, before the time was over."""


class Lost(Exception):
    """The processes that computed the answer died, one more than there are, so that it is most likely their death."""


@dataclass(eq=False)
class Worker:
    """One process, behind an executor of its own so that it can be ended alone."""

    generation: int
    threads: int
    executor: ProcessPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self.executor = ProcessPoolExecutor(1, get_context("spawn"), begin, (os.getpid(), self.threads))

    async def load(self, specs: tuple[ModelSpec, ...], check: bool) -> list[ModelInfo]:
        """Start the process and let it load the models.

        Raises:
            UserError: a model cannot be served, or the process cannot start.
        """
        with starting(), one_thread_each(), deaf_to_interrupts():
            future = self.executor.submit(load, specs, check)
        try:
            return await asyncio.wrap_future(future)
        except BrokenProcessPool:
            raise WorkerError(
                "a worker process ended while it loaded the models; most often the memory is too small: ask for fewer "
                "--workers"
            ) from None

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return all(process.is_alive() for process in (self.executor._processes or {}).values())

    def end(self) -> None:
        """End the process at once, whatever it does."""
        for process in list((self.executor._processes or {}).values()):
            process.kill()
        self.executor.shutdown(wait=False, cancel_futures=True)


class WorkerPool:
    """Processes with the same models, of which each answers one request at a time."""

    def __init__(self, specs: tuple[ModelSpec, ...], workers: int, threads: int) -> None:
        self._specs, self._count, self._threads = specs, workers, threads
        self._generation = 0
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._changed = asyncio.Condition()
        self._background: set[asyncio.Task[None]] = set()
        self._reloading = asyncio.Lock()
        self.models: tuple[ModelInfo, ...] = ()
        """What is served; empty until the models are loaded."""

    async def start(self) -> None:
        """Start the processes.

        Raises:
            UserError: a model cannot be served, or a process cannot start.
        """
        await self.reload()

    async def reload(self) -> None:
        """Load the models anew in new processes; the old ones answer until then, and end what they took.

        Raises:
            UserError: a model cannot be served, or is now of another workspace; the old ones stay.
        """
        async with self._reloading:
            fresh = [Worker(self._generation + 1, self._threads) for _ in range(self._count)]
            try:
                models = tuple(await fresh[0].load(self._specs, check=True))  # exports what the others only load
                self._check_workspaces(models)
                await asyncio.gather(*(worker.load(self._specs, check=False) for worker in fresh[1:]))
            except BaseException:
                for worker in fresh:
                    worker.end()
                raise
            async with self._changed:
                for worker in self._idle:
                    worker.executor.shutdown(wait=False)
                self._idle, self.models = fresh, models
                self._generation += 1
                self._changed.notify_all()

    def _check_workspaces(self, models: tuple[ModelInfo, ...]) -> None:
        for before, after in zip(self.models, models, strict=False):
            if before.workspace != after.workspace:
                raise UserError(
                    f"model '{after.name}' is now of the workspace {after.workspace}, and was of {before.workspace}: "
                    "who asks would get grasps of another place; start the server anew for it"
                )

    async def answer(self, name: str, config: PredictConfig, picture: bool, seconds: float) -> tuple[Answer, float]:
        """The answer to one request, and how long it waited for a free process, seconds.

        Args:
            name: of the model.
            config: files and options.
            picture: add a drawing.
            seconds: until it must be there.

        Raises:
            OutOfTime: it was not.
            Lost: more processes than there are died over it.
        """
        begun, died = time.monotonic(), 0
        while died <= self._count:
            worker = await self._take(begun + seconds)
            waited = time.monotonic() - begun
            if not worker.alive:
                self._replace(worker)
                continue
            try:
                future = asyncio.wrap_future(worker.executor.submit(answer, name, config, picture))
                future.add_done_callback(lambda done: done.cancelled() or done.exception())  # where nobody waits for it
                found = await asyncio.wait_for(asyncio.shield(future), max(seconds - waited, 0.001))
            except (BrokenProcessPool, RuntimeError):  # also where it was found dead when it was asked
                self._replace(worker)
                died += 1
                continue
            except TimeoutError:
                self._replace(worker)
                raise OutOfTime from None
            except BaseException:
                self._replace(worker)
                raise
            await self._give_back(worker)
            return found, waited
        raise Lost

    async def close(self) -> None:
        """End the processes; nothing is computed any more."""
        for task in self._background:
            task.cancel()
        for worker in [*self._idle, *self._busy]:
            worker.end()
        self._idle, self.models = [], ()

    async def _take(self, until: float) -> Worker:
        async with self._changed:
            try:
                await asyncio.wait_for(self._changed.wait_for(lambda: bool(self._idle)), until - time.monotonic())
            except TimeoutError:
                raise OutOfTime from None
            worker = self._idle.pop()
            self._busy.add(worker)
            return worker

    async def _give_back(self, worker: Worker) -> None:
        async with self._changed:
            self._busy.discard(worker)
            if worker.generation < self._generation:
                worker.executor.shutdown(wait=False)
                return
            self._idle.append(worker)
            self._changed.notify()

    def _replace(self, worker: Worker) -> None:
        """End a worker, and start another in its place in the background."""
        self._busy.discard(worker)
        worker.end()
        if worker.generation == self._generation:
            task = asyncio.get_running_loop().create_task(self._start_another(worker.generation))
            self._background.add(task)
            task.add_done_callback(self._background.discard)

    async def _start_another(self, generation: int) -> None:
        pause = 0.5
        while generation == self._generation:
            fresh = Worker(generation, self._threads)
            self._busy.add(fresh)
            with contextlib.suppress(UserError):  # memory may be there again in a moment
                await fresh.load(self._specs, check=False)
                await self._give_back(fresh)
                return
            self._busy.discard(fresh)
            fresh.end()
            await asyncio.sleep(pause)
            pause = min(2.0 * pause, 30.0)
