"""The dataset store: durable appends, random reads against raw .npy files, growth to 100 000 attempts, frames import.

Every ratio comes from one run on one disk, both sides in turn. Scenes are the simulator's: clean ones, and dense ones
with depth noise, which compress badly. Run: python benchmarks/store.py [--out FILE.json] [--parts read growth]
Parts that are not run keep their results in FILE.json.
"""

import argparse
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from grasping_student.datasets.importers.frame_folders import find_frames
from grasping_student.datasets.importers.frames import FramesImport, read_frame
from grasping_student.datasets.importers.frames import run as import_frames
from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace, light_workspace, paper_workspace
from grasping_student.perception.depth_files import DepthFormat
from grasping_student.perception.frame_files import FrameFormat
from grasping_student.simulation.families import dense, standard

SCENES = 6
"""Different scenes, each stored many times."""

STORED = 300
READS = 600
SMALL, LARGE = 1_000, 100_000
MANY_FRAMES = 10_000


def simulated_scenes(workspace: Workspace, family: str) -> list[Heightmap]:
    """Scenes of one family."""
    config = replace(standard() if family == "standard" else dense(), workspace=workspace)
    scenes = []
    with SimulationEnvironment(config) as environment:
        for seed in range(SCENES):
            environment.reset(seed)
            scenes.append(environment.observe().heightmap)
    return scenes


def timed(work: Callable[[int], Any], items: Any) -> tuple[np.ndarray, float]:
    """Wall milliseconds of each call, and processor milliseconds a call."""
    wall, cpu = [], time.process_time()
    for item in items:
        start = time.perf_counter()
        work(item)
        wall.append(1000 * (time.perf_counter() - start))
    return np.array(wall), 1000 * (time.process_time() - cpu) / len(wall)


def fsync_alone(folder: Path, size: int) -> dict[str, float]:
    """What the disk itself takes to write and flush as many bytes."""
    data = os.urandom(size)
    with (folder / "raw").open("wb") as file:

        def work(_: int) -> None:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

        wall, _ = timed(work, range(100))
    return {"p50_ms": float(np.percentile(wall, 50)), "p99_ms": float(np.percentile(wall, 99))}


def append(folder: Path) -> dict[str, Any]:
    """Appends that have reached the disk when they return."""
    results = {}
    for pixels, workspace in ((112, light_workspace()), (338, paper_workspace())):
        for family in ("standard", "dense"):
            scenes = simulated_scenes(workspace, family)
            path = folder / f"append-{pixels}-{family}"
            with DatasetWriter(path, workspace) as writer:

                def work(number: int, scenes: list = scenes, writer: DatasetWriter = writer) -> None:
                    keep(writer, scenes[number % SCENES], number)

                wall, cpu = timed(work, range(STORED))
            size = sum(file.stat().st_size for file in path.iterdir()) / STORED
            results[f"{pixels} px, {family}"] = {
                "p50_ms": float(np.percentile(wall, 50)),
                "p99_ms": float(np.percentile(wall, 99)),
                "processor_ms": cpu,
                "kilobytes_each": size / 1000,
                "write_and_fsync_of_as_many_bytes": fsync_alone(folder, int(size)),
            }
    return results


def keep(writer: DatasetWriter, heightmap: Heightmap, number: int, source: str = "script") -> None:
    grasp = PlanarGrasp(number % heightmap.workspace.pixels, 5, 0.01 * number)
    outcome = Outcome.SUCCESS if number % 2 else Outcome.MISSED
    writer.append(
        heightmap,
        Attempt(episode=number // 20, index=number % 20, environment="x", source=source, grasp=grasp, outcome=outcome),
    )


def read(folder: Path) -> dict[str, Any]:
    """Random reads of decoded samples, and the same pixels from a height.npy and an rgb.npy each, both cached."""
    results = {}
    random = np.random.default_rng(0)
    for pixels, workspace in ((112, light_workspace()), (338, paper_workspace())):
        for family in ("standard", "dense"):
            scenes = simulated_scenes(workspace, family)
            path, raw = folder / f"read-{pixels}-{family}", folder / f"raw-{pixels}-{family}"
            raw.mkdir()
            with DatasetWriter(path, workspace, batch=50) as writer:
                for number in range(STORED):
                    keep(writer, scenes[number % SCENES], number)
                    np.save(raw / f"{number}.height.npy", scenes[number % SCENES].height)
                    np.save(raw / f"{number}.rgb.npy", scenes[number % SCENES].rgb)
            dataset = Dataset(path)

            def ours(number: int, dataset: Dataset = dataset) -> None:
                dataset.heightmap(number)

            def theirs(number: int, raw: Path = raw, workspace: Workspace = workspace) -> None:
                height, rgb = (np.load(raw / f"{number}.{name}.npy") for name in ("height", "rgb"))
                Heightmap(height, rgb, workspace)

            order = random.integers(0, STORED, READS)
            timed(ours, order), timed(theirs, order)
            # turn about in small parts, so that whatever else the machine does meets both alike
            turns = [(timed(ours, part), timed(theirs, part)) for part in np.split(np.tile(order, 3), 60)]
            our_wall, raw_wall = (float(np.median([turn[who][0] for turn in turns])) for who in (0, 1))
            our_cpu, raw_cpu = (float(np.median([turn[who][1] for turn in turns])) for who in (0, 1))
            results[f"{pixels} px, {family}"] = {
                "samples_a_second": 1000 / our_wall,
                "npy_samples_a_second": 1000 / raw_wall,
                "ratio_wall": raw_wall / our_wall,
                "ratio_processor": raw_cpu / our_cpu,
            }
            shutil.rmtree(raw)
    return results


def _times_at(path: Path, size: int, scenes: list[Heightmap], seed: int) -> dict[str, float]:
    """Median milliseconds of each kind of work on a dataset of about this size."""
    random, dataset = np.random.default_rng(seed), Dataset(path)
    with DatasetWriter(path) as writer:
        first = writer.next_id
        appends, _ = timed(lambda number: keep(writer, scenes[number % 50], number), range(first, first + 40))
    episodes, ids = random.integers(0, size // 20, 50), random.integers(0, size, 500)
    by_episode, _ = timed(lambda episode: dataset.attempts(episodes=[int(episode)]), episodes)
    by_source, _ = timed(lambda _: dataset.attempts(source="human", success=True), range(50))
    reads, _ = timed(lambda number: dataset.heightmap(int(number)), ids)
    everything, _ = timed(lambda _: dataset.ids(labelled=True), range(2))
    dataset.close()
    return {
        "append_ms": float(np.median(appends)),
        "filter_by_episode_ms": float(np.median(by_episode)),
        "filter_by_source_and_success_ms": float(np.median(by_source)),
        "random_read_ms": float(np.median(reads)),
        "ids_of_everything_ms": float(np.median(everything)),
    }


def growth(folder: Path) -> dict[str, Any]:
    """The same work on datasets of 1 000 and of 100 000 attempts with small pictures, in turn, five rounds."""
    workspace = Workspace(extent=0.12, pixels=16, margin=0.01)
    random = np.random.default_rng(0)
    scenes = [
        Heightmap(
            random.uniform(0, 0.1, workspace.shape).astype(np.float32),
            random.integers(0, 255, (16, 16, 3), dtype=np.uint8),
            workspace,
        )
        for _ in range(50)
    ]
    rounds: dict[int, list[dict[str, float]]] = {SMALL: [], LARGE: []}
    for size in rounds:
        with DatasetWriter(folder / f"growth-{size}", workspace, batch=1000) as writer:
            for number in range(size):
                # 200 grasps of a person among them, whatever the size
                keep(writer, scenes[number % 50], number, "human" if number < 200 else "script")
    for seed in range(5):
        for size, found in rounds.items():
            found.append(_times_at(folder / f"growth-{size}", size, scenes, seed))
    small, large = (
        {name: float(np.median([each[name] for each in found])) for name in found[0]} for found in rounds.values()
    )
    return {"at_1000": small, "at_100000": large, "ratio": {name: large[name] / small[name] for name in small}}


def write_frames(source: Path, count: int, different: int = 200) -> None:
    """Frames of a fixed camera over a cluttered table; every ``different`` ones they are the same again."""
    random = np.random.default_rng(0)
    (source / "depth").mkdir(parents=True)
    (source / "color").mkdir()
    camera = {"fx": 909.0, "fy": 908.0, "cx": 632.0, "cy": 347.0, "width": 1280, "height": 720}
    (source / "camera.json").write_text(json.dumps(camera))
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[2, 3] = 0.8
    np.savetxt(source / "pose.txt", pose)
    for number in range(count):
        names = [source / name / f"{number:05d}.png" for name in ("depth", "color")]
        if number >= different:
            for name in names:
                os.link(name.with_name(f"{number % different:05d}.png"), name)
            continue
        depth = np.full((720, 1280), 0.8)
        for _ in range(40):
            row, col = random.integers(80, 600), random.integers(300, 900)
            depth[row : row + 50, col : col + 50] -= 0.02
        depth += random.normal(0.0, 0.001, depth.shape)
        color = cv2.resize(random.integers(0, 255, (90, 160, 3), dtype=np.uint8), (1280, 720))
        cv2.imwrite(str(names[0]), np.round(depth * 1000).astype(np.uint16))
        cv2.imwrite(str(names[1]), color)


def memory(folder: Path) -> dict[str, Any]:
    """Resident memory of an import of 10 000 frames and its two workers, while it runs."""
    source, samples, ended = folder / "many", [], threading.Event()
    write_frames(source, MANY_FRAMES)

    def watch() -> None:
        while not ended.wait(1.0):
            samples.append(_resident(os.getpid()) / 1e6)

    (watcher := threading.Thread(target=watch)).start()
    start = time.perf_counter()
    report = import_frames(FramesImport(source, folder / "many-imported", depth_unit="mm", workers=2))
    seconds = time.perf_counter() - start
    ended.set()
    watcher.join()
    tenths = [float(np.median(part)) for part in np.array_split(samples, 10)]
    return {
        "frames": report.imported,
        "seconds": seconds,
        "megabytes_in_each_tenth_of_the_time": tenths,
        "last_tenth_over_second": tenths[-1] / tenths[1],
        "load": os.getloadavg()[0],
    }


def _resident(process: int) -> int:
    """Bytes of memory that a process and its children hold; nothing for those that have just ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(_resident(int(child)) for child in children)


def frames(folder: Path) -> dict[str, Any]:
    """1280 x 720 frames, 16-bit PNG depth and PNG colour, to heightmaps in a dataset, two workers."""
    write_frames(source := folder / "frames", count := 200)
    results = {}
    for pixels in (112, 338):
        workspace, files = Workspace(0.45, pixels, 0.06), find_frames(source)[:30]
        read_one = partial(read_frame, source, FrameFormat(DepthFormat("mm")), workspace)
        _, cpu = timed(read_one, files)
        start = time.perf_counter()
        import_frames(FramesImport(source, folder / f"frames-{pixels}", depth_unit="mm", pixels=pixels, workers=2))
        results[f"{pixels} px"] = {
            "frames_a_second": count / (time.perf_counter() - start),
            "workers": 2,
            "processor_ms_a_frame": cpu,
            "load": os.getloadavg()[0],
        }
    return results


PARTS = {"append": append, "read": read, "growth": growth, "frames": frames, "memory": memory}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--folder", type=Path, default=None, help="where to write; the disk that is measured")
    parser.add_argument("--parts", nargs="*", choices=list(PARTS), default=list(PARTS))
    options = parser.parse_args()
    results: dict[str, Any] = {"cores": os.cpu_count(), "load_at_start": os.getloadavg()[0]}
    if options.out is not None and options.out.exists() and options.parts != list(PARTS):
        results = json.loads(options.out.read_text()) | results
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for name in options.parts:
            results[name] = PARTS[name](Path(folder))
            print(json.dumps({name: results[name]}, indent=2), flush=True)
    if options.out is not None:
        options.out.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
