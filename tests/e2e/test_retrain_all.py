"""Many models retrained side by side on a real Prefect server."""

import asyncio

import pytest
from recipes import synthetic_rows
from schemas import check_output

import promotion
from promotion.cli import run
from registry_flows.flows import aio
from registry_flows.flows.retrain import retrain_flow
from registry_flows.flows.retrain_all import SomeFailed, retrain_all_flow

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

MODEL = """
[models.{name}]
recipe = "recipes:ToyRecipe"
data   = "{data}"

[models.{name}.policy]
primary = {{ metric = "roc_auc" }}
floors  = [ {{ metric = "roc_auc", min = 0.55 }} ]
"""


@pytest.fixture
def three_models(project):
    """`first` and `third` have data, `second` has a file that was cut."""
    synthetic_rows().to_csv(project / "rows.csv", index=False)
    (project / "cut.csv").write_text("id,y,t,a,b\n1,0,0,1.5")
    head = 'bentoml_home = "bentoml"\nmlflow_tracking_uri = "sqlite:///mlflow.db"\n'
    files = {"first": "rows.csv", "second": "cut.csv", "third": "rows.csv"}
    models = (MODEL.format(name=name, data=data) for name, data in files.items())
    (project / "promotion.toml").write_text(head + "".join(models))
    return project


def artifact(key):
    """The newest of its key; other tests have left some too."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
    return max(found, key=lambda one: one.created)


def test_one_that_fails_stops_no_other_and_is_named(three_models):
    with pytest.raises(SomeFailed) as raised:
        retrain_all_flow()

    registry = promotion.open()
    first, second, third = raised.value.outcomes
    assert str(raised.value).startswith("1 of 3 models could not be retrained: second (")
    assert "cut.csv seems cut short: its last row has 4 of 5 fields" in second.error
    assert (first.verdict, second.verdict, third.verdict) == ("promote", "failed", "promote")
    assert [str(registry.champion(name).tag) for name in ("first", "third")] == [first.tag, third.tag]
    assert registry.champion("second") is None
    assert registry.audit("first") == registry.audit("third") == ()
    assert artifact("retrained-share").data == 100.0
    assert f'"version": "{third.tag}"' in str(artifact("retrained-models").data)


def shown(tag):
    """What the list of runs shows of each run that this version has: state, message and tags, by the flow's word."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags

    with get_client(sync_client=True) as client:
        wanted = FlowRunFilterTags(all_=[f"version:{tag}"])
        runs = client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=wanted))
    return {one.name.partition(" ")[0]: (one.state.name, one.state.message, sorted(one.tags)) for one in runs}


def test_the_runs_that_started_a_gate_end_with_its_verdict(three_models):
    configured = (three_models / "promotion.toml").read_text()
    for skill, verdict, word, more in (
        ("weak", "Promoted", "promoted", ""),
        ("spoilt", "Rejected", "rejected", ""),
        ("good", "Waits for approval", "waits-for-approval", 'approval = "required"\n'),
    ):
        (three_models / "promotion.toml").write_text(configured + more)
        trained = retrain_flow("third", options={"skill": skill})
        reason = promotion.open().state("third").versions[trained.tag].decision.summary
        tags = ["model:third", f"verdict:{word}", f"version:{trained.tag}"]
        told = ("Completed", f"{verdict}: {reason}", tags)
        assert shown(trained.tag) == {"retrain": told, "train": told, "gate": told}
    failed = retrain_flow("second", return_state=True)
    assert (failed.is_failed(), shown("second")) == (True, {})


def test_the_run_that_retrains_many_ends_with_a_total(three_models):
    assert retrain_all_flow(["first", "third"], return_state=True).message == "2 promoted (first, third)"
    alone = retrain_all_flow(["first"], return_state=True)
    assert (alone.message, alone.result()[0].verdict) == ("1 held (first)", "hold")


def test_the_command_shows_what_became_of_each(three_models, capsys):
    (three_models / "cut.csv").unlink()
    assert run(["retrain", "--all", "--json"]) == 1
    first, second, third = check_output(["retrain"], capsys.readouterr().out)["models"]
    assert (first["verdict"], second["verdict"], third["verdict"]) == ("promote", "failed", "promote")
    assert second["why"].startswith("There is no data file at ")
    assert run(["retrain"]) == 2
    assert "Name a model to retrain, or give --all." in capsys.readouterr().err
    assert run(["retrain", "first", "--all"]) == 2
    assert "--all cannot be combined with MODEL or with options that apply to a single model." in " ".join(
        capsys.readouterr().err.split()
    )


def test_flows_can_be_awaited_side_by_side(three_models):
    async def both():
        return await asyncio.gather(aio.retrain("first"), aio.train(None, "1.0.1", "staging", model="third"))

    retrained, trained = asyncio.run(both())
    assert retrained.decision.verdict == "promote"
    assert trained.decision is None
    assert promotion.open().state("third").versions[trained.tag].registration.version == "1.0.1"
