"""What MuJoCo is told of a scene: bin, solids and gripper as a model that is ready to compile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from grasping_student.simulation.config import GripperConfig, SimulationConfig
from grasping_student.simulation.engine import PALM_THICKNESS
from grasping_student.simulation.solids import Box, ConvexPart, Hull, Poses, Prism, Solid
from grasping_student.simulation.walls import fixed_parts, guards

JOINTS = ("x", "y", "tip", "yaw", "left", "right")
"""Names of the gripper's joints and of their motors."""

FINGERS = ("left finger", "right finger")
"""Names of the fingers' shapes."""

CONTACT_TIME, CONTACT_IMPEDANCE = 0.01, (0.95, 0.99, 0.001, 0.5, 2.0)
"""Seconds in which an interpenetration is resolved, and how stiff contacts are (MuJoCo's solref and solimp)."""

PAD_TIME, PAD_FRICTION_SCALE = 0.02, 1.3
"""Contact time of the fingers: their rubber gives way by some 3 mm under the force of a collision. And a factor on the
friction of fingers and solids."""

GRASP_FRICTION_RATIO, FALL_FRICTION_RATIO = 10.0, 1.0
"""Stiffness of friction against that of pressure (MuJoCo's impratio). At 1 a pile creeps, but falls twice as fast."""

FRICTION_SCALE = 0.7
"""Factor on the friction between solids. This one, that of the pads and the bevel were chosen so that random and exact
grasps succeed as often as in PyBullet, whose solver stops early: there, blocks slide where these would be wedged, and
fingers press some millimetres into what they meet."""

ROLLING_FRICTION = 0.0003
"""Metres; only of what rolls."""

BEVEL_HEIGHT, BEVEL_DEPTH, BEVEL_WIDTH = 0.016, 0.009, 0.008
"""Finger tips are bevelled outside and on both sides, as real ones are, metres: a tip that touches the edge of a block
slides past it. The pads are flat down to the tip."""

ALL, GUARD = 1, 2
"""Bits of what collides with what: guards of a bin stop solids alone."""

LINK_MASS, LINK_INERTIA, FINGER_MASS, FINGER_INERTIA = 0.5, 1e-3, 0.1, 1e-4
"""Kilograms and kg m^2."""


def scene_model(
    config: SimulationConfig,
    time_step: float,
    solids: Sequence[Solid],
    poses: Poses,
    awake: NDArray[np.bool_],
    gripper: bool,
) -> Any:
    """An ``MjSpec`` of bin, solids (joint ``free N`` of those awake, shapes ``N PART``) and gripper."""
    spec = mujoco.MjSpec()
    option = spec.option
    option.timestep = time_step
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    option.impratio = GRASP_FRICTION_RATIO if gripper else FALL_FRICTION_RATIO
    option.iterations, option.tolerance = 50, 1e-6
    _add_bin(spec, config)
    for index, (solid, pose) in enumerate(zip(solids, poses, strict=True)):
        _add_solid(spec, index, solid, pose, bool(awake[index]))
    if gripper:
        _add_gripper(spec, config.gripper)
        _add_pads(spec, config.gripper, solids)
    return spec


def solid_of(shape: str) -> int:
    """The solid to which a shape of this name belongs, -1 for bin and gripper."""
    first = shape.split(" ")[0]
    return int(first) if first.isdigit() else -1


def _add_bin(spec: Any, config: SimulationConfig) -> None:
    for number, part in enumerate(fixed_parts(config)):
        _add_part(spec, spec.worldbody, f"bin {number}", part, config.block_friction)
    for box in guards(config):
        geom = _add_part(spec, spec.worldbody, "", box, config.block_friction)
        geom.contype, geom.conaffinity = GUARD, 0


def _add_solid(spec: Any, index: int, solid: Solid, pose: NDArray[np.float64], moves: bool) -> None:
    body = spec.worldbody.add_body(pos=pose[:3], quat=pose[[6, 3, 4, 5]])
    if moves:
        body.add_freejoint(name=f"free {index}")
        _set_inertia(body, solid.mass, solid.inertia)
    for part, shape in enumerate(solid.parts):
        rolling = ROLLING_FRICTION if solid.rolls else 0.0
        geom = _add_part(spec, body, f"{index} {part}", shape, solid.friction, rolling)
        geom.conaffinity = ALL | GUARD


def _add_gripper(spec: Any, config: GripperConfig) -> None:
    slide, hinge = mujoco.mjtJoint.mjJNT_SLIDE, mujoco.mjtJoint.mjJNT_HINGE
    geometry, half_opening = config.geometry, config.geometry.opening / 2
    axes = ((slide, (1, 0, 0)), (slide, (0, 1, 0)), (slide, (0, 0, 1)), (hinge, (0, 0, 1)))
    body = spec.worldbody
    for name, (kind, axis) in zip(JOINTS[:4], axes, strict=True):
        body = body.add_body()
        body.add_joint(name=name, type=kind, axis=axis)
        _set_inertia(body, LINK_MASS, (LINK_INERTIA,) * 3)
    palm = (half_opening + geometry.finger_thickness, geometry.finger_width / 2, PALM_THICKNESS / 2)
    _add_part(spec, body, "palm", Box(palm, (0.0, 0.0, config.finger_length + PALM_THICKNESS / 2)), config.friction)
    for joint, name, side in zip(JOINTS[4:], FINGERS, (1.0, -1.0), strict=True):
        finger = body.add_body(name=name)
        # its position is the distance of the pad from the middle
        finger.add_joint(name=joint, type=slide, axis=(side, 0, 0), limited=True, range=(0.0, half_opening))
        _set_inertia(finger, FINGER_MASS, (FINGER_INERTIA,) * 3)
        spec.add_mesh(name=name, uservert=_finger_corners(config, side).ravel())
        finger.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name)
    spec.add_exclude(bodyname1=FINGERS[0], bodyname2=FINGERS[1])
    coupling = spec.add_equality(
        type=mujoco.mjtEq.mjEQ_JOINT,
        objtype=mujoco.mjtObj.mjOBJ_JOINT,
        name1=JOINTS[4],
        name2=JOINTS[5],
        solref=[CONTACT_TIME, 1.0],
    )
    coupling.data[:2] = 0.0, 1.0
    for name in JOINTS:
        spec.add_actuator(
            name=name,
            target=name,
            trntype=mujoco.mjtTrn.mjTRN_JOINT,
            gainprm=[1.0, *[0.0] * 9],
            biastype=mujoco.mjtBias.mjBIAS_AFFINE,
            forcelimited=True,
            forcerange=(-1.0, 1.0),
        )


def _finger_corners(config: GripperConfig, side: float) -> NDArray[np.float64]:
    """Corners of a finger whose pad looks to the middle from ``side``, metres, shape ``(12, 3)``."""
    thickness, half = config.geometry.finger_thickness, config.geometry.finger_width / 2
    bevel_depth, bevel_width = min(BEVEL_DEPTH, 0.8 * thickness), min(BEVEL_WIDTH, 0.8 * half)
    outlines = (
        (0.0, thickness - bevel_depth, half - bevel_width),
        (BEVEL_HEIGHT, thickness, half),
        (config.finger_length, thickness, half),
    )
    return np.array([(side * x, y, z) for z, back, wide in outlines for x in (0.0, back) for y in (-wide, wide)])


def _add_pads(spec: Any, config: GripperConfig, solids: Sequence[Solid]) -> None:
    """Contacts of fingers and solids, which have the friction of both, against turning and rolling too."""
    for index, solid in enumerate(solids):
        sliding = PAD_FRICTION_SCALE * config.friction * solid.friction
        friction = [sliding, sliding, config.spinning_friction, config.rolling_friction, config.rolling_friction]
        for part in range(len(solid.parts)):
            for finger in FINGERS:
                spec.add_pair(
                    geomname1=finger,
                    geomname2=f"{index} {part}",
                    condim=6,
                    friction=friction,
                    solref=[PAD_TIME, 1.0],
                    solimp=CONTACT_IMPEDANCE,
                )


def _set_inertia(body: Any, mass: float, inertia: tuple[float, ...]) -> None:
    body.mass, body.inertia, body.explicitinertial = mass, inertia, True
    body.ipos, body.iquat = (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0)  # left out, they become the body's own pose


def _add_part(spec: Any, body: Any, name: str, part: ConvexPart, friction: float, rolling: float = 0.0) -> Any:
    """A shape. MuJoCo takes the larger friction of two: for equal ones, the product that PyBullet takes."""
    if isinstance(part, (Prism, Hull)):
        spec.add_mesh(name=name, uservert=part.corners().ravel())
        shape = {"type": mujoco.mjtGeom.mjGEOM_MESH, "meshname": name}
    else:
        x, y, z, w = part.quaternion
        shape = {"pos": part.position, "quat": (w, x, y, z)}
        if isinstance(part, Box):
            shape |= {"type": mujoco.mjtGeom.mjGEOM_BOX, "size": part.half_sides}
        else:
            shape |= {"type": mujoco.mjtGeom.mjGEOM_CYLINDER, "size": (part.radius, part.half_length, 0.0)}
    return body.add_geom(
        name=name,
        friction=[FRICTION_SCALE * friction**2, 0.0, rolling],
        condim=6 if rolling > 0.0 else 3,
        solref=[CONTACT_TIME, 1.0],
        solimp=CONTACT_IMPEDANCE,
        **shape,
    )
