"""The two-finger gripper: prismatic x, y and z, revolute yaw, two prismatic fingers (paper, section V)."""

from __future__ import annotations

from grasping_student.simulation.physics import Physics

X, Y, Z, YAW, LEFT, RIGHT = range(6)
"""Joints, in the order of the chain; both fingers hang on the palm that yaw turns."""

PALM_THICKNESS = 0.02
"""Metres."""


class Gripper:
    """A gripper in the engine, open, with its finger tips at a height above a grasp."""

    def __init__(self, physics: Physics, x: float, y: float, yaw: float, tip: float) -> None:
        self._physics = physics
        self._config = physics.config.gripper
        self._time_step = physics.config.time_step
        self.body = self._make()
        engine, call = physics.engine, physics.call
        for joint, value in zip(
            range(6), (x, y, tip, yaw, self._config.stroke / 2, self._config.stroke / 2), strict=True
        ):
            call("resetJointState", self.body, joint, value)
        for joint, value in ((X, x), (Y, y), (YAW, yaw)):
            call(
                "setJointMotorControl2",
                self.body,
                joint,
                engine.POSITION_CONTROL,
                targetPosition=value,
                force=200.0,
                positionGain=0.3,
            )
        gear = call(
            "createConstraint", self.body, LEFT, self.body, RIGHT, engine.JOINT_GEAR, (1, 0, 0), (0, 0, 0), (0, 0, 0)
        )
        call("changeConstraint", gear, gearRatio=-1, maxForce=40.0)
        for joint in (LEFT, RIGHT):
            call(
                "changeDynamics",
                self.body,
                joint,
                lateralFriction=self._config.friction,
                rollingFriction=self._config.rolling_friction,
                spinningFriction=self._config.spinning_friction,
            )
        self._hold_z(tip)
        self._move_fingers(self._config.close_speed)

    def _make(self) -> int:
        config, engine, call = self._config, self._physics.engine, self._physics.call
        half = (config.finger_thickness / 2, config.finger_width / 2, config.finger_length / 2)
        palm = (config.stroke / 2 + config.finger_thickness, config.finger_width / 2, PALM_THICKNESS / 2)
        shapes = [-1, -1, -1]
        shapes.append(
            call(
                "createCollisionShape",
                engine.GEOM_BOX,
                halfExtents=palm,
                collisionFramePosition=(0, 0, config.finger_length + PALM_THICKNESS / 2),
            )
        )
        for side in (1.0, -1.0):  # a finger's joint is the distance of its pad from the middle
            centre = (side * config.finger_thickness / 2, 0.0, config.finger_length / 2)
            shapes.append(
                call("createCollisionShape", engine.GEOM_BOX, halfExtents=half, collisionFramePosition=centre)
            )
        prismatic, revolute = engine.JOINT_PRISMATIC, engine.JOINT_REVOLUTE
        return int(
            call(
                "createMultiBody",
                baseMass=0.0,
                linkMasses=[0.5, 0.5, 0.5, 0.5, 0.1, 0.1],
                linkCollisionShapeIndices=shapes,
                linkVisualShapeIndices=[-1] * 6,
                linkPositions=[(0, 0, 0)] * 6,
                linkOrientations=[(0, 0, 0, 1)] * 6,
                linkInertialFramePositions=[(0, 0, 0)] * 6,
                linkInertialFrameOrientations=[(0, 0, 0, 1)] * 6,
                linkParentIndices=[0, 1, 2, 3, 4, 4],
                linkJointTypes=[prismatic, prismatic, prismatic, revolute, prismatic, prismatic],
                linkJointAxis=[(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 1), (1, 0, 0), (-1, 0, 0)],
            )
        )

    def _hold_z(self, tip: float) -> None:
        self._physics.call(
            "setJointMotorControl2",
            self.body,
            Z,
            self._physics.engine.POSITION_CONTROL,
            targetPosition=tip,
            force=200.0,
            positionGain=0.3,
        )

    def _move_z(self, velocity: float, force: float) -> None:
        self._physics.call(
            "setJointMotorControl2",
            self.body,
            Z,
            self._physics.engine.VELOCITY_CONTROL,
            targetVelocity=velocity,
            force=force,
        )

    def _move_fingers(self, velocity: float) -> None:
        for joint in (LEFT, RIGHT):
            self._physics.call(
                "setJointMotorControl2",
                self.body,
                joint,
                self._physics.engine.VELOCITY_CONTROL,
                targetVelocity=velocity,
                force=self._config.close_force,
            )

    def tip(self) -> float:
        """Height of the finger tips, metres."""
        return float(self._physics.call("getJointState", self.body, Z)[0])

    def gap(self) -> float:
        """Distance between the finger pads, metres."""
        left, right = self._physics.call("getJointStates", self.body, (LEFT, RIGHT))
        return float(left[0] + right[0])

    def descend(self, target: float) -> bool:
        """Lower the tips to a height; False when something stops them on the way."""
        self._move_fingers(0.0)
        self._move_z(-self._config.descend_speed, self._config.descend_force)
        trail = [self.tip()]
        expected = self._config.descend_speed * self._time_step
        for _ in range(int(2 * (trail[0] - target) / expected) + 20):
            self._physics.step()
            trail.append(self.tip())
            if trail[-1] <= target + 0.0005:
                self._hold_z(target)
                return True
            if len(trail) > 12 and trail[-11] - trail[-1] < 2 * expected:
                return False
        return False

    def close(self) -> None:
        """Close until the fingers stand still or nothing is left between them."""
        self._move_fingers(-self._config.close_speed)
        step = self._config.close_speed * self._time_step
        trail = [self.gap()]
        for _ in range(int(self._config.stroke / step) + 20):
            self._physics.step()
            trail.append(self.gap())
            if trail[-1] < self._config.empty_gap:
                return
            if len(trail) > 12 and trail[-11] - trail[-1] < 0.5 * step:
                return

    def lift(self) -> None:
        """Raise the tips by the height at which a grasp is judged."""
        start = self.tip()
        self._move_z(self._config.lift_speed, 100.0)
        for _ in range(int(2 * self._config.lift_height / (self._config.lift_speed * self._time_step))):
            self._physics.step()
            if self.tip() - start >= self._config.lift_height or self.gap() < self._config.empty_gap:
                return

    def held(self) -> list[int]:
        """Blocks that hang between both fingers, directly or through each other; empty if the chain is broken."""
        if self.gap() < self._config.empty_gap:
            return []
        sides = {LEFT: self._touched(LEFT), RIGHT: self._touched(RIGHT)}
        if not sides[LEFT] or not sides[RIGHT]:
            return []
        both = sides[LEFT] & sides[RIGHT]
        chain = set(both) or self._chain(sides[LEFT], sides[RIGHT])
        return sorted(chain)

    def _touched(self, finger: int) -> set[int]:
        contacts = self._physics.call("getContactPoints", bodyA=self.body, linkIndexA=finger)
        found = {self._physics.index_of(contact[2]) for contact in contacts if contact[9] > 0.0}
        return {index for index in found if index is not None}

    def _chain(self, left: set[int], right: set[int]) -> set[int]:
        pairs = [set(pair) for pair in self._physics.block_contacts()]
        return {i for pair in pairs if pair & left and pair & right for i in pair}
