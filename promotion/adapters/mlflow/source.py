"""Copies of models that other people registered in MLflow: which one is meant, and its files."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promotion.adapters.mlflow.runs import TrainingRuns
from promotion.adapters.mlflow.seen import COPIED, if_there, paged
from promotion.errors import Refused, UnknownName
from promotion.interfaces import RegisteredElsewhere

if TYPE_CHECKING:
    from mlflow import MlflowClient

_NAMED = re.compile(r"(?P<name>[^@/:]+)(?:@(?P<alias>[^@/:]+)|/(?P<number>\d{1,9}))?")


def check_form(named: str) -> re.Match[str]:
    """Return the parts of the text that names a version.

    Raises:
        Refused: the text has another form.
    """
    found = _NAMED.fullmatch(named.removeprefix("models:/"))
    if found is None:
        raise Refused(f"Name a model in MLflow as MODEL, MODEL@ALIAS or MODEL/NUMBER, not as '{named}'.")
    return found


def described(client: "MlflowClient", runs: TrainingRuns, named: str) -> RegisteredElsewhere:
    """Return the version that `MODEL`, `MODEL@ALIAS` or `MODEL/NUMBER` names; `MODEL` means `MODEL@champion`.

    Raises:
        UnknownName: there is no such model, alias or version.
    """
    found = check_form(named)
    name, number = found["name"], found["number"]
    model: Any = if_there(lambda: client.get_registered_model(name))
    if model is None:
        known = [one.name for one in paged(client.search_registered_models)]
        raise UnknownName("MLflow model", name, known)
    if number is None:
        aliases, alias = {key: str(value) for key, value in model.aliases.items()}, found["alias"] or "champion"
        if alias not in aliases:
            numbers = ", ".join(f"{name}/{one}" for one in _numbers(client, name)[-12:])
            hint = f"Or name a version by its number: {numbers}." if numbers else "The model has no versions."
            known = [f"{name}@{one}" for one in aliases]
            raise UnknownName("MLflow alias", f"{name}@{alias}", known, hint=hint)
        number = aliases[alias]
    version = if_there(lambda: client.get_model_version(name, number))
    if version is None:
        raise UnknownName("MLflow version", f"{name}/{number}", [f"{name}/{one}" for one in _numbers(client, name)])
    run = runs.found([version.run_id]).get(version.run_id) if version.run_id else None
    return RegisteredElsewhere(
        name=name, number=str(version.version), run_id=version.run_id or None, metrics=dict(run.metrics) if run else {}
    )


def download(client: "MlflowClient", uri: str, found: RegisteredElsewhere, folder: Path) -> Path:
    """Download the files of a version from the MLflow at `uri` into a folder; returns the folder of the model in it."""
    from mlflow.artifacts import download_artifacts

    place = _place(client, found.name, found.number)
    return Path(download_artifacts(artifact_uri=place, dst_path=str(folder), tracking_uri=uri, registry_uri=uri))


def _place(client: "MlflowClient", name: str, number: str) -> str:
    """Return where the files of a version are; MLflow resolves `models:/…` with the settings of the process only."""
    place = str(client.get_model_version_download_uri(name, number))
    if COPIED.fullmatch(place):
        return _place(client, *place.removeprefix("models:/").rsplit("/", 1))
    if place.startswith("models:/"):
        return str(client.get_logged_model(place.removeprefix("models:/")).artifact_location)
    return place


def _numbers(client: "MlflowClient", name: str) -> list[int]:
    def page(page_token: str | None) -> Any:
        quote = '"' if "'" in name else "'"
        return client.search_model_versions(f"name={quote}{name}{quote}", page_token=page_token)

    return sorted(int(one.version) for one in paged(page))
