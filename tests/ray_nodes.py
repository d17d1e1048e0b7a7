"""A Ray cluster of two nodes on this machine, each with one processor."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

STORE = 80 * 2**20
"""Bytes of a node's store of results: the least that Ray takes, about."""

QUICK = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 5000,
    "health_check_failure_threshold": 2,
}
"""A dead node, which refuses, is found out after a second, a slow one after ten."""


@contextmanager
def two_nodes() -> Iterator:
    """The cluster (``ray.cluster_utils``); ``address`` is that of its head."""
    pytest.importorskip("ray", reason="Ray, the extra 'cluster', is not installed")
    from ray.cluster_utils import Cluster

    handler = signal.getsignal(signal.SIGTERM)  # Ray takes it
    head = {"num_cpus": 1, "object_store_memory": STORE, "_system_config": QUICK}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        cluster.add_node(num_cpus=1, object_store_memory=STORE)
        yield cluster
    finally:
        cluster.shutdown()
        signal.signal(signal.SIGTERM, handler)
