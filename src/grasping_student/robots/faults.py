"""Failures of devices, as exceptions whose message names what happened and what the operator does next."""

from __future__ import annotations

import enum

from grasping_student.pipeline.errors import UserError


class Fault(enum.StrEnum):
    """Kinds of device failure, so that programs need not read messages."""

    UNREACHABLE = "unreachable"
    LINK_LOST = "link lost"
    STALE = "stale state"
    PROTECTIVE_STOP = "protective stop"
    EMERGENCY_STOP = "emergency stop"
    NOT_READY = "not ready"
    MOVE_FAILED = "move failed"
    STOPPED = "stopped"
    GRIPPER_FAULT = "gripper fault"
    NO_PICTURE = "no picture"


class DeviceFault(Exception):
    """A device failed; nothing moves until an operator has looked."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


class ArmFault(DeviceFault):
    """The arm failed or was stopped."""


class GripperFault(DeviceFault):
    """The gripper failed."""


class UnsafeMotion(UserError):
    """A motion outside the configured limits was asked for; it was refused before anything moved."""


class CellStopped(UserError):
    """The cell waits for its operator after a device fault; no attempt was counted."""
