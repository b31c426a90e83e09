"""Prefect artifacts with text from others."""

from promotion.findings import Code, Finding, Severity
from promotion.policy import Check, Kind
from promotion.vocabulary import Outcome
from registry_flows.under_prefect import artifacts

ODD = "\x1b[2K\u202egood\u2066\nx"
SHOWN = r"\x1b[2K\u202egood\u2066\nx"


def test_tables_of_artifacts_show_control_codes_as_text(monkeypatch):
    check = Check(kind=Kind.SLICE, subject=ODD, outcome=Outcome.PASSED, reason=f"because {ODD}")
    shown = artifacts._row(check)
    assert (shown["check"], shown["why"]) == (f"slice {SHOWN}", f"because {SHOWN}")
    written = []
    monkeypatch.setattr(artifacts, "is_in_run", lambda: True)
    monkeypatch.setattr(artifacts, "_write", lambda _, rows, **more: written.extend(rows))
    finding = Finding(code=Code.LABEL, severity=Severity.ERROR, subject="toy:good", expected="a", found=ODD, mend="b")
    artifacts.findings_artifact("toy", [finding])
    assert [row["found"] for row in written] == [SHOWN]
