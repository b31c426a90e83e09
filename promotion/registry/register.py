"""Register a version: record its digest and its origin."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from promotion.ledger.entries import Registration
from promotion.ledger.state import State, VersionState
from promotion.registry.apply import complete, finish
from promotion.registry.candidate import Candidate
from promotion.registry.loaded import Data
from promotion.registry.moves import find
from promotion.registry.parts import Parts
from promotion.registry.recipes import draws_by, load_recipe
from promotion.registry.serving import provenance
from promotion.training_metadata import MLFLOW_VERSION
from promotion.vocabulary import Tag


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a version comes from, as stated by its trainer.

    Attributes:
        run_id: the MLflow run that trained it.
        data: the rows that it was trained on.
        version: the trainer's own version name, e.g. `1.0.1`.
        options: recipe options that override the configured ones.
    """

    run_id: str | None = None
    data: Data | None = None
    version: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def register(parts: Parts, tag: Tag | str, origin: Origin | None = None) -> VersionState:
    """Record a version of the store with the digest of its files. A registered version stays unchanged."""
    tag = Tag.parse(tag)
    state = complete(parts, tag.model)
    if str(tag) not in state.versions:
        state = parts.writer.append(state, registration(parts, tag, origin or Origin()))
        finish(parts, tag.model)
    return find(state, tag)


def registrations(parts: Parts, state: State, *tags: Tag) -> tuple[Registration, ...]:
    """Return the registrations of those versions that are not registered yet."""
    new = (tag for tag in dict.fromkeys(tags) if str(tag) not in state.versions)
    return tuple(registration(parts, tag, Origin()) for tag in new)


def registration(parts: Parts, tag: Tag, origin: Origin) -> Registration:
    """Return what is recorded about a version of the store."""
    stored, rows = parts.store.get(tag), parts.store.training_rows(tag)
    run_id = origin.run_id or stored.metadata.get("mlflow_run_id")
    settings = parts.config.models.get(tag.model)
    named = origin.version or stored.metadata.get("version")
    parts.progress(f"Hashing the files of {tag}")
    digests = parts.store.digests(tag)
    return Registration(
        tag=str(tag),
        digest=digests.whole,
        files=digests.files,
        stage=stored.known_stage,
        version=None if named is None else str(named),
        run_id=None if run_id is None else str(run_id),
        data=origin.data.name if origin.data else None,
        data_digest=origin.data.digest if origin.data else None,
        training_rows=None if rows is None else len(rows.fingerprints),
        recipe=settings.recipe if settings else None,
        options=dict(origin.options),
        mlflow=stored.metadata.get(MLFLOW_VERSION),
        source=origin.data.source if origin.data else None,
    )


def candidate_of(parts: Parts, role: str, state: State, tag: Tag) -> Candidate:
    """Return a registered version as a candidate, either challenger or champion."""
    version, settings = find(state, tag), parts.config.model(tag.model)
    recipe = load_recipe(settings, version.registration.options)
    return Candidate(
        role=role,
        tag=tag,
        digest=version.registration.digest,
        provenance=provenance(version, parts.store, draws_by(settings, recipe)),
        recipe=recipe,
    )
