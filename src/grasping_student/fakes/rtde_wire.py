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

_NAMES = {
    "DOUBLE": (
        "timestamp actual_execution_time speed_scaling target_speed_fraction actual_momentum "
        "actual_main_voltage actual_robot_voltage actual_robot_current payload standard_analog_input0 "
        "standard_analog_input1 standard_analog_output0 standard_analog_output1 speed_slider_fraction "
        "speed_scaling_combined standard_analog_output_0 standard_analog_output_1"
    ),
    "VECTOR6D": (
        "target_q target_qd target_qdd target_current target_moment actual_q actual_qd actual_current "
        "joint_control_output actual_TCP_pose actual_TCP_speed actual_TCP_force target_TCP_pose "
        "target_TCP_speed joint_temperatures actual_joint_voltage ft_raw_wrench payload_inertia "
        "external_force_torque"
    ),
    "VECTOR3D": "actual_tool_accelerometer payload_cog",
    "VECTOR6INT32": "joint_mode",
    "INT32": "robot_mode safety_mode safety_status",
    "UINT32": (
        "runtime_state robot_status_bits safety_status_bits output_bit_registers0_to_31 "
        "output_bit_registers32_to_63 speed_slider_mask"
    ),
    "UINT64": "actual_digital_input_bits actual_digital_output_bits",
    "UINT8": (
        "standard_digital_output_mask standard_digital_output configurable_digital_output_mask "
        "configurable_digital_output tool_digital_output_mask tool_digital_output standard_analog_output_mask "
        "standard_analog_output_type"
    ),
}
VARIABLE_TYPES: dict[str, str] = {name: kind for kind, names in _NAMES.items() for name in names.split()}
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
