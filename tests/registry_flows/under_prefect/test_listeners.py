"""Events after a change, and after an audit."""

from promotion.findings import Code, Finding, Severity
from registry_flows.under_prefect import listeners


def test_waiting_gate_runs_of_moved_versions_resume_after_the_events_are_sent(
    registry_after_three_champions, monkeypatch
):
    done = []
    monkeypatch.setattr(listeners, "is_configured", lambda: True)
    monkeypatch.setattr(listeners, "send", lambda events: done.append([one.name.value for one in events]))
    monkeypatch.setattr("registry_flows.under_prefect.approval.resume_waiting", lambda tag: done.append(tag) or 1)
    listeners.spread(registry_after_three_champions.history("toy")[-3:], {})
    assert done == [["promotion.promoted"], "toy:twin", "toy:good"]


def test_the_event_of_an_audit_names_the_model_and_the_first_findings(monkeypatch):
    sent = []
    monkeypatch.setattr(listeners, "is_configured", lambda: True)
    monkeypatch.setattr(listeners, "send", sent.extend)
    finding = Finding(code=Code.LABEL, severity=Severity.ERROR, subject="s", expected="e", found="f", mend="mend it")
    late = Finding(code=Code.BEHIND, severity=Severity.WARNING, subject="s", expected="e", found="f", mend="sync")
    listeners.spread_findings("toy", [finding] * 30 + [late])
    (event,) = sent
    assert (event.name, event.version) == ("promotion.audit_failed", None)
    told = event.payload.pop("findings")
    assert event.payload == {
        "model": "toy",
        "reason": "The audit found AUD011, AUD033.",
        "codes": ["AUD011", "AUD033"],
        "errors": 30,
        "warnings": 1,
    }
    assert told == [{"code": "AUD011", "subject": "s", "mend": "mend it"}] * 20
