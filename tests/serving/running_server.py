"""A server in a process of its own, as users start it, and requests as curl sends them."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict

import httpx
import numpy as np
from tests.serving.tabletop import CAMERA, frame_of, tabletop

from grasping_student.geometry.workspace import Workspace
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def small_checkpoint(folder, seed=0, workspace=None):
    network = NetworkConfig(widths=(4, 4))
    GraspModel.new(ModelConfig(network=network, workspace=workspace or Workspace()), seed).save(folder)
    return folder


class RunningServer:
    """``grasping-student serve`` with options, ready when it was entered."""

    def __init__(self, log, *options):
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._log = log
        self._command = [sys.executable, "-m", "grasping_student.cli.main", "serve", "--port", str(self.port)]
        self._command += map(str, options)

    def __enter__(self):
        self.process = subprocess.Popen(self._command, stderr=self._log.open("w"), env={**os.environ})
        for _ in range(1200):
            assert self.process.poll() is None, self._log.read_text()
            try:
                if httpx.get(f"{self.address}/readyz").status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(self._log.read_text())

    def __exit__(self, *error):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self._log.read_text()
        told = self._log.read_text()
        assert "Traceback" not in told, told

    def ask(self, **form):
        """One request; bytes are files, None leaves a usual field out."""
        fields = {**usual_form(), **form}
        parts = {name: (name if isinstance(value, bytes) else None, value) for name, value in fields.items()}
        files = {name: part for name, part in parts.items() if part[1] is not None}
        return httpx.post(f"{self.address}/v1/grasps", files=files, timeout=120)


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


_scene = frame_of(tabletop())


def usual_form():
    """Two boxes on a table."""
    return {
        "depth": npy(_scene.depth),
        "intrinsics": json.dumps(asdict(CAMERA)),
        "camera_to_world": " ".join(map(repr, _scene.camera_to_world.ravel().tolist())),
    }
