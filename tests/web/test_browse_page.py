"""The browse page with a simulated user."""

import asyncio

import pytest
from tests.web.labelling_worlds import WORKSPACE, BoxWorld, ConstantModel, box_grasp

pytest.importorskip("nicegui", reason="needs the extra 'web': pip install -e '.[web]'")

from nicegui.testing.user_simulation import user_simulation

from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.geometry.grasp import Outcome
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.web.browse_listing import ScoreCache
from grasping_student.web.browse_page import build_browse_page


def test_browse_filters_pages_and_scores(tmp_path):
    world = BoxWorld()
    with DatasetWriter(tmp_path / "d", WORKSPACE) as writer:
        for i in range(30):
            world.reset(i // 5)
            scene = world.observe().heightmap
            writer.append(
                scene,
                Attempt(
                    episode=i // 5,
                    index=i % 5,
                    environment="boxes",
                    source=("human", "policy")[i % 2],
                    grasp=box_grasp(scene),
                    outcome=Outcome.SUCCESS if i % 3 else Outcome.COLLISION,
                ),
            )

    async def body():
        dataset = Dataset(tmp_path / "d")
        async with user_simulation() as user:
            build_browse_page(dataset, GripperGeometry(), ScoreCache(ConstantModel(), dataset), 12)
            await user.open("/")
            await user.should_see("30 attempts", retries=100)
            await user.should_see("1 of 3", retries=100)
            await user.should_see("beats", retries=100)
            picture = await user.http_client.get("/attempts/3/crop.png?side=64")
            assert picture.headers["content-type"] == "image/png" and picture.content[:4] == b"\x89PNG"
            assert (await user.http_client.get("/attempts/300/crop.png")).status_code == 404
            assert (await user.http_client.get("/attempts/3/secret.png")).status_code == 422
            user.find(marker="next").click()
            await user.should_see("2 of 3", retries=100)
            with user:
                next(iter(user.find(marker="source").elements)).set_value("policy")
            await user.should_see("15 attempts", retries=100)
            with user:
                next(iter(user.find(marker="outcome").elements)).set_value("failure")
            await user.should_see("5 attempts", retries=100)
            await user.should_see("1 of 1", retries=100)

    asyncio.run(body())
