"""The server over a real socket: the grasps of ``predict``, one sentence for what is wrong, and nothing lost."""

import base64
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from tests.serving.running_server import RunningServer, npy, small_checkpoint
from tests.serving.tabletop import CAMERA, LIGHT, frame_of, tabletop

from grasping_student.cli.main import main
from grasping_student.geometry.workspace import Workspace
from grasping_student.models.inference import torch_threads
from grasping_student.perception.frame_files import save_frame
from grasping_student.serving.client import GraspClient, GraspOptions, RequestRefused

pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return small_checkpoint(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(scope="module")
def server(checkpoint, tmp_path_factory):
    log = tmp_path_factory.mktemp("server") / "log"
    limits = ("--max-megabytes", 4, "--max-pixels", 500_000, "--max-seconds", 20)
    with RunningServer(log, "--model", checkpoint, "--backend", "torch", "--workers", 2, *limits) as running:
        yield running


def random_frame(random):
    boxes = [(*random.uniform(-0.13, 0.13, 2), *random.uniform(0.02, 0.08, 2), random.uniform(0.02, 0.06))]
    boxes += [(*random.uniform(-0.13, 0.13, 2), *random.uniform(0.02, 0.08, 2), 0.03) for _ in range(5)]
    return frame_of(tabletop(boxes, walls=random.choice([0.0, 0.08])), tilt=random.uniform(0.0, 0.2))


def random_options(random):
    """Fields of the form, and the same for the command line."""
    choices = {
        "region": random.uniform(-0.12, 0.12, 4).round(3).tolist(),
        "closing_angle_degrees": random.uniform(0, 180, 2).round().tolist(),
        "keep_away": [*random.uniform(-0.1, 0.1, 2).round(3).tolist(), 0.03],
        "top": int(random.integers(1, 9)),
        "workspace_center": [0.01, -0.02, 0.0],
        "workspace_yaw": 0.3,
        "level_floor": True,
    }
    names = [name for name in choices if random.random() < 0.35]
    if "workspace_yaw" in names:
        names.append("workspace_center")
    form, command = {}, []
    for name in dict.fromkeys(names):
        value = choices[name]
        form[name] = json.dumps(value)
        command += [f"--{name.replace('_', '-')}", *(value if isinstance(value, list) else [value])]
    return form, [str(each) for each in command if each is not True]


@pytest.mark.parametrize("seed", range(6))
def test_the_server_gives_the_grasps_of_predict_bit_for_bit(server, checkpoint, tmp_path, capsys, seed):
    random = np.random.default_rng(seed)
    frame, (form, command) = random_frame(random), random_options(random)
    save_frame(frame, tmp_path / "scene")
    depth = np.nan_to_num(frame.depth)
    if seed % 3 == 0:
        cv2.imwrite(str(tmp_path / "scene/depth.png"), (depth * 1000).round().astype(np.uint16))
        form["depth"] = (tmp_path / "scene/depth.png").read_bytes()
        command += ["--depth", str(tmp_path / "scene/depth.png"), "--depth-unit", "mm"]
    elif seed % 3 == 1:
        form |= {"depth": frame.depth.astype("<f4").tobytes(), "depth_shape": "480 640"}
        command += ["--depth", str(tmp_path / "scene/depth.npy")]
    else:
        form["depth"] = (tmp_path / "scene/depth.npy").read_bytes()
        command += ["--depth", str(tmp_path / "scene/depth.npy")]
    if random.random() < 0.3:
        mask = np.zeros(frame.depth.shape, np.uint8)
        mask[100:400, 150:450] = 1
        np.save(tmp_path / "mask.npy", mask)
        form["mask"] = npy(mask)
        command += ["--mask", str(tmp_path / "mask.npy")]
    form["camera_to_world"] = (tmp_path / "scene/pose.txt").read_bytes()
    command += ["--intrinsics", str(tmp_path / "scene/camera.json"), "--backend", "torch"]
    command += ["--camera-to-world", str(tmp_path / "scene/pose.txt"), "--model", str(checkpoint)]
    with torch_threads(1):  # as the server's processes
        rc = main(["predict", *command, "--out", str(tmp_path / "out")])
    response = server.ask(**form)
    answer = response.json()
    if rc:
        said = capsys.readouterr().err
        told = answer["nothing"]["text"] if response.status_code == 200 else answer["message"]
        assert response.status_code == (200 if "nothing" in answer else 422)
        assert told.split(";")[0].split("?")[0] in said
        return
    assert response.status_code == 200, answer
    written = json.loads((tmp_path / "out/grasp.json").read_text())
    grasps = [{name: value for name, value in grasp.items() if name != "success"} for grasp in answer["grasps"]]
    assert grasps == [written["grasp"], *written["runners_up"]]
    assert [note["code"] for note in answer["notes"]] == [note["code"] for note in written["warnings"]]
    assert answer["workspace"] == written["workspace"]
    assert answer["model"]["version"] == written["model"]
    assert (answer["constrained"], answer["on_seen_material"]) == (written["constrained"], written["on_seen_material"])
    assert all(grasp["success"] is None for grasp in answer["grasps"]) and answer["nothing"] is None


def test_nothing_here_is_an_answer(server):
    empty = server.ask(depth=npy(frame_of(tabletop(())).depth))
    assert empty.status_code == 200
    assert empty.json()["grasps"] == [] and empty.json()["nothing"]["code"] == "nothing-stands"
    bare = server.ask(region="[-0.02, -0.02, 0, 0]").json()
    assert bare["nothing"]["code"] == "nothing-within-limits" and bare["grasps"] == []
    walled = server.ask(depth=npy(frame_of(tabletop((), walls=0.09)).depth)).json()
    assert walled["nothing"]["code"] == "bin-empty" and "\n" not in walled["nothing"]["text"]


def png(array):
    return cv2.imencode(".png", array)[1].tobytes()


DEPTH = frame_of(tabletop()).depth
TALL = np.full((1000, 600), 0.7, np.float32)
BAD = {
    "no picture": ({"depth": b"what is this"}, 422, "neither a PNG nor .npy"),
    "a JPEG": ({"depth": cv2.imencode(".jpg", np.zeros((480, 640), np.uint8))[1].tobytes()}, 422, "JPEG"),
    "cut off": ({"depth": npy(DEPTH)[:1000]}, 422, "claims"),
    "a cut PNG": ({"depth": png(np.full((480, 640), 700, np.uint16))[:200]}, 422, "cut off"),
    "8 bits": ({"depth": png(np.full((480, 640), 7, np.uint8))}, 422, "uint8 pixels"),
    "pickled": ({"depth": npy(np.array([{"a": 1}], dtype=object))}, 422, "shape"),
    "not a number": ({"depth": npy(np.full((480, 640), np.nan, np.float32))}, 422, "no measurement"),
    "another unit": ({"depth": npy(DEPTH * 1000)}, 422, "too far"),
    "other sizes": ({"depth": npy(DEPTH[:240])}, 422, "is 640 x 240 pixels"),
    "raw without shape": ({"depth": DEPTH.tobytes()}, 422, "depth_shape"),
    "raw of another size": ({"depth": DEPTH.tobytes(), "depth_shape": "10 10"}, 422, "has 400"),
    "three sides": ({"depth": DEPTH.tobytes(), "depth_shape": "1 480 640"}, 422, "depth_shape"),
    "too many pixels": ({"depth": npy(TALL.astype(np.float16)), "depth_unit": "m"}, 413, "at most 500000"),
    "claimed pixels": ({"depth": npy(TALL)[:128] + bytes(64)}, 413, "600 x 1000"),
    "no depth": ({"depth": None}, 422, "lacks depth"),
    "empty": ({"depth": b""}, 422, "depth is empty"),
    "no camera": ({"intrinsics": "not a camera"}, 422, "intrinsics"),
    "no pose": ({"camera_to_world": "1 2 3"}, 422, "camera_to_world"),
    "pose upside down": ({"camera_to_world": "1 0 0 0 0 1 0 0 0 0 1 0.7 0 0 0 1"}, 422, "camera"),
    "unknown field": ({"colour": b"x"}, 422, "no field"),
    "words for numbers": ({"region": "left side"}, 422, "give numbers"),
    "three numbers": ({"region": "0 0 1"}, 422, "region has 3 numbers"),
    "a region outside": ({"region": "1 1 2 2"}, 422, "holds no cell"),
    "an empty region": ({"region": "0 0 0 0.1"}, 422, "holds no cell"),
    "millimetres": ({"keep_away": "10 10 50"}, 422, "were these millimetres"),
    "a mask of another size": ({"mask": png(np.ones((48, 64), np.uint8))}, 422, "the mask is 64 x 48 pixels"),
    "an empty mask": ({"mask": png(np.zeros((480, 640), np.uint8))}, 422, "every pixel is zero"),
    "a mask that is none": ({"mask": b"GIF89a"}, 422, "mask"),
    "no grasps": ({"top": "0"}, 422, "between 1 and 100"),
    "half a grasp": ({"top": "1.5"}, 422, "whole numbers"),
    "a billion grasps": ({"top": "1000000000"}, 422, "between 1 and 100"),
    "uncalibrated": ({"min_success": "0.7"}, 422, "min_success 0.7 needs a model"),
    "no chance": ({"min_success": "7"}, 422, "chance in [0, 1]"),
    "no such model": ({"model": "best"}, 404, "there are small"),
    "no such unit": ({"depth_unit": "cm"}, 422, "depth_unit"),
    "scale of zero": ({"depth_scale": "0"}, 422, "depth scale"),
    "not a flag": ({"picture": "maybe"}, 422, "true or false"),
    "colour of another size": ({"color": png(np.zeros((100, 100, 3), np.uint8))}, 422, "color"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_gets_a_status_and_one_sentence(server, name):
    fields, status, words = BAD[name]
    response = server.ask(**fields)
    told = response.json()
    assert response.status_code == status, told
    assert set(told) == {"code", "message"}
    assert words in told["message"] and "\n" not in told["message"]
    assert "/tmp" not in told["message"] and "/dev/shm" not in told["message"] and "--" not in told["message"]


def test_bodies_that_are_no_form_are_refused(server):
    address = f"{server.address}/v1/grasps"
    assert httpx.post(address, json={"depth": [1]}).status_code == 415
    broken = httpx.post(address, content=b"--x\r\nno", headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert broken.status_code == 422
    nothing = httpx.post(address, content=b"", headers={"Content-Type": "multipart/form-data"})
    assert nothing.status_code == 422 and "multipart" in nothing.json()["message"]
    assert httpx.get(address).status_code == 405
    assert httpx.get(f"{server.address}/nowhere").json()["code"] == "no-such-page"


@pytest.mark.parametrize("declared", [True, False])
def test_half_a_gigabyte_is_refused_and_not_kept(server, declared):
    chunk, count = bytes(1_000_000), 500

    def body():
        for _ in range(count):
            yield chunk

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    if declared:
        headers["Content-Length"] = str(len(chunk) * count)
    before = memory_of(server.process.pid)
    response = httpx.post(f"{server.address}/v1/grasps", content=body(), headers=headers, timeout=60)
    assert response.status_code == 413 and response.json()["code"] == "too-large"
    assert memory_of(server.process.pid) - before < 50


def memory_of(pid):
    """Megabytes in use by a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def children_of(pid):
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def workers_of(server):
    """Processes that compute; the other child watches shared memory."""
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children_of(server.process.pid)}
    return [pid for pid, command in commands.items() if b"spawn_main" in command]


def test_health_metrics_models_and_headers(server):
    server.ask()
    assert httpx.get(f"{server.address}/healthz").text == "ok\n"
    response = httpx.get(f"{server.address}/metrics")
    told = response.text
    assert 'grasping_requests_total{status="200"}' in told
    for stage in ("receive", "parse", "wait", "read", "observe", "score", "choose"):
        assert f'grasping_stage_seconds_count{{stage="{stage}"}}' in told
    assert "grasping_requests_inside 0.0" in told
    assert response.headers["x-frame-options"] == "DENY"
    (model,) = httpx.get(f"{server.address}/v1/models").json()["models"]
    assert model["name"] == "small" and model["backend"] == "torch"
    assert Workspace(**model["workspace"]) == LIGHT


def test_a_worker_that_is_killed_costs_no_answer(server):
    for pid in workers_of(server):
        os.kill(pid, signal.SIGKILL)
    assert server.ask().status_code == 200
    assert not list(Path("/dev/shm").glob("grasping-student-*"))


def test_the_client_gives_what_the_server_gives(server):
    frame = frame_of(tabletop())
    options = GraspOptions(region=(0.0, 0.0, 0.12, 0.12), closing_angle_degrees=(150.0, 30.0), top=3)
    mask = np.zeros(frame.depth.shape, bool)
    mask[:, 200:] = True
    told = server.ask(region="0 0 0.12 0.12", closing_angle_degrees="150 30", top="3", mask=npy(mask)).json()
    with GraspClient(server.address) as client:
        for _ in range(2):  # over one connection
            answer = client.grasps(frame.depth, asdict(CAMERA), frame.camera_to_world, options, mask)
            assert [asdict(grasp) for grasp in answer.grasps] == told["grasps"] != []
        assert answer.constrained == told["constrained"] and answer.model == told["model"]
        whole = client.grasps(
            (np.nan_to_num(frame.depth) * 1000).astype(np.uint16), asdict(CAMERA), frame.camera_to_world
        )
        assert whole.grasps
        empty = client.grasps(frame_of(tabletop(())).depth, asdict(CAMERA), frame.camera_to_world)
        assert empty.grasps == () and empty.nothing.code == "nothing-stands"
        with pytest.raises(RequestRefused, match="422 unusable: the request") as refused:
            client.grasps(frame.depth, asdict(CAMERA), frame.camera_to_world, GraspOptions(region=(1.0,)))
        assert refused.value.status == 422
        assert client.models()[0]["name"] == "small"


def test_the_client_needs_no_torch():
    words = "import sys, grasping_student.serving.client; print({'torch', 'cv2', 'httpx'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_drawing_is_added_where_it_is_asked_for(server):
    picture = base64.b64decode(server.ask(picture="true").json()["picture"])
    assert cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).shape[0] > 400
