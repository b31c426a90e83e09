"""The data of a model's pages, folded once from its entries, and the names of their files. Pure functions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from promotion.history.lineage import ChampionPeriod, champion_periods, consequences, decisions
from promotion.history.metric_history import MetricPoint, metric_history
from promotion.ledger.chain import Entry
from promotion.ledger.entries import Judgement
from promotion.ledger.state import State, fold

_PLAIN = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,80}")


@dataclass(frozen=True, kw_only=True)
class Chronicle:
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


def chronicle(model: str, entries: Sequence[Entry]) -> Chronicle:
    """Return the chronicle of a model."""
    return Chronicle(
        state=fold(model, entries),
        entries=entries,
        champion_periods=champion_periods(model, entries),
        metric_history=metric_history(model, entries),
        decisions={entry.seq: judgement for entry, judgement in decisions(entries)},
        applied={entry.body["planned"]: entry.seq for entry in entries if entry.kind == "transition_applied"},
        followed=consequences(entries),
    )


def model_page_name(model: str) -> str:
    """Return the file name of a model's page: `model-fraud_classifier.html`; a digest replaces unsafe names."""
    if _PLAIN.fullmatch(model):
        return f"model-{model}.html"
    return f"model-{sha256(model.encode()).hexdigest()[:16]}.html"


def decision_page_name(digest: str) -> str:
    """Return the file name of a decision's report: `decision-3f2a90c1d4e7.html`."""
    if not re.fullmatch(r"[0-9a-f]{12,64}", digest):
        digest = sha256(digest.encode()).hexdigest()
    return f"decision-{digest[:12]}.html"
