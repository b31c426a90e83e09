"""The metrics of several worker processes are readable while a worker starts."""

import json
import subprocess
import sys

EMPTY = """
import json, os, sys
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.multiprocess import MultiProcessCollector

Counter("seen", "Seen.").inc()
open(os.path.join(os.environ["PROMETHEUS_MULTIPROC_DIR"], "counter_999999.db"), "w").close()  # another worker starts
if "mended" in sys.argv:
    from promotion.serving.metrics import metrics
    metrics()
registry = CollectorRegistry()
MultiProcessCollector(registry)
print(json.dumps([sample.value for metric in registry.collect() if metric.name == "seen" for sample in metric.samples]))
"""


def collected(folder, *words):
    return subprocess.run(
        [sys.executable, "-c", EMPTY, *words],
        env={"PROMETHEUS_MULTIPROC_DIR": str(folder), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_file_that_a_worker_has_just_created_is_read_as_one_without_values(tmp_path):
    assert json.loads(collected(tmp_path, "mended").stdout) == [1.0]


def test_prometheus_client_still_needs_this(tmp_path):
    """Fails when prometheus/client_python#1199 is mended; then remove `_read_empty_files`."""
    assert "struct.error: unpack_from requires a buffer" in collected(tmp_path).stderr
