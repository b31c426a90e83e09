"""Compare the installed libraries with those that trained the serving and waiting versions."""

import json
from collections.abc import Collection, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

from promotion.findings import Code, Finding, finding
from promotion.interfaces import Stored
from promotion.ledger.state import State
from promotion.training_metadata import TRAINED_WITH, python_series
from promotion.vocabulary import Stage


def check_libraries(
    state: State, stored: Mapping[str, Stored], only: Collection[str] | None = None
) -> Iterator[Finding]:
    """Check that the champion and waiting versions were trained with the libraries installed here.

    `only` names the versions that are checked; None for all.
    """
    for tag in (*state.in_stage(Stage.PROD), *state.in_stage(Stage.STAGING)):
        if tag not in stored or (only is not None and tag not in only):
            continue
        then = _read(stored[tag].metadata.get(TRAINED_WITH))
        differing = {name: used for name, used in sorted(then.items()) if _installed(name) != used}
        if differing:
            yield finding(
                Code.LIBRARIES,
                tag,
                f"{_sentence(differing)}, as in training",
                f"{_sentence({name: _installed(name) or 'not installed' for name in differing})} here",
                "Install the versions from training where the model is judged and served "
                "(`pip install 'NAME==VERSION'`), or retrain.",
            )


def _read(text: object) -> Mapping[str, str]:
    try:
        found = json.loads(str(text)) if text else {}
    except ValueError:  # the digest of the version reports that
        found = {}
    return {str(name): str(used) for name, used in found.items()} if isinstance(found, dict) else {}


def _installed(name: str) -> str | None:
    if name == "python":
        return python_series()
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _sentence(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {used}" for name, used in versions.items())
