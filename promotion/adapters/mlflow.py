"""The mirror in MLflow: registered model versions, the aliases `champion`, `challenger` and `previous`, tags, metrics.

Everything sent may be sent again. What MLflow shows beyond that (other people's versions, tags and aliases) is left
alone.
"""

import os
import re
import tempfile
import textwrap
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promotion.errors import MirrorError
from promotion.seams import MirrorDecision, MirrorRun, MirrorState, MirrorVersion, Names, Pushed
from promotion.secrets import without_password

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

TAG, STAGE, DIGEST, HEAD = "promotion.tag", "promotion.stage", "promotion.digest", "promotion.head"
_COPIED = re.compile(r"models:/[^/]+/[^/]+")  # the source of a copy, which takes the tags of its original along
_FEW_RUNS = 20
_DATABASE = re.compile(r"sqlite(?:\+\w+)?:///(?!:memory:|file:)([^?]+)(?:\?.*)?")


def connect(uri: str, home: Path | None = None) -> "MlflowClient":
    """A client that gives up within seconds; MLflow's own patience lets a command hang for minutes and say nothing.

    Args:
        uri: of MLflow.
        home: the only folder that is made for MLflow's database where it is not there.

    Raises:
        MirrorError: the database is a file that is not there, and must not or cannot be made.
    """
    if is_yet_to_be_made(uri, home):
        _make(uri)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")  # it tells of every table that it creates
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def is_yet_to_be_made(uri: str, home: Path | None = None) -> bool:
    """Whether MLflow's database is a file that is not there yet: whoever only looks shall not make it.

    Args:
        uri: of MLflow.
        home: the only folder that may be missing too. A missing folder elsewhere may be a share that is not mounted,
            and the database on it may know a champion.

    Raises:
        MirrorError: the file is not there, and must not or cannot be made.
    """
    named = _DATABASE.fullmatch(uri)
    if named is None or (file := Path(named[1]).absolute()).exists():
        return False
    place, folder = without_password(uri), next(one for one in file.parents if one.exists())
    if file.parent not in {folder, home}:
        message = (
            f"MLflow at {place} cannot be reached: there is no folder {file.parent}. Mount it; or make it, if this "
            "MLflow is to be a new one."
        )
        raise MirrorError(message)
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError as error:
        message = (
            f"MLflow at {place} cannot be reached: it is not there, and {folder} takes no file ({error.strerror})."
        )
        raise MirrorError(message) from error


def _make(uri: str) -> None:
    """Make the database's file with the modes of this user's umask; SQLite's own let nobody else write to it."""
    named = _DATABASE.fullmatch(uri)
    assert named is not None  # noqa: S101 - it is a file that is yet to be made
    with suppress(OSError):  # which MLflow then tells of
        Path(named[1]).absolute().parent.mkdir(exist_ok=True)
        Path(named[1]).absolute().touch(0o666)


def in_short(error: Exception) -> str:
    """The first line of an error without passwords; of a long one what fits into 200 characters, in whole words."""
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    fitting, *more = textwrap.wrap(without_password(first), 200, break_on_hyphens=False)
    return f"{fitting} …" if more else fitting


class MlflowMirror:
    """The `Mirror` in the MLflow at a tracking URI; MLflow is imported and reached at the first use.

    Args:
        uri: of MLflow.
        home: the only folder that is made for MLflow's database where it is not there.
    """

    def __init__(self, uri: str, home: Path | None = None) -> None:
        self.uri, self._home = uri, home
        self._connected: MlflowClient | None = None

    def push(self, state: MirrorState) -> Pushed:
        """Send the state, its head last, unless a later one was sent already.

        What belongs to lost runs is left out, and an alias that somebody else moved stays as it is.

        Raises:
            MirrorError: it could not be sent whole, and may be sent again; or what was sent before is not in the
                ledger any more, and nothing was changed.
        """
        with self._errors():
            self._ensure_model(state.model)
            sent = self.head(state.model)
            if state.outdated(sent):
                return Pushed()
            numbers = self._send_versions(state)
            foreign = self._send_aliases(state, numbers, state.since(sent))
            lost = dict.fromkeys(one.run_id for one in state.decisions if not self._send_decision(one))
            self._send_head(state)
        return Pushed(lost=tuple(lost), foreign=foreign)

    def aliases(self, model: str) -> Mapping[str, str]:
        """Alias to tag; an alias on a version that is none of ours maps to MLflow's own number for it, as `toy/2`."""
        with self._errors():
            found = self._aliases(model)
            known = {str(one.version): tag for tag, one in self._ours(model)} if found else {}
        return {alias: known.get(str(number), f"{model}/{number}") for alias, number in found.items()}

    def stages(self, model: str) -> Mapping[str, str]:
        """Tag to stage."""
        with self._errors():
            return {tag: version.tags.get(STAGE, "") for tag, version in self._ours(model)}

    def head(self, model: str) -> tuple[int, str] | None:
        """`seq` and hash of the last entry sent, kept as the registered model's tag; None where there is none."""
        with self._errors():
            seq, _, entry_hash = self._tags(model).get(HEAD, "").partition(":")
        return (int(seq), entry_hash) if seq.isdecimal() and int(seq) else None

    def runs(self, run_ids: Collection[str]) -> Mapping[str, MirrorRun]:
        """The runs of these ids; of many at once, those of their experiment are read a page at a time, newest first."""
        found, wanted = dict[str, MirrorRun](), set(run_ids)
        with self._errors():
            for run_id in run_ids:
                run = self._run(run_id) if run_id in wanted else None
                wanted.discard(run_id)
                if run is None:
                    continue
                found[run_id] = _as_seen(run)
                beside = self._runs_of(str(run.info.experiment_id)) if len(wanted) > _FEW_RUNS else iter(())
                while wanted and (other := next(beside, None)):
                    if other.info.run_id in wanted:
                        wanted.discard(other.info.run_id)
                        found[other.info.run_id] = _as_seen(other)
        return found

    def metrics(self, run_id: str, names: Iterable[str], seq: int) -> Mapping[str, float]:
        """The metrics that stand in a run at step `seq`; of one logged twice the last; those not found are left out."""
        with self._errors():
            histories = {name: self._client.get_metric_history(run_id, name) for name in names}
        found = {name: [point.value for point in points if point.step == seq] for name, points in histories.items()}
        return {name: values[-1] for name, values in found.items() if values}

    def _run(self, run_id: str) -> "Run | None":
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_run(run_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    def _runs_of(self, experiment: str) -> Iterator["Run"]:
        from mlflow.entities import ViewType

        token: str | None = None
        while True:
            page = self._client.search_runs([experiment], "", ViewType.ALL, max_results=1000, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    @property
    def _client(self) -> "MlflowClient":
        if self._connected is None:
            self._connected = connect(self.uri, self._home)
        return self._connected

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except MirrorError:
            raise
        except Exception as error:  # MLflow lets requests', SQLAlchemy's and its own exceptions through
            message = f"MLflow at {without_password(self.uri)} did not take or give what was asked ({in_short(error)})."
            raise MirrorError(message) from error

    def _ensure_model(self, model: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _ours(self, model: str) -> list[tuple[str, "ModelVersion"]]:
        """The versions that we sent, by tag, the newest first; a person's copy of one is the person's."""
        sent = [one for one in self._versions(model) if TAG in one.tags and not _COPIED.fullmatch(one.source or "")]
        return [(one.tags[TAG], one) for one in sorted(sent, key=lambda one: -int(one.version))]

    def _versions(self, model: str) -> Iterator["ModelVersion"]:
        if is_yet_to_be_made(self.uri, self._home):
            return
        token: str | None = None
        while True:
            page = self._client.search_model_versions(f"name='{model}'", max_results=1000, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _aliases(self, model: str) -> dict[str, Any]:
        found = self._registered(model)
        return dict(found.aliases) if found else {}

    def _tags(self, model: str) -> dict[str, str]:
        found = self._registered(model)
        return dict(found.tags) if found else {}

    def _registered(self, model: str) -> "RegisteredModel | None":
        if is_yet_to_be_made(self.uri, self._home):
            return None
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_registered_model(model)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    def _send_versions(self, state: MirrorState) -> dict[str, Any]:
        """Create what is missing, correct what differs; return MLflow's number for each tag."""
        present = self._one_for_each(state.model)
        missing = [wanted for wanted in state.versions if wanted.stage and str(wanted.tag) not in present]
        for wanted in missing:
            self._create_version(state.model, wanted)
        if missing:
            present = self._one_for_each(state.model)
        shown = [(wanted, present[str(wanted.tag)]) for wanted in state.versions if str(wanted.tag) in present]
        for wanted, version in shown:
            if version.tags.get(STAGE) != wanted.standing:
                self._client.set_model_version_tag(state.model, str(version.version), STAGE, wanted.standing)
        return {str(wanted.tag): version.version for wanted, version in shown}

    def _one_for_each(self, model: str) -> dict[str, "ModelVersion"]:
        """Our versions by tag. What two senders created at the same time is there twice: all delete the later one."""
        found: dict[str, ModelVersion] = {}
        for tag, version in reversed(self._ours(model)):
            first = found.setdefault(tag, version)
            if first is not version and _made(version) == _made(first):
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
        """A version that points to the model logged by its run; to its Bento folder when it has none."""
        run = self._run(wanted.run_id) if wanted.run_id else None
        logged = _logged_model(run)
        self._client.create_model_version(
            model,
            source=f"models:/{logged}" if logged else wanted.path.resolve().as_uri(),
            run_id=wanted.run_id if run else None,
            model_id=logged,
            tags={TAG: str(wanted.tag), STAGE: wanted.standing, DIGEST: wanted.digest},
            await_creation_for=0,  # else MLflow polls for five minutes where an answer makes no sense
        )

    def _send_aliases(self, state: MirrorState, numbers: Mapping[str, Any], sent: int) -> Names:
        """Move those that are ours to move; the others, with what they name."""
        moves, foreign = state.aliases.settle(self.aliases(state.model), sent)
        for alias, tag in moves.items():
            if tag is None:
                self._client.delete_registered_model_alias(state.model, alias)
            else:
                self._client.set_registered_model_alias(state.model, alias, str(numbers[str(tag)]))
        return foreign

    def _send_head(self, state: MirrorState) -> None:
        """Where the chain ends, so that cutting off the ledger's tail is seen."""
        seq, entry_hash = state.head
        self._client.set_registered_model_tag(state.model, HEAD, f"{seq}:{entry_hash}")

    def _send_decision(self, decision: MirrorDecision) -> bool:
        """Whether its run is there to show it."""
        from mlflow.entities import Metric, RunTag

        run = self._run(decision.run_id)
        if run is None or run.info.lifecycle_stage == "deleted":
            return False
        shown = [name for name in decision.metrics if name in run.data.metrics]
        found, now = self.metrics(decision.run_id, shown, decision.seq), time.time_ns() // 10**6
        missing = ((name, value) for name, value in decision.metrics.items() if name not in found)
        metrics = [Metric(name, value, now, decision.seq) for name, value in missing]
        tags = {"promotion.verdict": decision.verdict, "promotion.rows": decision.drawn}
        told = [RunTag(name, text) for name, text in tags.items() if text or name in run.data.tags]
        self._client.log_batch(decision.run_id, metrics, tags=told)
        self._client.log_text(decision.run_id, decision.document, f"decisions/{decision.seq}.json")
        self._send_report(decision)
        return True

    def _send_report(self, decision: MirrorDecision) -> None:
        """One that is there is not drawn again."""
        place = f"decisions/{decision.seq}.html"
        if decision.report is None or any(
            one.path == place for one in self._client.list_artifacts(decision.run_id, "decisions")
        ):
            return
        page = decision.report()
        if page is not None:
            self._client.log_text(decision.run_id, page, place)


def _logged_model(run: "Run | None") -> str | None:
    models = run.outputs.model_outputs if run and run.outputs else []
    return models[0].model_id if models else None


def _made(version: "ModelVersion") -> tuple[Any, ...]:
    """What we make a version of: two that differ in it are not one that was sent twice."""
    return version.source, version.run_id, version.description, {**version.tags, STAGE: ""}


def _as_seen(run: "Run") -> MirrorRun:
    return MirrorRun(metrics=dict(run.data.metrics), deleted=run.info.lifecycle_stage == "deleted")
