"""The data of a model's pages, folded once from its entries. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from promotion.history.lineage import ChampionPeriod, champion_periods, consequences, decisions
from promotion.history.metric_history import MetricPoint, metric_history
from promotion.ledger.chain import Entry
from promotion.ledger.entries import Judgement
from promotion.ledger.folding import fold
from promotion.ledger.state import State


@dataclass(frozen=True, kw_only=True)
class ModelHistory:
    """The history of one model.

    Attributes:
        state: state at the end of its ledger.
        entries: all entries, oldest first.
        champion_periods: every champion period, oldest first.
        metric_history: the values that decisions measured, in order.
        decisions: every decision, by its entry's `seq`.
        applied: `seq` of the entry that completes a planned transition, by the `seq` of the plan.
        followed: the entries that followed from a decision, by the `seq` of the decision.
    """

    state: State
    entries: Sequence[Entry]
    champion_periods: tuple[ChampionPeriod, ...]
    metric_history: tuple[MetricPoint, ...]
    decisions: Mapping[int, Judgement]
    applied: Mapping[int, int]
    followed: Mapping[int, tuple[Entry, ...]]

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.state.model

    @property
    def last(self) -> tuple[Entry, Judgement] | None:
        """The last decision with its entry."""
        seq = max(self.decisions, default=None)
        return None if seq is None else (self.entries[seq - 1], self.decisions[seq])


def model_history(model: str, entries: Sequence[Entry]) -> ModelHistory:
    """Return the history of a model."""
    state = fold(model, entries)
    return ModelHistory(
        state=state,
        entries=entries,
        champion_periods=champion_periods(state, entries),
        metric_history=metric_history(state, entries),
        decisions={entry.seq: judgement for entry, judgement in decisions(entries)},
        applied={entry.body["planned"]: entry.seq for entry in entries if entry.kind == "transition_applied"},
        followed=consequences(entries),
    )
