"""From the command's options to a running browse page."""

from __future__ import annotations

from grasping_student.web.browse_config import BrowseConfig


def run(config: BrowseConfig) -> None:
    """Serve the browse page until Ctrl-C.

    Raises:
        UserError: no dataset, no checkpoint, a model of another workspace, or a port that is taken.
    """
    from grasping_student.datasets.store import Dataset
    from grasping_student.gripper_geometry import GripperShape
    from grasping_student.web.browse_listing import ScoreCache
    from grasping_student.web.browse_page import build_browse_page
    from grasping_student.web.server import checked_binding, serve

    binding = checked_binding(config.host, config.port, config.token)
    dataset = Dataset(config.dataset)
    scores = None
    if config.model is not None:
        from grasping_student.models.grasp_model import GraspModel

        scores = ScoreCache(GraspModel.load(config.model, dataset.workspace), dataset)
    serve(binding, "Browse page", lambda: build_browse_page(dataset, GripperShape(), scores, config.page_size))
