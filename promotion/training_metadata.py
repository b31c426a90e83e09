"""Names of the metadata that a training leaves with its version, and an audit holds against MLflow and libraries."""

from platform import python_version_tuple

METRICS = "metrics"
"""What the training logged, as JSON: name to number."""
TRAINED_WITH = "libraries"
"""What the version was trained with, as JSON: name of a library to its version."""


def python_series() -> str:
    """`3.11`: what a pickle depends on of the interpreter."""
    return ".".join(python_version_tuple()[:2])
