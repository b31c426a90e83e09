"""The entries of a model as a list with anchors, and the search index over them."""

from collections.abc import Iterator
from dataclasses import dataclass

from promotion.ledger.chain import Entry
from promotion.ledger.entries import KINDS
from promotion.number_format import minute
from promotion.report.decision import TONES
from promotion.report.links import Links
from promotion.report.page import Tone, Words
from promotion.report.record import sentence
from promotion.report.site.model_history import ModelHistory

WORDS = {kind: kind.removesuffix("_planned").replace("_", " ") for kind in KINDS if kind != "transition_applied"}
"""Each kind of entry in the list, in a word; what completes a transition has no row of its own."""
Found = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class EntryRow:
    """One entry in the list.

    Attributes:
        seq: its number; `entry-SEQ` is its anchor.
        also: number of the entry that completes it, whose anchor leads here too.
        kind: kind of entry, in a word.
        at: time to the minute.
        moment: exact time.
        actor: who recorded it, with a link to the run of a flow.
        sentence: what happened, as a sentence.
        verdict, tone: of a decision; empty and plain for other entries.
        report: page of the decision that it is or follows from; empty if there is none.
        note: further remarks.
    """

    seq: int
    also: int | None
    kind: str
    at: str
    moment: str
    actor: Words
    sentence: str
    verdict: str
    tone: Tone
    report: str
    note: str


def events(of: ModelHistory, links: Links) -> Iterator[EntryRow]:
    """Yield every entry in order. An entry that only completes another one shares that one's row."""
    before = ""
    for entry in of.entries:
        before = sentence(entry, before)
        if entry.kind in WORDS:
            yield _event(of, links, entry, before)


def model_found(of: ModelHistory, links: Links) -> Found:
    """Return the model as a search result."""
    return {"kind": "model", "title": of.model, "text": "", "link": links.model(of.model)}


def versions_found(of: ModelHistory, links: Links) -> Iterator[Found]:
    """Yield the versions as search results, oldest first."""
    page = links.model(of.model)
    for place, version in enumerate(of.state.versions.values(), 1):
        named = version.registration.version or ""
        text = f"{version.stage or 'no stage'}, registered {minute(version.registered_at)} UTC {named}".strip()
        yield {"kind": "version", "title": version.tag, "text": text, "link": f"{page}#version-{place}"}


def events_found(of: ModelHistory, links: Links) -> Iterator[Found]:
    """Yield all events except registrations as search results, newest first."""
    page = links.model(of.model)
    for event in reversed(tuple(events(of, links))):
        if event.kind != "registration":
            title = f"{of.model}, entry {event.seq}, {event.at} UTC, {event.actor.text}"
            digits = event.report.rpartition("-")[2].removesuffix(".html")
            yield {
                "kind": event.kind,
                "title": title,
                "text": f"{event.sentence} {digits}".strip(),
                "link": f"{page}#entry-{event.seq}",
            }


def _event(of: ModelHistory, links: Links, entry: Entry, words: str) -> EntryRow:
    judgement = of.decisions.get(entry.seq)
    digest = judgement.decision_digest if judgement else entry.body.get("decision")
    open_ = entry.kind == "transition_planned" and entry.seq not in of.applied
    return EntryRow(
        seq=entry.seq,
        also=of.applied.get(entry.seq),
        kind=WORDS[entry.kind],
        at=minute(entry.at),
        moment=entry.at,
        actor=Words(entry.actor, link=links.actor(entry.actor)),
        sentence=words,
        verdict=judgement.decision.verdict.value if judgement else "",
        tone=TONES[judgement.decision.verdict] if judgement else Tone.PLAIN,
        report=links.decision(digest) if digest else "",
        note="not completed yet; the next command completes it" if open_ else "",
    )
