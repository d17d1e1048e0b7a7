"""Any of our environments as a ``gymnasium.Env``: for reinforcement learning libraries."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from grasping_student.environments.base import Environment
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, AngleGrid, Outcome, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap

Arrays = dict[str, NDArray[Any]]

LOWEST, HIGHEST = -0.1, 1.0
"""Heights are cut to this range, metres."""


class GymnasiumAdapter(gymnasium.Env[Arrays, NDArray[np.int64]]):
    """Grasping as a Markov decision process.

    Observation: ``height`` float32 ``(pixels, pixels, 1)`` in metres, 0 where unmeasured; ``measured`` uint8 of the
    same shape; ``rgb`` uint8 ``(pixels, pixels, 3)``. Action: row, column and angle bin. Reward: 1 for a success, else
    0. Terminated when the graspable area is empty; truncated after too many failures in a row. ``info["outcome"]``
    names how the grasp ended.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 1}  # noqa: RUF012 (the base class declares it so)

    def __init__(
        self,
        environment: Environment,
        angles: AngleGrid = DEPLOYMENT_ANGLES,
        failures_in_a_row: int = 5,
        render_mode: str | None = None,
    ) -> None:
        self.environment = environment
        self.angles = angles
        self.render_mode = render_mode
        self._failures_in_a_row = failures_in_a_row
        self._failures = 0
        side = environment.workspace.pixels
        self.observation_space: Any = spaces.Dict(
            {
                "height": spaces.Box(LOWEST, HIGHEST, (side, side, 1), np.float32),
                "measured": spaces.Box(0, 1, (side, side, 1), np.uint8),
                "rgb": spaces.Box(0, 255, (side, side, 3), np.uint8),
            }
        )
        self.action_space = spaces.MultiDiscrete([side, side, angles.count])

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Arrays, dict[str, Any]]:
        """Begin an episode; without a seed the scene follows from the seed before."""
        super().reset(seed=seed)
        self.environment.reset(int(self.np_random.integers(2**31)))
        self._failures = 0
        return _arrays(self.environment.observe().heightmap), {}

    def step(self, action: NDArray[np.int64]) -> tuple[Arrays, float, bool, bool, dict[str, Any]]:
        """Execute one grasp."""
        row, col, angle = (int(value) for value in action)
        outcome = self.environment.execute(PlanarGrasp(row, col, self.angles.angle(angle)))
        if outcome is not Outcome.FAULT:
            self._failures = 0 if outcome.success else self._failures + 1
        heightmap = self.environment.observe().heightmap
        return (
            _arrays(heightmap),
            float(outcome.success),
            heightmap.is_empty(),
            self._failures >= self._failures_in_a_row,
            {"outcome": outcome.value},
        )

    def render(self) -> NDArray[np.uint8] | None:
        """The scene in colour, if the render mode is ``rgb_array``."""
        return self.environment.observe().heightmap.rgb if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Close the environment."""
        self.environment.close()


def _arrays(heightmap: Heightmap) -> Arrays:
    measured = ~heightmap.unmeasured
    height = np.clip(np.where(measured, heightmap.height, 0.0), LOWEST, HIGHEST).astype(np.float32)
    return {"height": height[..., None], "measured": measured.astype(np.uint8)[..., None], "rgb": heightmap.rgb}
