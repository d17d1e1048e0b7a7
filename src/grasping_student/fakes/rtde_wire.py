"""Universal Robots' Real-Time Data Exchange on the wire: frames, types of variables, packing of recipes.

Protocol version 2 as published by the vendor: every frame is a big-endian ``uint16`` size, a ``uint8`` type and a body.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from typing import Any

HEADER = struct.Struct(">HB")

PROTOCOL_VERSION = ord("V")
CONTROLLER_VERSION = ord("v")
TEXT_MESSAGE = ord("M")
DATA_PACKAGE = ord("U")
SETUP_OUTPUTS = ord("O")
SETUP_INPUTS = ord("I")
START = ord("S")
PAUSE = ord("P")

_CODES = {
    "BOOL": "?",
    "UINT8": "B",
    "UINT32": "I",
    "UINT64": "Q",
    "INT32": "i",
    "DOUBLE": "d",
    "VECTOR3D": "3d",
    "VECTOR6D": "6d",
    "VECTOR6INT32": "6i",
    "VECTOR6UINT32": "6I",
}

VARIABLE_TYPES: dict[str, str] = {
    "timestamp": "DOUBLE",
    "actual_execution_time": "DOUBLE",
    "speed_scaling": "DOUBLE",
    "target_speed_fraction": "DOUBLE",
    "actual_momentum": "DOUBLE",
    "actual_main_voltage": "DOUBLE",
    "actual_robot_voltage": "DOUBLE",
    "actual_robot_current": "DOUBLE",
    "payload": "DOUBLE",
    "standard_analog_input0": "DOUBLE",
    "standard_analog_input1": "DOUBLE",
    "standard_analog_output0": "DOUBLE",
    "standard_analog_output1": "DOUBLE",
    "speed_slider_fraction": "DOUBLE",
    "speed_scaling_combined": "DOUBLE",
    "target_q": "VECTOR6D",
    "target_qd": "VECTOR6D",
    "target_qdd": "VECTOR6D",
    "target_current": "VECTOR6D",
    "target_moment": "VECTOR6D",
    "actual_q": "VECTOR6D",
    "actual_qd": "VECTOR6D",
    "actual_current": "VECTOR6D",
    "joint_control_output": "VECTOR6D",
    "actual_TCP_pose": "VECTOR6D",
    "actual_TCP_speed": "VECTOR6D",
    "actual_TCP_force": "VECTOR6D",
    "target_TCP_pose": "VECTOR6D",
    "target_TCP_speed": "VECTOR6D",
    "joint_temperatures": "VECTOR6D",
    "actual_joint_voltage": "VECTOR6D",
    "ft_raw_wrench": "VECTOR6D",
    "payload_inertia": "VECTOR6D",
    "external_force_torque": "VECTOR6D",
    "actual_tool_accelerometer": "VECTOR3D",
    "payload_cog": "VECTOR3D",
    "joint_mode": "VECTOR6INT32",
    "robot_mode": "INT32",
    "safety_mode": "INT32",
    "safety_status": "INT32",
    "runtime_state": "UINT32",
    "robot_status_bits": "UINT32",
    "safety_status_bits": "UINT32",
    "actual_digital_input_bits": "UINT64",
    "actual_digital_output_bits": "UINT64",
    "output_bit_registers0_to_31": "UINT32",
    "output_bit_registers32_to_63": "UINT32",
    "speed_slider_mask": "UINT32",
    "standard_digital_output_mask": "UINT8",
    "standard_digital_output": "UINT8",
    "configurable_digital_output_mask": "UINT8",
    "configurable_digital_output": "UINT8",
    "tool_digital_output_mask": "UINT8",
    "tool_digital_output": "UINT8",
    "standard_analog_output_mask": "UINT8",
    "standard_analog_output_type": "UINT8",
    "standard_analog_output_0": "DOUBLE",
    "standard_analog_output_1": "DOUBLE",
}
"""Type of each variable that the controller knows; registers are matched by name."""

_REGISTER = re.compile(r"(in|out)put_(int|double)_register_(\d+)$")


def type_of(name: str) -> str:
    """RTDE type of a variable, ``NOT_FOUND`` for one that the controller does not have."""
    match = _REGISTER.match(name)
    if match and int(match[3]) < 48:
        return "INT32" if match[2] == "int" else "DOUBLE"
    return VARIABLE_TYPES.get(name, "NOT_FOUND")


def frame(kind: int, body: bytes = b"") -> bytes:
    """One whole frame."""
    return HEADER.pack(HEADER.size + len(body), kind) + body


def split_names(text: bytes) -> list[str]:
    """Variable names of a recipe; clients may end the list with a comma."""
    return [name for name in text.decode("ascii").split(",") if name]


class Recipe:
    """An agreed list of variables, packed in one order."""

    def __init__(self, number: int, names: Sequence[str]) -> None:
        self.number = number
        self.names = list(names)
        self.types = [type_of(name) for name in names]
        codes = [_CODES.get(kind, "") for kind in self.types]
        self._layout = struct.Struct(">" + "".join(codes))
        self._counts = [int(code[0]) if code[:1].isdigit() else 1 for code in codes]

    def pack(self, values: Mapping[str, Any]) -> bytes:
        """Recipe number and values; a variable without a value is zero."""
        flat: list[Any] = []
        for name, count in zip(self.names, self._counts, strict=True):
            value = values.get(name, 0)
            flat.extend([value] * count if not isinstance(value, list | tuple) else value)
        return bytes([self.number]) + self._layout.pack(*flat)

    def unpack(self, body: bytes) -> dict[str, Any]:
        """Values by name, from a body without its recipe number."""
        flat = list(self._layout.unpack(body))
        values: dict[str, Any] = {}
        for name, count in zip(self.names, self._counts, strict=True):
            taken, flat = flat[:count], flat[count:]
            values[name] = taken[0] if count == 1 else taken
        return values
