"""Client of ``grasping-student serve``: needs numpy and the standard library alone, so a robot's computer can have it.

Example::

    client = GraspClient("http://127.0.0.1:8090")
    answer = client.grasps(depth, intrinsics, camera_to_world, GraspOptions(region=(-0.1, -0.1, 0.1, 0.1)))
    if answer.grasps:
        print(answer.grasps[0].x, answer.grasps[0].y, answer.grasps[0].z, answer.grasps[0].angle)
"""

from __future__ import annotations

import http.client
import io
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray


class RequestRefused(Exception):
    """The server gave no answer.

    Attributes:
        status: of HTTP.
        code: for programs.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code = status, code


@dataclass(frozen=True)
class GraspOptions:
    """Which grasps are asked for; lengths in metres, meanings as of the options of ``predict``."""

    region: tuple[float, ...] = ()
    """x0 y0 x1 y1, or corners of a polygon."""

    closing_angle_degrees: tuple[float, float] | None = None
    keep_away: tuple[float, ...] = ()
    """Circles x y radius."""

    top: int = 5
    min_success: float | None = None
    model: str | None = None
    bin: tuple[float, ...] = ()
    level_floor: bool = False
    workspace_center: tuple[float, float, float] | None = None
    workspace_yaw: float | None = None
    picture: bool = False
    """Ask for a drawing of the grasps too."""

    def form(self) -> dict[str, str]:
        """The fields that differ from what the server takes by itself."""
        given = {
            each.name: getattr(self, each.name) for each in fields(self) if getattr(self, each.name) != each.default
        }
        return {name: json.dumps(value) if not isinstance(value, str) else value for name, value in given.items()}


@dataclass(frozen=True)
class Note:
    """A code for programs, and a sentence for people."""

    code: str
    text: str


@dataclass(frozen=True)
class Grasp:
    """A grasp in the frame of the camera's pose."""

    x: float
    y: float
    z: float
    """Of the finger tips, metres."""

    angle: float
    """Direction in which the fingers close, radians counter-clockwise from +x, in [0, pi)."""

    row: int
    col: int
    score: float
    """Comparable within one picture."""

    width: float
    """Opening of the fingers before the descent, metres."""

    success: float | None
    """Calibrated chance of success; None if the model is not calibrated."""


@dataclass(frozen=True)
class GraspAnswer:
    """Grasps, best first; or why there is nothing to grasp."""

    grasps: tuple[Grasp, ...]
    nothing: Note | None
    constrained: bool | None
    on_seen_material: bool | None
    notes: tuple[Note, ...]
    model: Mapping[str, str]
    seconds: Mapping[str, float]
    picture: str | None
    """PNG in base64."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """The answer in plain values."""
        nothing = values["nothing"]
        return cls(
            grasps=tuple(Grasp(**grasp) for grasp in values["grasps"]),
            nothing=None if nothing is None else Note(**nothing),
            constrained=values["constrained"],
            on_seen_material=values["on_seen_material"],
            notes=tuple(Note(**note) for note in values["notes"]),
            model=values["model"],
            seconds=values["seconds"],
            picture=values.get("picture"),
        )


class GraspClient:
    """One connection to a server, kept open between requests; for one thread."""

    def __init__(self, address: str, token: str | None = None, timeout: float = 30.0) -> None:
        """A client; nothing is connected yet.

        Args:
            address: for instance http://127.0.0.1:8090.
            token: of the server, if it has one.
            timeout: seconds for each step of a request.
        """
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"address is {address!r}; give for instance http://127.0.0.1:8090")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=timeout)
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    def grasps(
        self,
        depth: NDArray[np.floating] | NDArray[np.integer],
        intrinsics: Mapping[str, float],
        camera_to_world: NDArray[np.floating],
        options: GraspOptions | None = None,
        mask: NDArray[np.bool_] | None = None,
    ) -> GraspAnswer:
        """The best grasps on one depth picture.

        Args:
            depth: along the optical axis, ``(height, width)``; whole numbers are millimetres, others metres; 0 or NaN
                where nothing was measured.
            intrinsics: fx, fy, cx, cy, width, height, pixels.
            camera_to_world: 4 x 4, metres; camera frame x right, y down, z forward.
            options: which grasps are asked for.
            mask: pixels that may be grasped, ``(height, width)``.

        Raises:
            RequestRefused: the server cannot use the request, or is too busy.
            OSError: it cannot be reached.
        """
        parts: dict[str, bytes] = {
            "depth": _npy(depth),
            "intrinsics": json.dumps(dict(intrinsics)).encode(),
            "camera_to_world": _npy(np.asarray(camera_to_world, dtype=np.float64)),
            **{name: value.encode() for name, value in (options or GraspOptions()).form().items()},
        }
        files = ["depth", "intrinsics", "camera_to_world"]
        if mask is not None:
            parts["mask"] = _npy(np.asarray(mask).astype(np.uint8))
            files.append("mask")
        kind, body = _multipart(parts, files)
        return GraspAnswer.of(self._ask("POST", "/v1/grasps", body, {"Content-Type": kind}))

    def models(self) -> list[dict[str, Any]]:
        """Models that may be asked; errors as of ``grasps``."""
        return self._ask("GET", "/v1/models")["models"]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Any:
        fresh = self._connection.sock is None
        for last in (fresh, True):
            try:
                self._connection.request(method, path, body, {**self._headers, **(headers or {})})
                response = self._connection.getresponse()
                data = response.read()
                break
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self._connection.close()  # the server closes a connection that was idle for long
                if last:
                    raise
            except BaseException:
                self._connection.close()
                raise
        if response.status != 200:
            raise _refused(response.status, data)
        return json.loads(data)


def _refused(status: int, data: bytes) -> RequestRefused:
    try:
        told = json.loads(data)
        return RequestRefused(status, told["code"], told["message"])
    except (ValueError, KeyError, TypeError):
        return RequestRefused(status, "refused", data.decode(errors="replace").strip()[:500])


def _npy(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def _multipart(parts: Mapping[str, bytes], files: list[str]) -> tuple[str, bytes]:
    """Content type and body of a form."""
    boundary = secrets.token_hex(16)
    body = io.BytesIO()
    for name, value in parts.items():
        filename = f'; filename="{name}"\r\nContent-Type: application/octet-stream' if name in files else ""
        body.write(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n\r\n'.encode())
        body.write(value + b"\r\n")
    body.write(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", body.getvalue()
