"""Announcements: who gets recorded entries, and when; a failed announcement never changes the record."""

import pytest
from situation import kinds, toy

from promotion.adapters.bento import BentoStore
from promotion.assembly import open_registry
from promotion.errors import Conflict, StoreError
from promotion.registry.gate import plan_gate
from promotion.registry.register import Origin

pytestmark = pytest.mark.integration


def test_every_change_is_announced_once_after_it_stands(opened):
    told = []
    registry = opened(announce=lambda entries, _: told.append([(entry.seq, entry.kind) for entry in entries]))
    registry.register(toy("weak"), Origin(run_id="run-weak"))
    registry.gate(toy("weak"))
    registry.gate(toy("good"))
    registry.rollback("toy", reason="complaints")
    announced = [entry for change in told for entry in change]
    assert announced == [
        (entry.seq, entry.kind) for entry in registry.history("toy") if (entry.seq, entry.kind) in announced
    ]
    silent = [entry.kind for entry in registry.history("toy") if (entry.seq, entry.kind) not in announced]
    assert silent == ["registration", "transition_applied", "transition_applied", "transition_applied"]


def test_what_a_listener_raises_is_noticed_and_the_record_stands(opened):
    def deaf(*_):
        raise OSError("nobody listens")

    registry = opened(announce=deaf)
    assert registry.gate(toy("weak")).verdict == "promote"
    assert str(registry.champion("toy").tag) == "toy:weak"
    assert registry.notices == ["The change is recorded, but could not be announced: OSError: nobody listens"]


def test_a_change_that_was_not_made_is_not_announced(opened):
    told = []
    registry = opened(announce=lambda *given: told.append(given))
    registry.gate(toy("weak"))
    told.clear()
    late = plan_gate(registry.parts, toy("good"))
    opened().gate(toy("noisy"))
    with pytest.raises(Conflict):
        registry.apply(late)
    assert told == []


def test_a_change_whose_labels_wait_is_announced_since_it_stands(opened, monkeypatch):
    told = []
    registry = opened(announce=lambda entries, _: told.extend(entries))

    def full(*_):
        raise StoreError("The disk is full.")

    monkeypatch.setattr(BentoStore, "write_stage", full)
    with pytest.raises(StoreError, match=r"The change is recorded; the next command completes it\."):
        registry.gate(toy("weak"))
    assert [entry.kind for entry in told] == ["registration", "decision", "transition_planned"]
    assert kinds(registry) == [entry.kind for entry in told]


@pytest.mark.slow
def test_a_registry_that_is_opened_tells_the_listeners_of_installed_packages(settings_of_toy, store, monkeypatch):
    told = []
    monkeypatch.setattr("registry_flows.under_prefect.listeners.spread", lambda *given: told.extend(given))
    open_registry(settings_of_toy).gate(toy("weak"))
    entries, files = told
    assert [entry.kind for entry in entries] == ["registration", "decision", "transition_planned"]
    assert files.keys() == {"toy:weak"}
    assert files["toy:weak"].digest == store.digests(toy("weak")).whole
