"""docs/reference/events.md describes every event with all its fields, and no other."""

import re
from pathlib import Path

from situation import NOON

from promotion.findings import Code, Finding, Severity
from promotion.ledger.chain import chain
from promotion.ledger.entries import Move, TransitionPlanned
from promotion.vocabulary import Stage
from registry_flows.under_prefect.events import EventName, audit_failed, events_of

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/events.md").read_text("utf-8")


def first_cells(text):
    return re.findall(r"^\| `([\w.]+)` \|", text, re.MULTILINE)


def test_every_event_has_one_row_in_order():
    assert first_cells(PAGE.partition("## Resources")[0]) == [name.value for name in EventName]


def test_every_field_has_one_row_in_order():
    of_versions, _, of_audits = PAGE.partition("## Payload")[2].partition("\n`promotion.audit_failed`:\n")
    plan = TransitionPlanned(
        cause="promotion", moves=(Move(tag="m:1", before=None, after=Stage.PROD),), champion="m:1", reason="r"
    )
    (event,) = events_of(tuple(chain("m", None, [plan], at=NOON, actor="os:alice")), {})
    assert first_cells(of_versions) == list(event.payload)
    finding = Finding(code=Code.LABEL, severity=Severity.ERROR, subject="s", expected="e", found="f", mend="m")
    payload = audit_failed("m", [finding]).payload
    assert first_cells(of_audits) == list(payload)
    assert all(f"`{name}`" in of_audits for name in payload["findings"][0])
