"""Metadata keys that training saves with a version, and an audit compares with MLflow and the installed libraries."""

from platform import python_version_tuple

METRICS = "metrics"
"""Metrics that training logged, as JSON: name to number."""
TRAINED_WITH = "libraries"
"""Libraries that the version was trained with, as JSON: name to version."""
MLFLOW_VERSION = "mlflow_version"
"""MLflow's version that a version is a copy of, like `toy/2`."""


def python_series() -> str:
    """Return the Python minor version that a pickle depends on: `3.11`."""
    return ".".join(python_version_tuple()[:2])
