"""A labelling page on a world of boxes, as a process of its own: ``serve_boxes.py DATASET PORT [options]``.

``--recorded N`` shows N recorded scenes in place of a world, ``--slow SECONDS`` delays every append.
"""

import argparse
import sys
import time
from itertools import count
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.web.labelling_worlds import BoxWorld, ConstantModel, recorded_world  # noqa: E402

from grasping_student.geometry.grasp import AngleGrid  # noqa: E402
from grasping_student.geometry.gripper import GripperGeometry  # noqa: E402
from grasping_student.serving.access import Binding  # noqa: E402
from grasping_student.web.attempt_log import AttemptLog  # noqa: E402
from grasping_student.web.labelling_page import PageOptions, build_labelling_page  # noqa: E402
from grasping_student.web.labelling_service import LabellingService  # noqa: E402
from grasping_student.web.labelling_session import LabellingSession  # noqa: E402
from grasping_student.web.scene_queue import InOrder, in_order, recorded_rounds  # noqa: E402
from grasping_student.web.server import serve  # noqa: E402
from grasping_student.web.suggestions import Suggester  # noqa: E402


class SlowLog(AttemptLog):
    """Takes its time to save."""

    seconds = 0.0

    def append(self, heightmap, attempt):
        time.sleep(self.seconds)
        return super().append(heightmap, attempt)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("path", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--recorded", type=int, default=0)
    parser.add_argument("--slow", type=float, default=0.0)
    options = parser.parse_args()
    suggester = Suggester(ConstantModel(), count=3, grid=AngleGrid(4))

    def make():
        world = recorded_world(options.recorded) if options.recorded else BoxWorld()
        log = SlowLog(options.path, world.workspace)
        log.seconds = options.slow
        queue = InOrder(count(log.next_episode))
        if options.recorded:
            queue = in_order(recorded_rounds(options.recorded, lambda: log.judged(world.origin)))
        return LabellingSession(world, log, queue)

    service = LabellingService(make, suggester)
    service.open()
    try:
        shown = PageOptions(options.path, GripperGeometry(), with_model=True)
        serve(Binding(port=options.port), "Boxes", lambda: build_labelling_page(service, shown), service.start)
    finally:
        service.close()


main()
