"""A labelling page on a world of boxes, as a process of its own: ``serve_boxes.py DATASET PORT``."""

import sys
from itertools import count
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.web.labelling_worlds import BoxWorld, ConstantModel  # noqa: E402

from grasping_student.geometry.grasp import AngleGrid  # noqa: E402
from grasping_student.geometry.gripper import GripperGeometry  # noqa: E402
from grasping_student.web.attempt_log import AttemptLog  # noqa: E402
from grasping_student.web.labelling_page import PageOptions, build_labelling_page  # noqa: E402
from grasping_student.web.labelling_service import LabellingService  # noqa: E402
from grasping_student.web.labelling_session import LabellingSession  # noqa: E402
from grasping_student.web.scene_queue import InOrder  # noqa: E402
from grasping_student.web.server import Binding, serve  # noqa: E402
from grasping_student.web.suggestions import Suggester  # noqa: E402


def main():
    path, port = Path(sys.argv[1]), int(sys.argv[2])
    suggester = Suggester(ConstantModel(), count=3, grid=AngleGrid(4))

    def make():
        world = BoxWorld()
        log = AttemptLog(path, world.workspace)
        return LabellingSession(world, log, InOrder(count(log.next_episode)))

    service = LabellingService(make, suggester)
    service.open()
    try:
        options = PageOptions(path, GripperGeometry(), with_model=True)
        serve(Binding(port=port), "Boxes", lambda: build_labelling_page(service, options), service.start)
    finally:
        service.close()


main()
