"""Adopt a version that somebody else registered in MLflow: prepare a copy, check it, take it in, and record it."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Unpack

from promotion.adapters.owned_folders import private
from promotion.canonical import canonical_json
from promotion.errors import Refused, StoreError, UnknownName
from promotion.interfaces import ImportsModels, ModelSource, ModelStore, RegisteredElsewhere
from promotion.registry.adopt import Vouched, check_vouched, plan_adoption
from promotion.registry.apply import apply, complete
from promotion.registry.parts import Parts
from promotion.registry.plan import Plan, required
from promotion.registry.preflight import settled
from promotion.training_metadata import METRICS, MLFLOW_VERSION
from promotion.vocabulary import Tag, is_name


@dataclass(frozen=True, kw_only=True)
class Named:
    """A version in MLflow, and the tag of its copy."""

    origin: RegisteredElsewhere
    tag: Tag


@dataclass(frozen=True, kw_only=True)
class MlflowAdoption:
    """An adoption that is worked out and not yet applied.

    Attributes:
        named: the version.
        plan: what it records.
        prepared: the store with the copy alone; None if an earlier adoption has already copied it.
        size: the size of the copy in bytes.
    """

    named: Named
    plan: Plan
    prepared: ModelStore | None
    size: int


def adopt_from_mlflow(parts: Parts, named: str, model: str | None, *, reason: str, **vouched: Unpack[Vouched]) -> Tag:
    """Adopt a version from MLflow, and return its tag; see `Registry.adopt_from_mlflow`."""
    found = named_in_mlflow(parts, named, model)
    complete(parts, found.tag.model)
    with mlflow_adoption(parts, found, reason=reason, **vouched) as adoption:
        applied(parts, adoption)
    return found.tag


def named_in_mlflow(parts: Parts, named: str, model: str | None = None) -> Named:
    """Return the version that `MODEL[@ALIAS|/NUMBER]` names, and its tag as a version of `model`.

    Raises:
        Refused: store or mirror cannot copy models.
        UnknownName: MLflow has no such version, or the model is not configured here.
    """
    origin = _source(parts).registered_elsewhere(named)
    if model is None and origin.name not in parts.config.models:
        hint = f"If it has another name here, put that first: `promotion adopt MODEL --from-mlflow '{named}' …`."
        raise UnknownName("configured model", origin.name, parts.config.models, hint=hint)
    parts.config.model(model or origin.name)
    return Named(origin=origin, tag=_tag(origin, model or origin.name))


@contextmanager
def mlflow_adoption(parts: Parts, named: Named, *, reason: str, **vouched: Unpack[Vouched]) -> Iterator[MlflowAdoption]:
    """Prepare a copy beside the store, load it, score some rows with it, and plan its adoption.

    A failure leaves nothing. An earlier adoption's copy of the same version is used again.
    """
    required(reason)
    check_vouched(vouched)
    source, tag, origin = _source(parts), named.tag, named.origin
    state = settled(parts, tag.model)
    parts.claims.check(state)
    serves = state.champion is None or state.champion.tag == str(tag)

    def planned(store: ModelStore, prepared: ModelStore | None) -> MlflowAdoption:
        place = replace(parts, store=store)
        plan = plan_adoption(parts, tag, reason=reason, serves=serves, place=place, **vouched)
        return MlflowAdoption(named=named, plan=plan, prepared=prepared, size=store.size(tag))

    if str(tag) in state.versions or any(one.tag == tag for one in parts.store.versions(tag.model)):
        _check_same(parts, named)
        yield planned(parts.store, None)
        return
    parts.progress(f"Copying {origin} from MLflow")
    with private() as folder:
        files = source.download(origin, folder)
        with _importer(parts).prepared(tag, files, metadata=_metadata(origin)) as prepared:
            yield planned(prepared, prepared)


def applied(parts: Parts, adoption: MlflowAdoption) -> None:
    """Move the copy into the store, if it is not there yet, and record the adoption.

    Raises:
        Refused: another command has copied it meanwhile.
    """
    if adoption.prepared is not None:
        _take_in(parts, adoption.named, adoption.prepared)
    apply(parts, adoption.plan)


def _take_in(parts: Parts, named: Named, prepared: ModelStore) -> None:
    tag = named.tag
    try:
        _importer(parts).take_in(tag, prepared)
    except StoreError:
        if all(one.tag != tag for one in parts.store.versions(tag.model)):
            raise
        message = f"Another command copied {named.origin} to {tag} meanwhile. Run this command again."
        raise Refused(message, tag=tag) from None


def _source(parts: Parts) -> ModelSource:
    if isinstance(parts.mirror, ModelSource) and isinstance(parts.store, ImportsModels):
        return parts.mirror
    raise Refused(f"This {parts.store.name} or its mirror cannot take in models from MLflow. Copy the files.")


def _importer(parts: Parts) -> ImportsModels:
    assert isinstance(parts.store, ImportsModels)  # noqa: S101 - `_source` has checked it
    return parts.store


def _metadata(origin: RegisteredElsewhere) -> Mapping[str, str]:
    trained = {"mlflow_run_id": origin.run_id, METRICS: canonical_json(dict(origin.metrics))} if origin.run_id else {}
    return {MLFLOW_VERSION: str(origin), "version": origin.number, **trained}


def _check_same(parts: Parts, named: Named) -> None:
    """Check that the version in the store is a copy of the one in MLflow, which may have been registered anew."""
    held: Mapping[str, Any] = parts.stored(named.tag).metadata
    found = (held.get(MLFLOW_VERSION), held.get("mlflow_run_id"))
    if found == (str(named.origin), named.origin.run_id):
        return
    what = f"a copy of {found[0]} of another run" if found[0] == str(named.origin) else "another model"
    raise Refused(
        f"{named.tag} in the {parts.store.name} is {what}, so {named.origin} was not copied. Register it in MLflow "
        "again, which gives it another number, and adopt that one.",
        tag=named.tag,
    )


def _tag(origin: RegisteredElsewhere, model: str) -> Tag:
    """Return `MODEL:mlflow-NUMBER`; with the name in MLflow if it is another one, and its digest if not a name here."""
    if origin.name == model:
        return Tag(model, f"mlflow-{origin.number}")
    if is_name(version := f"mlflow-{origin.name}-{origin.number}"):
        return Tag(model, version)
    readable = re.sub(r"[^a-z0-9]+", "-", origin.name.lower()).strip("-")[:30]
    digest = hashlib.sha256(origin.name.encode()).hexdigest()[:8]
    return Tag(model, "-".join(filter(None, ("mlflow", readable, digest, origin.number))))
