"""Metrics of the server, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the histograms' bins."""


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter("grasping_requests_total", "Answers, by status", ["status"], registry=self._registry)
        self._refusals = Counter(
            "grasping_refusals_total", "Requests without an answer, by reason", ["reason"], registry=self._registry
        )
        self._nothing = Counter(
            "grasping_nothing_total", "Answers without a grasp, by reason", ["reason"], registry=self._registry
        )
        self._request_seconds = Histogram(
            "grasping_request_seconds", "From the headers to the answer", registry=self._registry, buckets=SECONDS
        )
        self._stage_seconds = Histogram(
            "grasping_stage_seconds", "Time of one stage", ["stage"], registry=self._registry, buckets=SECONDS
        )
        self.inside = Gauge("grasping_requests_inside", "Requests that are being answered", registry=self._registry)
        self._reloads = Counter("grasping_reloads_total", "Reloads of the models", ["result"], registry=self._registry)

    def answered(self, status: int, seconds: float) -> None:
        """Count one answer to POST /v1/grasps."""
        self._requests.labels(str(status)).inc()
        self._request_seconds.observe(seconds)

    def refused(self, reason: str) -> None:
        """Count a refusal by the code of its reason."""
        self._refusals.labels(reason).inc()

    def nothing(self, reason: str) -> None:
        """Count an answer without grasps by the code of its reason."""
        self._nothing.labels(reason).inc()

    def stages(self, seconds: Mapping[str, float]) -> None:
        """Record the time of stages, seconds."""
        for stage, duration in seconds.items():
            self._stage_seconds.labels(stage).observe(duration)

    def reloaded(self, well: bool) -> None:
        """Count a reload of the models."""
        self._reloads.labels("done" if well else "refused").inc()

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self._registry)
