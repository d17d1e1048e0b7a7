"""Scenes and attempts a second over 1, 2 and 4 workers of a Ray cluster, and what one of them costs whom.

Run: python benchmarks/cluster.py [--episodes 8] [--out JSON] [--page docs/cluster.md]

All nodes are processes of this machine, so more workers than cores cannot help. The costs of an item are therefore
measured apart: processor seconds of its computation, bytes of its result, and seconds that the one process that writes
spends on it. What a thousand workers would need follows from these by division.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.serving_load import share_of_a_core

from grasping_student.collection.collect import EpisodeJob, collect_episode, simulation_of
from grasping_student.collection.configuration import CollectConfig
from grasping_student.datasets.store import DatasetWriter
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.pipeline.executor_base import AHEAD
from grasping_student.pipeline.ray_executor import RayExecutor

WORKERS = (1, 2, 4)
MANY = 1000
NETWORK = 125e6
"""Bytes a second of a network card of 1 Gbit/s."""

KINDS = {
    "scenes": CollectConfig(kind="scenes", per_episode=20),
    "attempts": CollectConfig(kind="attempts", per_episode=20),
}


@contextmanager
def cluster(workers: int) -> Iterator[str]:
    """The address of a cluster of a head without processors and so many nodes of one."""
    from ray.cluster_utils import Cluster

    store = 200 * 2**20
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": store})
    try:
        for _ in range(workers):
            nodes.add_node(num_cpus=1, object_store_memory=store)
        yield nodes.address
    finally:
        nodes.shutdown()


def rate(config: CollectConfig, address: str, workers: int, episodes: int) -> dict[str, float]:
    """Items a second, from the first task to the last append; every worker has computed an episode before."""
    import ray

    jobs = [EpisodeJob(config, make_policy, episode) for episode in range(workers * (1 + episodes))]
    executor, items, written = RayExecutor(address), 0, 0.0
    ray.init(address=address, log_to_driver=False)  # the workers outlive the first map
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            DatasetWriter(Path(folder) / "d", simulation_of(config).workspace) as writer,
        ):
            for _ in executor.map(collect_episode, jobs[:workers]):
                pass
            begun, used = time.perf_counter(), time.process_time()
            for entries in executor.map(collect_episode, jobs[workers:]):
                now = time.perf_counter()
                for entry in entries:
                    writer.append(*entry)
                written += time.perf_counter() - now
                items += len(entries)
            wall, used = time.perf_counter() - begun, time.process_time() - used
    finally:
        ray.shutdown()
    return {
        "workers": workers,
        "items": items,
        "a_second": round(items / wall, 2),
        "write_ms": round(1000.0 * written / items, 3),
        "driver_processor_ms": round(1000.0 * used / items, 3),
    }


def costs(config: CollectConfig, episodes: int) -> dict[str, float]:
    """What one item costs: its worker in processor time, the network in bytes, the disk in bytes."""
    from ray import cloudpickle

    collect_episode(EpisodeJob(config, make_policy, 0))  # imports and compiles
    begun = time.process_time()
    results = [collect_episode(EpisodeJob(config, make_policy, episode)) for episode in range(1, 1 + episodes)]
    used, items = time.process_time() - begun, sum(map(len, results))
    with tempfile.TemporaryDirectory() as folder:
        with DatasetWriter(Path(folder) / "d", simulation_of(config).workspace) as writer:
            for entries in results:
                for entry in entries:
                    writer.append(*entry)
        stored = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    return {
        "compute_ms": round(1000.0 * used / items, 2),
        "result_kb": round(sum(len(cloudpickle.dumps(each)) for each in results) / items / 1000.0, 2),
        "stored_kb": round(stored / items / 1000.0, 2),
        "items_an_episode": round(items / episodes, 1),
    }


def extrapolated(cost: dict[str, float], rates: list[dict[str, float]]) -> dict[str, float]:
    """How many workers each part can keep up with, and what ``MANY`` would ask of it."""
    seconds = cost["compute_ms"] / 1000.0
    write = min(max(each["write_ms"], each["driver_processor_ms"]) for each in rates) / 1000.0
    return {
        "items_a_second": round(MANY / seconds, 1),
        "writer_items_a_second": round(1.0 / write, 1),
        "writer_workers": int(seconds / write),
        "network_mb_a_second": round(MANY / seconds * cost["result_kb"] / 1000.0, 1),
        "network_workers": int(seconds * NETWORK / (1000.0 * cost["result_kb"])),
        "store_gb": round(AHEAD * MANY * cost["items_an_episode"] * cost["result_kb"] / 1e6, 2),
        "disk_mb_a_second": round(MANY / seconds * cost["stored_kb"] / 1000.0, 1),
    }


def measure(episodes: int) -> dict[str, Any]:
    """All numbers of the page."""
    shares, told = [share_of_a_core()], {}
    for kind, config in KINDS.items():
        rates = []
        for workers in WORKERS:
            with cluster(workers) as address:
                rates.append(rate(config, address, workers, episodes))
            shares.append(share_of_a_core())
        cost = costs(config, episodes)
        told[kind] = {"rates": rates, "costs": cost, "extrapolated": extrapolated(cost, rates)}
    return {
        "cores": os.cpu_count(),
        "share_of_a_core": [round(share, 2) for share in shares],
        "load_average": round(os.getloadavg()[0], 1),
        **told,
    }


def with_table(page: str, told: dict[str, Any]) -> str:
    """The page of the cluster with the measured tables in their place."""
    kinds = {kind: told[kind] for kind in KINDS}
    first = {kind: each["rates"][0]["a_second"] for kind, each in kinds.items()}
    lines = [
        f"`python benchmarks/cluster.py`: all nodes on one machine with {told['cores']} cores, the standard family at "
        f"112 px, {KINDS['scenes'].per_episode} items an episode at most. A busy thread got "
        f"{min(told['share_of_a_core']):.0%} of a core before and after at least; the rest is other programs.",
        "",
        "| workers | scenes a second | ratio | attempts a second | ratio |",
        "|---|---|---|---|---|",
    ]
    for row in zip(*(each["rates"] for each in kinds.values()), strict=True):
        cells = [
            f"{found['a_second']:g} | {found['a_second'] / first[kind]:.2f}"
            for kind, found in zip(kinds, row, strict=True)
        ]
        lines.append(f"| {row[0]['workers']} | {' | '.join(cells)} |")
    lines += ["", "| of one item | scene | attempt |", "|---|---|---|"]
    rows = [
        ("processor time of its worker", "costs", "compute_ms", "ms"),
        ("bytes of its result on the network", "costs", "result_kb", "kB"),
        ("bytes in the dataset", "costs", "stored_kb", "kB"),
        (f"items a second of {MANY} workers", "extrapolated", "items_a_second", ""),
        ("items a second that the writer manages", "extrapolated", "writer_items_a_second", ""),
        ("workers until the writer is full", "extrapolated", "writer_workers", ""),
        ("workers until 1 Gbit/s is full", "extrapolated", "network_workers", ""),
        (f"network of {MANY} workers", "extrapolated", "network_mb_a_second", "MB/s"),
        (f"disk of {MANY} workers", "extrapolated", "disk_mb_a_second", "MB/s"),
        (f"results begun ahead by {MANY} workers", "extrapolated", "store_gb", "GB"),
    ]
    for title, part, name, unit in rows:
        values = " | ".join(f"{each[part][name]:g} {unit}".strip() for each in kinds.values())
        lines.append(f"| {title} | {values} |")
    for kind, each in kinds.items():
        full = {
            "the writer": each["extrapolated"]["writer_workers"],
            "the network": each["extrapolated"]["network_workers"],
        }
        least = min(full, key=lambda name: full[name])
        lines += ["", f"With {kind}, {least} is full first, at about {full[least]} workers of such cores."]
    before, rest = page.split("<!-- cluster -->")
    return f"{before}<!-- cluster -->\n" + "\n".join(lines) + "\n<!-- /cluster -->" + rest.split("<!-- /cluster -->")[1]


def main() -> None:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=8, help="for each worker")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "cluster.json")
    parser.add_argument("--page", type=Path, help="docs/cluster.md, to write the tables into")
    options = parser.parse_args()
    told = measure(options.episodes)
    options.out.write_text(json.dumps(told, indent=2) + "\n")
    print(json.dumps(told, indent=2))
    if options.page is not None:
        options.page.write_text(with_table(options.page.read_text(encoding="utf-8"), told), encoding="utf-8")


if __name__ == "__main__":
    main()
