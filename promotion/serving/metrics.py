"""Prometheus metrics of what serves. In several worker processes they have a label `pid`, or add up."""

import os
from functools import cache
from pathlib import Path
from typing import Any

_SCORES = tuple(place / 20 for place in range(1, 20))
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """The metrics of this process; create them once, by `metrics`."""

    def __init__(self) -> None:
        from prometheus_client import Counter, Gauge, Histogram

        def gauge(name: str, what: str, *labels: str) -> Any:
            return Gauge(f"promotion_{name}", what, ["model", *labels], multiprocess_mode="liveall")

        self.served = gauge("served", "1 for the version that this worker serves.", "tag")
        self.since = gauge("served_since_timestamp_seconds", "When this worker began to serve its version.")
        self.confirmed = gauge("ledger_timestamp_seconds", "When the ledger last said which version must serve.")
        self.behind = gauge("behind", "1 while this worker serves another version than the ledger's champion.")
        self.swaps = Counter("promotion_swaps", "Champions that began to serve.", ["model"])
        self.failures = Counter(
            "promotion_failures", "Champions that could not be loaded, by error.", ["model", "error"]
        )
        self.load = Histogram("promotion_load_seconds", "Time to verify and load a champion.", ["model"])
        self.warm_up = Histogram("promotion_warm_up_seconds", "Time to score the sample rows.", ["model"])
        self.latency = Histogram(
            "promotion_request_seconds", "Time that a request held a champion.", ["model"], buckets=_SECONDS
        )
        self.scores = Histogram("promotion_score", "Scores that were answered.", ["model"], buckets=_SCORES)


@cache
def metrics() -> Metrics:
    """Return the metrics of this process. BentoML sets up prometheus_client before it creates a service."""
    _read_empty_files()
    _forget_killed_workers()
    return Metrics()


def _read_empty_files() -> None:
    """Let `/metrics` read a file that another worker has just created and not filled yet, as one without values.

    Otherwise prometheus_client raises an error (prometheus/client_python#1199), and BentoML leaves the request without
    an answer for a minute (bentoml/BentoML#5670).
    """
    from prometheus_client.mmap_dict import MmapedDict

    read = MmapedDict.read_all_values_from_file

    def read_if_filled(filename: str) -> Any:
        return read(filename) if Path(filename).stat().st_size else iter(())  # type: ignore[no-untyped-call]

    MmapedDict.read_all_values_from_file = staticmethod(read_if_filled)  # type: ignore[method-assign]


def _forget_killed_workers() -> None:
    """Delete the gauges of processes that have ended: a worker that was killed cannot do so itself."""
    from prometheus_client.multiprocess import mark_process_dead

    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    for file in Path(folder).glob("gauge_live*_*.db") if folder else ():
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            mark_process_dead(int(pid))  # type: ignore[no-untyped-call]
