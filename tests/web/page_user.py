"""A labelling page with a simulated user on it, and what its canvas sends: shared by the tests of the page."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from tests.web.labelling_worlds import BoxWorld

pytest.importorskip("nicegui", reason="needs the extra 'web': pip install -e '.[web]'")

from nicegui.testing.user_simulation import user_simulation

from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.web.attempt_log import AttemptLog
from grasping_student.web.grasp_canvas import GraspCanvas
from grasping_student.web.labelling_page import PageOptions, build_labelling_page
from grasping_student.web.labelling_service import LabellingService
from grasping_student.web.labelling_session import LabellingSession
from grasping_student.web.scene_queue import InOrder


def fresh_session(path, environment):
    def make():
        log = AttemptLog(path, environment.workspace)
        return LabellingSession(environment, log, InOrder(iter(range(1000))))

    return make


@asynccontextmanager
async def labelling(path, environment=None, suggester=None, operator=None):
    """A labelling page with one user on it."""
    service = LabellingService(fresh_session(path, environment or BoxWorld()), suggester, operator)
    try:
        async with user_simulation() as user:
            service.open()
            build_labelling_page(service, PageOptions(path, GripperGeometry(), suggester is not None))
            started = asyncio.create_task(service.start())
            if operator is None:
                await started
            await user.open("/")
            await settle()
            yield user, service
    finally:
        service.close()


async def settle(seconds=0.3):
    await asyncio.sleep(seconds)


def act(user, service, action, grasp=None, scene=None, suggestion=None):
    """What the canvas in the browser sends."""
    plain = None if grasp is None else {"row": grasp.row, "col": grasp.col, "angle": grasp.angle}
    number = service.scene.number if scene is None else scene
    sent = {"action": action, "scene": number, "grasp": plain, "suggestion": suggestion}
    user.find(GraspCanvas).trigger("act", sent)


async def wait_for(condition, seconds=10.0):
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("waited in vain")


def run(coroutine):
    asyncio.run(coroutine)
