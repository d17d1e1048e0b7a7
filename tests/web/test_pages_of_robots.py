"""The labelling page before a robot that asks, stops and is interrupted, and before scenes that cannot be read."""

import asyncio
import threading

import pytest
from tests.web.labelling_worlds import RobotWorld, StoppingRobot, box_grasp, recorded_world

pytest.importorskip("nicegui", reason="needs the extra 'web': pip install -e '.[web]'")


from tests.web.page_user import act, fresh_session, labelling, run, wait_for

from grasping_student.datasets.store import Dataset
from grasping_student.geometry.grasp import Outcome
from grasping_student.pipeline.errors import UserError
from grasping_student.web.labelling_service import LabellingService
from grasping_student.web.operator import Operator


def test_a_robot_asks_stops_and_goes_on_at_the_page(tmp_path):
    async def body():
        operator = Operator()
        robot = StoppingRobot(operator.ask)
        async with labelling(tmp_path / "d", robot, operator=operator) as (user, service):
            await user.should_see("Fill the workspace", retries=100)
            assert service.scene is None
            user.find("Done").click()
            await wait_for(lambda: service.scene is not None and service.busy is None)
            await user.should_not_see("Fill the workspace", retries=100)
            act(user, service, "execute", box_grasp(service.scene.heightmap))
            await wait_for(lambda: service.trouble is not None)
            await user.should_see("The robot stopped: the cell is stopped: protective stop", retries=100)
            act(user, service, "recover")
            await wait_for(lambda: service.trouble is None)
            await user.should_see("ready again", retries=100)

    run(body())


def test_a_recorded_scene_that_cannot_be_read_is_told_beside_the_saved_label(tmp_path):
    async def body():
        world = recorded_world()
        async with labelling(tmp_path / "d", world) as (user, service):
            first, grasp = world.observe(), box_grasp(service.scene.heightmap)
            world.observe = lambda: first if world.position == 0 else (_ for _ in ()).throw(UserError("it is cut off"))
            act(user, service, "good", grasp)
            await user.should_see("Saved attempt 0. There is no next scene: it is cut off", retries=100)
            await user.should_see("The cause is removed", retries=100)
            world.observe = lambda: first
            act(user, service, "recover")
            await user.should_see("Here is the next scene", retries=100)

    run(body())


def test_a_question_that_nobody_will_answer_ends_with_the_page(tmp_path):
    operator = Operator()
    service = LabellingService(fresh_session(tmp_path / "d", StoppingRobot(operator.ask)), operator=operator)

    async def body():
        service.open()
        started = asyncio.create_task(service.start())
        await wait_for(lambda: operator.question is not None)
        operator.leave()
        await started
        assert "was closed" in service.message.text

    run(body())
    service.close()


class SlowRobot(RobotWorld):
    """Moves until it is interrupted."""

    def __init__(self):
        super().__init__()
        self.moving, self.interrupted = threading.Event(), threading.Event()

    def execute(self, grasp):
        self.moving.set()
        if self.interrupted.wait(10.0):
            return Outcome.FAULT
        return super().execute(grasp)

    def interrupt(self):
        self.interrupted.set()


def test_the_end_of_the_page_interrupts_a_robot_in_the_middle_of_a_grasp(tmp_path):
    robot = SlowRobot()
    service = LabellingService(fresh_session(tmp_path / "d", robot))

    async def body():
        service.open()
        await service.start()
        work = asyncio.create_task(service.execute(0, box_grasp(service.scene.heightmap)))
        await wait_for(robot.moving.is_set)
        service.close()
        work.cancel()

    run(body())
    assert [a.outcome for a in Dataset(tmp_path / "d").attempts()] == [Outcome.FAULT]


def test_a_stop_between_two_episodes_is_told_with_a_button_to_go_on(tmp_path):
    async def body():
        robot = StoppingRobot(fault_at=0)
        async with labelling(tmp_path / "d", robot) as (user, service):
            for action, said in (("nothing", "nothing graspable. The robot"), ("skip", "of that scene. The robot")):
                robot.stops_at_reset = True
                act(user, service, action)
                await wait_for(lambda: service.trouble is not None and service.busy is None)
                await user.should_see(said + " stopped: the cell is stopped: protective stop", retries=100)
                await user.should_see("The cause is removed", retries=100)
                robot.stops_at_reset = False
                act(user, service, "recover")
                await wait_for(lambda: service.trouble is None and service.busy is None)
            assert len(Dataset(tmp_path / "d")) == 1

    run(body())
