"""The promote and audit flows on a real Prefect server."""

from uuid import UUID

import pytest
from prefect.client.orchestration import get_client

import promotion
from promotion.errors import Refused
from promotion.vocabulary import Stage, Tag
from registry_flows.flows.audit import audit_flow
from registry_flows.flows.promote import promote_flow
from registry_flows.flows.train import train_flow

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


def test_promoting_under_prefect_follows_the_same_rules_and_names_the_run(project, transactions):
    first = train_flow(str(transactions / "fifteen_days.csv"), version="1", stage="prod")
    better = train_flow(None, version="2", stage="prod")
    unjudged = train_flow(None, version="3", stage="staging")
    registry = promotion.open()
    registry.rollback("fraud_classifier", reason="complaints")
    assert str(registry.champion("fraud_classifier").tag) == first.tag

    with pytest.raises(Refused, match=f"rolled back from {better.tag} at .*'complaints'\\. Promote it with "):
        promote_flow(better.tag, reason="once more")
    with pytest.raises(Refused, match=f"'complaints'\\. {unjudged.tag} has identical files\\. "):
        promote_flow(unjudged.tag, reason="it was trained since")
    registry.readmit(Tag.parse(better.tag), reason="the complaints had another cause")
    with pytest.raises(Refused, match=f"{unjudged.tag} has not been judged. Run `promotion gate {unjudged.tag}`"):
        promote_flow(unjudged.tag, reason="we like it")
    ended = promote_flow(better.tag, reason="the complaints had another cause", return_state=True)
    assert (ended.result(), ended.message) == (better.tag, "Promoted: the complaints had another cause")
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(ended.state_details.flow_run_id)
    assert sorted(run.tags) == ["model:fraud_classifier", "verdict:promoted", f"version:{better.tag}"]

    assert str(registry.champion("fraud_classifier").tag) == better.tag
    planned = [entry for entry in registry.history("fraud_classifier") if entry.kind == "transition_planned"][-1]
    assert planned.actor == f"prefect:promote {better.tag}"
    assert planned.body["reason"] == "the complaints had another cause"


def test_a_version_that_nobody_named_is_named_by_the_time_that_its_run_was_due(project):
    trained = promotion.open().store.get(Tag.parse(train_flow(None, stage="staging").tag))
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(UUID(trained.metadata["prefect_flow_run_id"]))
    assert trained.metadata["version"] == f"{run.expected_start_time:%Y.%m.%d.%H%M%S}"
    assert run.name == f"train fraud_classifier {trained.metadata['version']}"


def test_the_audit_flow_fails_with_the_codes_of_what_it_found(project):
    champion = train_flow(None, version="1", stage="prod").tag
    assert audit_flow("fraud_classifier", return_state=True).is_completed()
    promotion.open().store.write_stage(Tag.parse(champion), Stage.ARCHIVED)
    state = audit_flow("fraud_classifier", return_state=True)
    assert state.is_failed()
    assert state.message == "The audit found AUD010."
