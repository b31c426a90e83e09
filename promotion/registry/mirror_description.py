"""Describe versions for people who look at the mirror: who served, from when to when, by whom and why. Pure functions.

A description starts with one short line, because MLflow's list of versions shows only the first 32 characters.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten

from promotion.ledger.chain import Entry
from promotion.ledger.state import State, VersionState
from promotion.number_format import minute
from promotion.registry.consent import is_open
from promotion.visible import escaped
from promotion.vocabulary import Stage, Verdict

Pages = Callable[[Entry], Mapping[str, str]]
"""Returns the pages about the decision that an entry records: what each shows, and its address."""
_LONGEST = 500  # of a reason; MLflow stores at most 5,000 characters in all
_CAME = {
    "promotion": "Promoted",
    "override": "Promoted with an override",
    "rollback": "Brought back",
    "adoption": "Adopted",
    "repair": "Made champion in a repair",
}
_STANDING = {Stage.ARCHIVED: "Archived.", Stage.REJECTED: "Rejected.", Stage.STAGING: "Not judged yet."}


@dataclass(frozen=True, kw_only=True)
class _Service:
    """The last time that a version served: the entry that made it champion, and the one that replaced it."""

    began: Entry
    ended: Entry | None = None


def descriptions(
    state: State, history: Sequence[Entry], mentioned: Iterable[str], pages: Pages = lambda _: {}
) -> Mapping[str, str]:
    """Return the description of each of these versions that is registered, as Markdown by tag.

    Args:
        state: state of the ledger.
        history: all entries of the ledger, of which only those about these versions are read.
        mentioned: tags of the versions.
        pages: returns the pages that the description of a version links to, for its last decision.
    """
    last = {began.tag: place for place, began in enumerate(state.began)}
    return {
        tag: "\n\n".join(_paragraphs(state.versions[tag], _service(state, history, last.get(tag)), history, pages))
        for tag in mentioned
        if tag in state.versions
    }


def _service(state: State, history: Sequence[Entry], place: int | None) -> _Service | None:
    """Return the last time that a version served, if it ever did, from its place in `State.began`."""
    if place is None:
        return None
    began, *ended = (history[one.seq - 1] for one in state.began[place : place + 2])
    return _Service(began=began, ended=ended[0] if ended else None)


def _paragraphs(
    version: VersionState, service: _Service | None, history: Sequence[Entry], pages: Pages
) -> Iterable[str]:
    yield _headline(version, service)
    if version.deleted_at:
        yield _by("Deleted", version.deleted_by, version.deleted_because)
    summary = version.decision.summary if version.decision else ""
    if service:
        plan, actor = service.began.body, service.began.actor
        cause = "override" if plan["cause"] == "promotion" and plan["decision"] is None else plan["cause"]
        yield _by(_CAME.get(cause, "Made champion"), actor, "" if plan["reason"] == summary else plan["reason"])
    if service and service.ended:
        plan = service.ended.body
        back, champion = plan["cause"] == "rollback", plan["champion"]
        left = f"Rolled back to {champion}" if back else f"Replaced by {champion}, promoted"
        yield _by(left, service.ended.actor, plan["reason"])
    for vote in version.votes:
        yield _by("Approved" if vote.approved else "Denied", vote.actor, vote.reason)
    if version.decision and version.decided_seq and version.decided_at:
        entry = history[version.decided_seq - 1]
        digest = entry.body["decision_digest"]
        judged = f"Decision {digest[:12]} of {minute(version.decided_at)} UTC: {version.decision.verdict}."
        yield f"{judged} {_short(summary)}"
        if linked := pages(entry):
            yield ", ".join(f"[{shows}]({address})" for shows, address in linked.items())


def _headline(version: VersionState, service: _Service | None) -> str:
    if version.deleted_at:
        return f"Files deleted {minute(version.deleted_at)} UTC."
    if service and service.ended:
        return f"Champion {minute(service.began.at)} to {minute(service.ended.at)} UTC."
    if service:
        return f"Champion since {minute(service.began.at)} UTC."
    if is_open(version):
        return "Passed, and waits for approval."
    if version.stage is Stage.STAGING and version.decision:
        return "Held." if version.decision.verdict is Verdict.HOLD else f"In staging: {version.decision.verdict}."
    return _STANDING.get(version.stage, "") if version.stage else ""


def _by(what: str, actor: str | None, reason: str | None) -> str:
    who = f"{what} by {_short(actor)}" if actor else what
    return f"{who}: {_short(reason)}" if reason else f"{who}."


def _short(text: str) -> str:
    return escaped(shorten(text, _LONGEST, placeholder=" …"))
