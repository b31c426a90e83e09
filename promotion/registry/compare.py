"""Compare any two versions on rows that trained neither."""

from promotion.comparison import Comparison
from promotion.data_sources import Where
from promotion.registry.judge import compare_candidates
from promotion.registry.moves import find
from promotion.registry.parts import Parts
from promotion.registry.preflight import foresee
from promotion.registry.register import candidate_of, registrations
from promotion.vocabulary import Tag


def compare_versions(
    parts: Parts, champion: Tag, challenger: Tag, data: Where | None, holdout: Where | None
) -> Comparison:
    """Compare two versions without deciding or recording anything; see `Registry.compare`."""
    parts.config.model(champion.model)
    state = parts.writer.state(champion.model)
    foresee(parts, state, challenger, data, holdout)
    foreseen = parts.writer.foreseen(state, registrations(parts, state, champion, challenger))
    rows = parts.reader.judging(challenger.model, find(foreseen, challenger).registration, data, holdout)
    parts.progress(f"Comparing {challenger} with {champion}")
    candidates = [
        candidate_of(parts, role, foreseen, tag) for role, tag in (("challenger", challenger), ("champion", champion))
    ]
    return compare_candidates(candidates, rows, parts.config.model(challenger.model).policy, parts.store, parts.notice)
