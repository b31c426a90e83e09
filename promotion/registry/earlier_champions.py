"""The earlier champions that a rollback can bring back now, in sentences."""

from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from promotion.errors import DigestMismatch, StoreError, TornVersion, UnknownName
from promotion.history.lineage import ChampionPeriod, champion_periods
from promotion.ledger.chain import Entry
from promotion.ledger.state import State
from promotion.number_format import minute
from promotion.registry.parts import Parts
from promotion.registry.serving import require_registered
from promotion.vocabulary import Tag

_LISTED = 5


@dataclass(frozen=True)
class Earlier:
    """The earlier champions of a model, most recent first.

    Attributes:
        able: lines to choose from, each a champion whose files are the registered ones and its
            command.
        unable: the others that were checked, each with what is wrong with its files.
    """

    able: tuple[str, ...]
    unable: tuple[str, ...]

    @property
    def unable_sentence(self) -> str:
        """Return a sentence that names those that cannot be brought back; empty if there are none."""
        return f"Cannot be brought back: {', '.join(self.unable)}." if self.unable else ""


def earlier_champions(parts: Parts, state: State, history: Sequence[Entry], without: Collection[str] = ()) -> Earlier:
    """Check the files of the earlier champions that were not deleted, until five can be brought back.

    Reads only files that look changed since the last audit.

    Args:
        parts: components of the registry.
        state: the model's state.
        history: all its entries.
        without: tags to leave out besides the present champion.
    """
    serves = {state.champion.tag} if state.champion else set()
    places = {began.tag: place for place, began in enumerate(state.began) if began.tag not in serves.union(without)}
    able: list[int] = []
    unable: list[str] = []
    with parts.digest_cached(False) if parts.digest_cached else nullcontext(parts.store) as store:
        for tag in sorted(places, key=lambda one: -places[one]):
            version = state.versions[tag]
            if version.deleted_at or len(able) > _LISTED:
                continue
            try:
                require_registered(store, Tag.parse(tag), version.registration.digest)
                able.append(places[tag])
            except (StoreError, UnknownName) as error:
                unable.append(f"{tag} ({_trouble(error)})")
    lines = [_line(state, period) for period in champion_periods(state, history, able[:_LISTED])]
    more = (f"`promotion history {state.model} --champions` lists every champion.",) if len(able) > _LISTED else ()
    return Earlier((*lines, *more), tuple(unable))


def _trouble(error: StoreError | UnknownName) -> str:
    if isinstance(error, UnknownName):
        return "not in the store"
    if isinstance(error, DigestMismatch):
        return "its files have changed"
    return "its folder is incomplete" if isinstance(error, TornVersion) else f"not readable: {error}"


def _line(state: State, period: ChampionPeriod) -> str:
    tag = period.champion.tag
    back = state.versions[tag].rolled_back
    until = f" to {minute(period.until)}" if period.until else ""
    why = f"; {back.actor} rolled back from it: '{back.reason}'" if back else ""
    return (
        f"- {tag}, which served from {minute(period.champion.since)}{until} UTC{why}: "
        f"`promotion rollback {state.model} --to {tag} --reason …`"
    )
