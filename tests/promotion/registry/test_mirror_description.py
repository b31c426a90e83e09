"""What MLflow tells people about each version."""

import pytest
from situation import toy

from promotion.adapters.memory import MemoryMirror
from promotion.assembly import open_registry
from promotion.config import LinksConfig

pytestmark = pytest.mark.integration


def told(registry):
    """Return the descriptions that the mirror was sent last, by version; leaves out the versions that did not change."""
    sent = registry.mirror._states["toy"].versions
    return {one.tag.version: one.description.split("\n\n") for one in sent if one.description is not None}


def test_a_version_says_when_it_served_by_whom_and_why_and_only_changes_are_sent(registry_with_champion):
    registry = registry_with_champion
    promoted = registry.gate(toy("good"))
    began = registry.champion("toy").since[:16].replace("T", " ")
    decided = registry.state("toy").versions["toy:good"].decided_at[:16].replace("T", " ")
    judged = f"Decision {promoted.id} of {decided} UTC: promote. {promoted.summary}"
    first = told(registry)
    assert first["good"] == [f"Champion since {began} UTC.", "Promoted by os:alice.", judged]
    assert first["weak"][0].endswith(f" to {began} UTC.")
    assert first["weak"][2] == f"Replaced by toy:good, promoted by os:alice: {promoted.summary}"

    registry.register(toy("noisy"))
    registry.sync("toy")
    assert told(registry) == {"noisy": ["Not judged yet."]}
    rejected = registry.gate(toy("noisy"))
    assert told(registry)["noisy"][0] == "Rejected."
    assert f"Decision {rejected.id} of " in told(registry)["noisy"][-1]
    assert set(told(registry)) == {"noisy"}

    registry.rollback("toy", reason="merchants *complain* <b>")
    now = registry.champion("toy").since[:16].replace("T", " ")
    back = told(registry)
    assert back["good"] == [
        f"Champion {began} to {now} UTC.",
        "Promoted by os:alice.",
        r"Rolled back to toy:weak by os:alice: merchants \*complain\* &lt;b>",
        judged,
    ]
    assert back["weak"][:2] == [
        f"Champion since {now} UTC.",
        r"Brought back by os:alice: merchants \*complain\* &lt;b>",
    ]


def test_a_description_links_to_the_configured_pages_of_its_decision_and_stays_until_the_version_changes(
    settings_of_toy, store
):
    def opened(**links):
        settings = settings_of_toy.model_copy(update={"links": LinksConfig(**links)})
        return open_registry(settings, store=store, mirror=mirror, actor=lambda: "prefect:gate toy:weak")

    mirror = MemoryMirror()
    registry = opened()
    registry.register(toy("weak"))
    decision = registry.gate(toy("weak"))
    assert told(registry)["weak"][-1].startswith(f"Decision {decision.id} of ")

    linked = opened(site="https://models.example/", prefect="http://prefect:4200")
    linked.register(toy("good"))
    assert set(told(linked)) == {"good"}, "addresses alone rewrite nothing"
    linked.sync("toy", everything=True)
    first = told(linked)
    assert first["weak"][-2].startswith(f"Decision {decision.id} of ")
    assert first["weak"][-1] == (
        f"[Report of the decision](https://models.example/decision-{decision.id}.html), "
        "[Gate run in Prefect](http://prefect:4200/runs?flow-run-search=gate%20toy%3Aweak)"
    )
    assert first["good"] == ["Not judged yet."]
    linked.sync("toy", everything=True)
    assert told(linked) == first
    alone = opened(site="https://models.example/")
    alone.sync("toy", everything=True)
    assert told(alone)["weak"][-1] == f"[Report of the decision](https://models.example/decision-{decision.id}.html)"
