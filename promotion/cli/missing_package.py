"""A package that this one depends on and that is not installed, as after `pip install --no-deps`."""

import re
from importlib.metadata import PackageNotFoundError, requires

_PACKAGES = {"sklearn": "scikit-learn", "yaml": "pyyaml"}


def missing_package(error: BaseException) -> str:
    """Say which package is missing, and how to install it; empty if the error is about anything else."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    package = _PACKAGES.get(error.name, error.name.replace("_", "-"))
    if package not in _required():
        return ""
    return (
        f"This command needs the package '{package}', which is not installed. Run `pip install registry-flows`, which "
        "installs every package that the commands need."
    )


def _required() -> set[str]:
    try:
        found = requires("registry-flows") or ()
    except PackageNotFoundError:  # run from a folder of sources
        return set()
    return {re.split(r"[^\w.-]", one, maxsplit=1)[0] for one in found}
