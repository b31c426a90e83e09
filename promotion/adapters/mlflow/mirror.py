"""The mirror in MLflow: model versions with descriptions and tags, aliases, and the decisions in the training runs.

Every operation is idempotent. Other content of MLflow (other people's versions, tags and aliases) is not changed.
"""

import importlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from promotion.adapters.mlflow import source
from promotion.adapters.mlflow.connection import as_mirror_error, check_address, connect, is_yet_to_be_made, status_of
from promotion.adapters.mlflow.description import described
from promotion.adapters.mlflow.runs import TrainingRuns
from promotion.adapters.mlflow.seen import (
    COPIED,
    DIGEST,
    HEAD,
    STAGE,
    TAG,
    if_there,
    logged_model,
    made_of,
    noting,
    paged,
)
from promotion.interfaces import MirrorRun, MirrorState, MirrorVersion, Names, Pushed, RegisteredElsewhere
from promotion.timeouts import go_on, in_time

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

_FEW_TAGS = 10
_NOT_TAKEN = {400, 404}  # for a source that MLflow rejects
T = TypeVar("T")


class MlflowMirror:
    """The `Mirror` in the MLflow at a tracking URI; MLflow is imported and contacted on first use.

    Args:
        uri: tracking URI of MLflow.
        home: the only folder that is created for MLflow's database if missing.
    """

    def __init__(self, uri: str, home: Path | None = None) -> None:
        self.uri, self._home = uri, home
        self._connected: MlflowClient | None = None
        self._runs = TrainingRuns(lambda: self._client)

    def push(self, state: MirrorState) -> Pushed:
        """Send the state, its head last, unless a later one was already sent.

        Decisions of lost runs are skipped, and aliases that someone else moved are not changed. If MLflow refuses an
        item, the others are still sent, but not the head, so the item is tried again.
        """
        return self._asked(lambda: self._push(state))

    def _push(self, state: MirrorState) -> Pushed:
        refusals = dict[str, str]()
        self._ensure_model(state.model)
        sent = self.head(state.model)
        if state.outdated(sent):
            return Pushed()
        numbers = self._send_versions(state, refusals)
        foreign = self._send_aliases(state, numbers, state.since(sent), refusals)
        lost = self._runs.send(state.decisions, refusals)
        if not refusals:
            self._send_head(state)
        return Pushed(lost=lost, foreign=foreign, refused=refusals)

    def registered_elsewhere(self, named: str) -> RegisteredElsewhere:
        """Return the version that `MODEL[@ALIAS|/NUMBER]` names; `MODEL` means `MODEL@champion`."""
        source.check_form(named)
        return self._asked(lambda: source.described(self._client, self._runs, named))

    def download(self, found: RegisteredElsewhere, folder: Path) -> Path:
        """Download the files of a version into a folder, however long that takes; returns the model's folder in it."""
        way_out = "Nothing was changed. Check that MLflow's artifact store has its files and can be reached from here."
        failed = f"{_literal(str(found))} could not be downloaded from MLflow at {{place}} ({{why}})."
        with as_mirror_error(self.uri, f"{failed} {way_out}"):
            return source.download(self._client, self.uri, found, folder)

    def aliases(self, model: str) -> Mapping[str, str]:
        """Return alias to tag; for a version not from this ledger, to MLflow's own number for it, such as `toy/2`."""
        return self._asked(lambda: self._named(model))

    def stages(self, model: str) -> Mapping[str, str]:
        """Return tag to stage."""
        return self._asked(lambda: {tag: version.tags.get(STAGE, "") for tag, version in self._ours(model)})

    def head(self, model: str) -> tuple[int, str] | None:
        """Return `seq` and hash of the last entry sent, from a tag of the registered model; None if there is none."""
        seq, _, entry_hash = self._asked(lambda: self._tags(model)).get(HEAD, "").partition(":")
        return (int(seq), entry_hash) if seq.isdecimal() and int(seq) else None

    def runs(self, run_ids: Collection[str]) -> Mapping[str, MirrorRun]:
        """Return the runs with these ids; for many, the runs of their experiment are read in pages, newest first."""
        return self._asked(lambda: self._runs.found(run_ids))

    def metrics(self, run_id: str, names: Iterable[str], seq: int) -> Mapping[str, float]:
        """Return the metrics logged to a run at step `seq`, the last value of each; missing ones are omitted."""
        return self._asked(lambda: self._runs.metrics(run_id, names, seq))

    @property
    def _client(self) -> "MlflowClient":
        go_on()
        if self._connected is None:
            self._connected = connect(self.uri, self._home)
        return self._connected

    def _asked(self, work: Callable[[], T]) -> T:
        """Return the result of a query, within the caller's time limit, if any; importing MLflow does not count."""
        with as_mirror_error(self.uri, "A request to MLflow at {place} failed ({why})."):
            check_address(self.uri)
            if not is_yet_to_be_made(self.uri, self._home):
                importlib.import_module("mlflow")
            return in_time(work)

    def _ensure_model(self, model: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _ours(self, model: str, tags: Collection[str] = ()) -> list[tuple[str, "ModelVersion"]]:
        """Return the versions from this ledger, by tag, the newest first, without copies that people made of them.

        Returns at least those with the given tags, or all if none is given. Asks for a few tags one by one.
        """
        each = [f" and tags.`{TAG}` = '{tag}'" for tag in tags] if 0 < len(tags) <= _FEW_TAGS else [""]
        sent = [one for which in each for one in self._versions(model, which) if _is_ours(one)]
        return [(one.tags[TAG], one) for one in sorted(sent, key=lambda one: -int(one.version))]

    def _versions(self, model: str, which: str) -> Iterator["ModelVersion"]:
        if is_yet_to_be_made(self.uri, self._home):
            return iter(())
        return paged(partial(self._client.search_model_versions, f"name='{model}'{which}", max_results=1000))

    def _named(self, model: str) -> dict[str, str]:
        return {alias: self._name(model, str(number)) for alias, number in self._aliases(model).items()}

    def _name(self, model: str, number: str) -> str:
        found = if_there(lambda: self._client.get_model_version(model, number))
        return str(found.tags[TAG]) if found and _is_ours(found) else f"{model}/{number}"

    def _aliases(self, model: str) -> dict[str, Any]:
        found = self._registered(model)
        return dict(found.aliases) if found else {}

    def _tags(self, model: str) -> dict[str, str]:
        found = self._registered(model)
        return dict(found.tags) if found else {}

    def _registered(self, model: str) -> "RegisteredModel | None":
        if is_yet_to_be_made(self.uri, self._home):
            return None
        return if_there(lambda: self._client.get_registered_model(model))

    def _send_versions(self, state: MirrorState, refusals: dict[str, str]) -> dict[str, Any]:
        """Create missing versions and correct different ones; return MLflow's number for each tag that it accepts."""
        tags = [str(wanted.tag) for wanted in state.versions]
        present = self._one_for_each(state.model, tags)
        missing = [wanted for wanted in state.versions if wanted.stage and str(wanted.tag) not in present]
        for wanted in missing:
            with noting(refusals, str(wanted.tag)):
                self._create_version(state.model, wanted)
        if missing:
            present = self._one_for_each(state.model, tags)
        shown = [(wanted, present[str(wanted.tag)]) for wanted in state.versions if str(wanted.tag) in present]
        for wanted, version in shown:
            if version.tags.get(STAGE) != wanted.standing:
                self._client.set_model_version_tag(state.model, str(version.version), STAGE, wanted.standing)
            with noting(refusals, str(wanted.tag)):
                self._describe(version, wanted)
        return {str(wanted.tag): version.version for wanted, version in shown}

    def _describe(self, version: "ModelVersion", wanted: MirrorVersion) -> None:
        """Update the description if it differs; keeps the text that other people wrote."""
        if wanted.description is None:
            return
        text = described(version.description, wanted.description)
        if text != (version.description or ""):
            self._client.update_model_version(version.name, str(version.version), text)

    def _one_for_each(self, model: str, tags: Collection[str]) -> dict[str, "ModelVersion"]:
        """Return one version for each of these tags; if there are two, by two senders at once, delete the later."""
        found: dict[str, ModelVersion] = {}
        for tag, version in reversed(self._ours(model, tags)):
            first = found.setdefault(tag, version)
            if first is not version and made_of(version) == made_of(first):
                self._delete_version(model, str(version.version))
        return found

    def _delete_version(self, model: str, number: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.delete_model_version(model, number)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":  # the other sender was faster
                raise

    def _create_version(self, model: str, wanted: MirrorVersion) -> None:
        """Create a version that points to the model logged by its run, or to its Bento folder if the run logged none.

        A server accepts neither a folder nor a deleted model; such a version points to its name in the store. A copy of
        a version of this model gets its number: that version is marked as ours.
        """
        if wanted.origin and self._mark(model, wanted):
            return
        run = self._runs.get(wanted.run_id) if wanted.run_id else None
        logged = logged_model(run)
        folder = f"models:/{logged}" if logged else wanted.path.resolve().as_uri()
        try:
            self._create(model, wanted, folder, run_id=wanted.run_id if run else None, model_id=logged)
        except Exception as error:
            if status_of(error) not in _NOT_TAKEN:
                raise
            name = f"bentoml:/models/{wanted.tag.model}/{wanted.tag.version}"
            self._create(model, wanted, name, run_id=wanted.run_id if run else None)

    def _mark(self, model: str, wanted: MirrorVersion) -> bool:
        """Mark the MLflow version that a person adopted as ours; return False if this model has no such version."""
        name, _, number = str(wanted.origin).rpartition("/")
        found = if_there(lambda: self._client.get_model_version(name, number)) if name == model else None
        if found is None or COPIED.fullmatch(found.source or ""):
            return False
        for key, value in ((STAGE, wanted.standing), (DIGEST, wanted.digest), (TAG, str(wanted.tag))):
            self._client.set_model_version_tag(model, number, key, value)
        return True

    def _create(self, model: str, wanted: MirrorVersion, source: str, **trained_by: str | None) -> None:
        self._client.create_model_version(
            model,
            source=source,
            tags={TAG: str(wanted.tag), STAGE: wanted.standing, DIGEST: wanted.digest},
            description=described(None, wanted.description) if wanted.description else None,
            await_creation_for=0,  # otherwise MLflow polls for up to five minutes if the answer is invalid
            **trained_by,
        )

    def _send_aliases(
        self, state: MirrorState, numbers: Mapping[str, Any], sent: int, refused: Collection[str]
    ) -> Names:
        """Move the aliases that may be moved; return the foreign ones with their targets."""
        moves, foreign = state.aliases.settle(self.aliases(state.model), sent)
        for alias, tag in moves.items():
            if tag is None:
                self._client.delete_registered_model_alias(state.model, alias)
            elif str(tag) not in refused:
                self._client.set_registered_model_alias(state.model, alias, str(numbers[str(tag)]))
        return foreign

    def _send_head(self, state: MirrorState) -> None:
        """Record the end of the chain, so that a truncated ledger is detected."""
        seq, entry_hash = state.head
        self._client.set_registered_model_tag(state.model, HEAD, f"{seq}:{entry_hash}")


def _is_ours(version: "ModelVersion") -> bool:
    """Return whether a version is from this ledger, and no copy that people made of one."""
    return TAG in version.tags and not COPIED.fullmatch(version.source or "")


def _literal(text: str) -> str:
    """Return a text as a template that `str.format` leaves as it is."""
    return text.replace("{", "{{").replace("}", "}}")
