"""How a server begins, reloads, loses workers, is too busy, and stops: no request that it took is lost."""

import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest
from tests.serving.running_server import RunningServer, small_checkpoint

from grasping_student.geometry.workspace import Workspace

pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return small_checkpoint(tmp_path_factory.mktemp("models") / "small")


def test_models_are_loaded_anew_without_a_lost_request(checkpoint, tmp_path):
    folder = small_checkpoint(tmp_path / "model", seed=1)
    found, stop = [], threading.Event()
    with RunningServer(tmp_path / "log", "--model", f"m={folder}", "--backend", "torch", "--workers", 1) as server:

        def ask():
            while not stop.is_set():
                response = server.ask()
                found.append((response.status_code, response.json()["model"]["version"]))

        asking = [threading.Thread(target=ask) for _ in range(2)]
        for thread in asking:
            thread.start()
        small_checkpoint(folder, seed=2)
        server.process.send_signal(signal.SIGHUP)
        first = httpx.get(f"{server.address}/v1/models").json()["models"][0]["version"]
        for _ in range(600):
            if httpx.get(f"{server.address}/v1/models").json()["models"][0]["version"] != first:
                break
            time.sleep(0.1)
        asked = len(found)
        while len(found) < asked + 3:
            time.sleep(0.05)
        stop.set()
        for thread in asking:
            thread.join()
        small_checkpoint(folder, workspace=Workspace(extent=0.5, pixels=120, margin=0.06))
        refused = httpx.post(f"{server.address}/v1/models/reload", timeout=60)
        assert refused.status_code == 409 and "of the workspace" in refused.json()["message"]
        assert server.ask().status_code == 200
    assert {status for status, _ in found} == {200}
    assert found[0][1] == first and len({version for _, version in found}) == 2


def test_told_to_stop_it_finishes_what_it_took(checkpoint, tmp_path):
    answers = []
    with RunningServer(tmp_path / "log", "--model", checkpoint, "--backend", "torch", "--workers", 1) as server:
        threads = [threading.Thread(target=lambda: answers.append(server.ask(picture="1"))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(200):
            if "grasping_requests_inside 3.0" in httpx.get(f"{server.address}/metrics").text:
                break
            time.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert [answer.status_code for answer in answers] == [200] * 3
        assert server.process.wait(60) == 0
        with pytest.raises(httpx.TransportError):
            server.ask()


def test_slow_clients_and_too_many_of_them_are_told_so(checkpoint, tmp_path):
    limits = ("--max-seconds", 3, "--max-waiting", 2)
    with RunningServer(
        tmp_path / "log", "--model", checkpoint, "--backend", "torch", "--workers", 1, *limits
    ) as server:
        slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2)]
        for each in slow:
            head = b"POST /v1/grasps HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=x\r\n"
            each.sendall(head + b"Content-Length: 1000\r\n\r\n--x")
        time.sleep(0.3)
        refused = server.ask()
        assert refused.status_code == 429 and refused.json()["code"] == "too-many"
        assert refused.headers["retry-after"] == "1"
        for each in slow:
            each.settimeout(20)
            assert each.recv(100).startswith(b"HTTP/1.1 408")
            each.close()
        assert server.ask().status_code in (200, 503)  # 503 where this machine is too busy for three seconds


def test_a_model_that_is_missing_ends_with_one_sentence(tmp_path):
    command = [sys.executable, "-m", "grasping_student.cli.main", "serve", "--port", "0"]
    done = subprocess.run([*command, "--model", str(tmp_path / "none")], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert str(tmp_path / "none") in done.stderr and "Traceback" not in done.stderr
    open_to_all = subprocess.run([*command, "--host", "0.0.0.0"], capture_output=True, text=True, timeout=120)
    assert open_to_all.returncode == 2 and "--token" in open_to_all.stderr


def test_a_token_is_wanted_of_everybody_but_those_who_watch_processes(checkpoint, tmp_path):
    token = "a-long-enough-token"
    options = ("--model", checkpoint, "--backend", "torch", "--workers", 1, "--token", token)
    with RunningServer(tmp_path / "log", *options) as server:
        for path in ("/", "/v1/models", "/metrics", "/openapi.json"):
            assert httpx.get(server.address + path).status_code == 401
            assert httpx.get(server.address + path, headers={"Authorization": f"Bearer {token}"}).status_code == 200
        assert server.ask().status_code == 401
        assert httpx.get(f"{server.address}/healthz").status_code == 200
