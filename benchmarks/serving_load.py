"""Latency, throughput and memory of ``grasping-student serve``, over a real socket, with its processor seconds.

Run: python benchmarks/serving_load.py [--latency 200] [--seconds 10] [--memory 1000] [--backend openvino] [--out JSON]
By hand, for memory alone: python benchmarks/serving_load.py --latency 20 --seconds 0 --memory 10000

The clock also depends on other programs of the machine. Therefore processor seconds stand beside it, of the server and
all its processes, and the share of the clock that one busy thread gets while the benchmark runs.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.serving.tabletop import CAMERA, frame_of, tabletop

from grasping_student.serving.client import GraspClient, GraspOptions, RequestRefused

FRAMES = 8
TICKS = os.sysconf("SC_CLK_TCK")


def frames():
    """Pictures of 640 x 480 pixels, six boxes on each."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(FRAMES):
        boxes = [(*random.uniform(-0.13, 0.13, 2), *random.uniform(0.02, 0.06, 2), 0.03) for _ in range(6)]
        frame = frame_of(tabletop(boxes))
        depth = (np.nan_to_num(frame.depth) * 1000.0).round().astype(np.uint16)
        found.append((depth, asdict(CAMERA), frame.camera_to_world))
    return found


@contextmanager
def server(backend: str):
    """The process id and address of a server of the general model, one process for each core."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "grasping_student.cli.main", "serve", "--port", str(port)]
    command += ["--backend", backend, "--max-seconds", "120", "--max-waiting", "64"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stderr.readline()
        if "http://" not in line:
            raise OSError(f"the server did not start: {line}{process.stderr.read()}")
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield process.pid, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def tree(pid: int) -> list[int]:
    """A process and its children."""
    return [pid, *(int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def processor_seconds(pid: int) -> float:
    """Of a process and its children so far."""
    found = 0
    for each in tree(pid):
        values = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        found += int(values[11]) + int(values[12])
    return found / TICKS


def megabytes(pid: int) -> float:
    """Resident memory of a process and its children."""
    pages = sum(int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in tree(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def share_of_a_core() -> float:
    """Processor seconds that a busy thread gets in one second of the clock, now."""
    begun, used = time.perf_counter(), time.thread_time()
    while time.perf_counter() - begun < 0.5:
        pass
    return (time.thread_time() - used) / (time.perf_counter() - begun)


def latency(pid: int, address: str, pictures, count: int) -> dict[str, float]:
    """One client, one request after the other."""
    times, stages = [], {}
    with GraspClient(address, timeout=300.0) as client:
        for index in range(10):
            client.grasps(*pictures[index % FRAMES])
        used = processor_seconds(pid)
        for index in range(count):
            begun = time.perf_counter()
            answer = client.grasps(*pictures[index % FRAMES])
            times.append(time.perf_counter() - begun)
            for stage, seconds in answer.seconds.items():
                stages.setdefault(stage, []).append(seconds)
        used = processor_seconds(pid) - used
    p50, p99 = (1000.0 * float(np.quantile(times, each)) for each in (0.5, 0.99))
    return {
        "requests": count,
        "p50_ms": round(p50, 1),
        "p99_ms": round(p99, 1),
        "fastest_ms": round(1000.0 * min(times), 1),
        "processor_ms": round(1000.0 * used / count, 1),
        "stages_fastest_ms": {stage: round(1000.0 * min(each), 1) for stage, each in stages.items()},
    }


def throughput(pid: int, address: str, pictures, clients: int, seconds: float) -> dict[str, float]:
    """Several clients at once, each asking again as soon as it has its answer."""
    end, done, refused = time.monotonic() + seconds, [0] * clients, [0] * clients

    def ask(number: int) -> None:
        with GraspClient(address, timeout=300.0) as client:
            while time.monotonic() < end:
                try:
                    client.grasps(*pictures[(number + done[number]) % FRAMES], GraspOptions(top=1))
                    done[number] += 1
                except RequestRefused:
                    refused[number] += 1

    begun, used = time.monotonic(), processor_seconds(pid)
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall, used = time.monotonic() - begun, processor_seconds(pid) - used
    return {
        "clients": clients,
        "requests": sum(done),
        "refused": sum(refused),
        "requests_a_second": round(sum(done) / wall, 2),
        "cores_used": round(used / wall, 2),
        "requests_a_processor_second": round(sum(done) / max(used, 1e-9), 2),
    }


def memory(pid: int, address: str, pictures, count: int) -> dict[str, float | list[float]]:
    """Resident memory while requests go by; the first tenth warms up."""
    found = []
    with GraspClient(address, timeout=300.0) as client:
        for index in range(count):
            if index % max(count // 20, 1) == 0:
                found.append(round(megabytes(pid), 1))
            client.grasps(*pictures[index % FRAMES], GraspOptions(top=1))
    found.append(round(megabytes(pid), 1))
    return {"requests": count, "after_a_tenth_mb": found[2], "at_the_end_mb": found[-1], "megabytes": found}


def with_table(page: str, told: dict) -> str:
    """The page of the server with the measured table in its place."""
    one, memory_told = told["latency"], told["memory"]
    stages = ", ".join(f"{stage} {value:g}" for stage, value in one["stages_fastest_ms"].items())
    lines = [
        f"`python benchmarks/serving_load.py`: pictures of {told['picture']}, the general model on "
        f"{told['backend']}, {told['cores']} cores. Other programs used the machine too: a busy thread got "
        f"{min(told['share_of_a_core']):.0%} to {max(told['share_of_a_core']):.0%} of a core, at a load of "
        f"{told['load_average']:g}. Processor times depend less on that than times of the clock.",
        "",
        "| | found | asked, on an idle machine |",
        "|---|---|---|",
        f"| processor time of a request, all processes | {one['processor_ms']:.0f} ms | |",
        f"| one client, p50 of {one['requests']} requests | {one['p50_ms']:.0f} ms | at most 60 ms |",
        f"| one client, p99 | {one['p99_ms']:.0f} ms | at most 150 ms |",
        f"| one client, the fastest request | {one['fastest_ms']:.0f} ms | |",
    ]
    for each in told["throughput"]:
        lines.append(
            f"| clients: {each['clients']}; requests a second | {each['requests_a_second']:g} "
            f"on {each['cores_used']:g} cores: {each['requests_a_processor_second']:g} for each | |"
        )
    lines += [
        f"| memory of all processes after {memory_told['requests'] // 10} requests | "
        f"{memory_told['after_a_tenth_mb']:.0f} MB | |",
        f"| memory after {memory_told['requests']} requests | {memory_told['at_the_end_mb']:.0f} MB | no growth |",
        "",
        f"Shortest time of each stage, ms: {stages}.",
    ]
    before, rest = page.split("<!-- load -->")
    return f"{before}<!-- load -->\n" + "\n".join(lines) + "\n<!-- /load -->" + rest.split("<!-- /load -->")[1]


def main() -> None:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--latency", type=int, default=200, help="requests of one client")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each number of clients")
    parser.add_argument("--memory", type=int, default=1000, help="requests while memory is watched")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "serving_load.json")
    parser.add_argument("--page", type=Path, help="docs/serve.md, to write the table into")
    options = parser.parse_args()
    pictures = frames()
    shares = [share_of_a_core()]
    with server(options.backend) as (pid, address):
        with GraspClient(address) as client:
            (model,) = client.models()
        told = {"backend": model["backend"], "cores": os.cpu_count(), "picture": "640 x 480, 16 bits"}
        told["latency"] = latency(pid, address, pictures, options.latency)
        shares.append(share_of_a_core())
        if options.seconds:
            told["throughput"] = [
                throughput(pid, address, pictures, clients, options.seconds) for clients in (1, 2, 4, 8)
            ]
            shares.append(share_of_a_core())
        if options.memory:
            told["memory"] = memory(pid, address, pictures, options.memory)
            shares.append(share_of_a_core())
    told["share_of_a_core"] = [round(share, 2) for share in shares]
    told["load_average"] = round(os.getloadavg()[0], 1)
    options.out.write_text(json.dumps(told, indent=2) + "\n")
    print(json.dumps(told, indent=2))
    if options.page is not None:
        options.page.write_text(with_table(options.page.read_text(encoding="utf-8"), told), encoding="utf-8")


if __name__ == "__main__":
    main()
