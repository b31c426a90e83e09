"""The contract of every mirror: in memory, in a real MLflow on SQLite, on a real MLflow server."""

from dataclasses import replace
from uuid import uuid4

import pytest
from mlflow import MlflowClient
from situation import toy

from promotion.adapters.memory import MemoryMirror
from promotion.adapters.mlflow import DIGEST, MlflowMirror, in_short
from promotion.errors import MirrorError
from promotion.interfaces import Aliases, MirrorDecision, MirrorRun, MirrorState, MirrorVersion, Pushed
from promotion.vocabulary import Stage, Tag

pytestmark = pytest.mark.integration

HASHES = tuple(digit * 64 for digit in "123456789")


def named(**steps):
    """The aliases of a ledger that named so from entry N on: `named(e2={"champion": "toy:a"})`; none before."""
    at = {int(entry[1:]): names for entry, names in steps.items()}
    history = [next((at[seq] for seq in range(place, 0, -1) if seq in at), {}) for place in range(len(HASHES) + 1)]
    wanted = at[max(at)] if at else {}
    return Aliases(wanted={alias: Tag.parse(tag) for alias, tag in wanted.items()}, sent=lambda seq: history[seq:])


FIRST = {"champion": "toy:a", "challenger": "toy:b"}
THEN = {"champion": "toy:b", "previous": "toy:a"}


SERVER = pytest.param("server", marks=[pytest.mark.xdist_group("mlflow-server"), pytest.mark.timeout(600)])


@pytest.fixture(params=["memory", "database", SERVER])
def kind(request):
    return request.param


@pytest.fixture
def client(request, kind):
    """A client of the MLflow behind the mirror, without any version of `toy`."""
    if kind != "server":
        return request.getfixturevalue("mlflow")
    client = MlflowClient(url := request.getfixturevalue("mlflow_server").url, url)
    for model in client.search_registered_models():
        client.delete_registered_model(model.name)
    experiment = client.create_experiment(uuid4().hex)
    client.new_run = lambda: client.create_run(experiment).info.run_id
    return client


@pytest.fixture
def mirror_and_runs(request, kind):
    if kind == "memory":
        return MemoryMirror(), ["run-1", "run-2"]
    client = request.getfixturevalue("client")
    return MlflowMirror(client.tracking_uri), [client.new_run(), client.new_run()]


@pytest.fixture
def mirror(mirror_and_runs):
    return mirror_and_runs[0]


@pytest.fixture
def move(mirror, request):
    """Moves an alias as somebody else would, to one of our versions or to one of theirs; None deletes it."""

    def in_memory(alias, tag):
        mirror.shown["toy"] = {**mirror.shown.get("toy", {}), alias: tag or "toy/9"}
        if tag is None:
            del mirror.shown["toy"][alias]

    def in_mlflow(alias, tag):
        client = request.getfixturevalue("client")
        mirror._ensure_model("toy")
        if tag is None:
            client.delete_registered_model_alias("toy", alias)
        elif "/" in tag:
            theirs = client.create_model_version("toy", source="s3://elsewhere/model").version
            client.set_registered_model_alias("toy", alias, theirs)
        else:
            client.set_registered_model_alias("toy", alias, dict(mirror._ours("toy"))[tag].version)
        return mirror.aliases("toy").get(alias)

    return in_memory if isinstance(mirror, MemoryMirror) else in_mlflow


@pytest.fixture
def state(mirror_and_runs, tmp_path):
    """`toy:a` serves, `toy:b` waits and was judged in entry 4."""
    runs = mirror_and_runs[1]
    versions = tuple(
        MirrorVersion(tag=toy(name), path=tmp_path / name, run_id=run, stage=stage, digest=64 * name)
        for name, run, stage in zip("ab", runs, (Stage.PROD, Stage.STAGING), strict=True)
    )
    decision = MirrorDecision(
        run_id=runs[1],
        seq=4,
        id=4 * "d1e",
        verdict="hold",
        metrics={"gate_roc_auc": 0.1 + 0.2},
        document='{"verdict":"hold"}',
    )
    return MirrorState(
        model="toy",
        hashes=HASHES[:4],
        versions=versions,
        aliases=named(e2={"champion": "toy:a"}, e3=FIRST),
        decisions=(decision,),
    )


def test_an_empty_mirror_shows_nothing(mirror):
    assert mirror.aliases("toy") == {}
    assert mirror.stages("toy") == {}
    assert mirror.head("toy") is None


def test_a_mirror_shows_what_was_pushed(mirror, state):
    mirror.push(state)

    assert mirror.aliases("toy") == {"champion": "toy:a", "challenger": "toy:b"}
    assert mirror.stages("toy") == {"toy:a": "prod", "toy:b": "staging"}
    run_id = state.decisions[0].run_id
    assert mirror.metrics(run_id, ["gate_roc_auc", "absent"], 4) == {"gate_roc_auc": 0.1 + 0.2}
    assert mirror.metrics(run_id, ["gate_roc_auc"], 3) == {}


def test_pushing_twice_changes_nothing(mirror, state):
    mirror.push(state)
    once = mirror.aliases("toy"), mirror.stages("toy")
    mirror.push(state)

    assert (mirror.aliases("toy"), mirror.stages("toy")) == once
    assert mirror.metrics(state.decisions[0].run_id, ["gate_roc_auc"], 4) == {"gate_roc_auc": 0.1 + 0.2}


def test_aliases_and_stages_move_and_earlier_decisions_stand(mirror, state):
    mirror.push(state)
    run_id = state.decisions[0].run_id
    a, b = state.versions
    later = MirrorDecision(
        run_id=run_id, seq=6, id=4 * "d2e", verdict="promote", metrics={"gate_roc_auc": 0.5}, document="{}"
    )
    mirror.push(
        replace(
            state,
            hashes=HASHES[:7],
            versions=(replace(a, stage=Stage.ARCHIVED), replace(b, stage=Stage.PROD)),
            aliases=named(e3=FIRST, e5=THEN),
            decisions=(later,),
        )
    )

    assert mirror.aliases("toy") == {"champion": "toy:b", "previous": "toy:a"}
    assert mirror.stages("toy") == {"toy:a": "archived", "toy:b": "prod"}
    assert mirror.metrics(run_id, ["gate_roc_auc"], 4) == {"gate_roc_auc": 0.1 + 0.2}
    assert mirror.metrics(run_id, ["gate_roc_auc"], 6) == {"gate_roc_auc": 0.5}


def test_a_version_is_shown_with_its_run_without_one_and_without_files(mirror, state):
    a, b = state.versions
    mirror.push(replace(state, versions=(replace(a, run_id=None), replace(b, path=b.path / "gone"))))
    assert mirror.aliases("toy") == {"champion": "toy:a", "challenger": "toy:b"}
    assert mirror.stages("toy") == {"toy:a": "prod", "toy:b": "staging"}
    assert mirror.head("toy") == state.head


def test_runs_show_the_last_value_of_each_metric_and_leave_out_what_is_not_there(mirror, state, mirror_and_runs):
    mirror.push(state)
    run_id = state.decisions[0].run_id
    later = MirrorDecision(
        run_id=run_id, seq=6, id=4 * "d2e", verdict="hold", metrics={"gate_roc_auc": 0.5}, document="{}"
    )
    mirror.push(replace(state, hashes=HASHES[:6], decisions=(later,)))

    found = mirror.runs([*mirror_and_runs[1], "0" * 32])
    assert found == {
        state.versions[0].run_id: MirrorRun(metrics={}),
        run_id: MirrorRun(metrics={"gate_roc_auc": 0.5}),
    }
    many = mirror.runs([*mirror_and_runs[1], *(f"{number:032x}" for number in range(30))])
    assert many == found


class TestHead:
    """Where the chain ends, kept where whoever cuts the ledger does not reach."""

    def test_is_that_of_the_last_entry_sent(self, mirror, state):
        for length in (4, 4, 7):
            mirror.push(replace(state, hashes=HASHES[:length]))
            assert mirror.head("toy") == (length, HASHES[length - 1])

    def test_a_late_sender_changes_nothing(self, mirror, state):
        mirror.push(replace(state, hashes=HASHES[:7], aliases=named(e3=FIRST, e5={"champion": "toy:b"})))
        mirror.push(state)
        assert mirror.head("toy") == (7, HASHES[6])
        assert mirror.aliases("toy") == {"champion": "toy:b"}

    @pytest.mark.parametrize("length", [7, 8])
    def test_a_ledger_that_was_rewritten_is_refused_and_the_evidence_stays(self, mirror, state, length):
        mirror.push(replace(state, hashes=HASHES[:7]))
        rewritten = replace(state, hashes=("0" * 64,) * length, aliases=named(e5={"champion": "toy:b"}))
        with pytest.raises(
            MirrorError, match=r"^Entry 7 of 'toy' in the ledger differs from the one that MLflow received"
        ):
            mirror.push(rewritten)
        assert mirror.head("toy") == (7, HASHES[6])
        assert mirror.aliases("toy")["champion"] == "toy:a"


class TestForeignAliases:
    """An alias is moved only from where we sent it, or from where a person gave it up."""

    @pytest.mark.parametrize("tag", ["toy:b", "toy/9", None])
    def test_one_that_somebody_else_moved_stays_until_it_is_given_up_or_put_back(self, mirror, state, move, tag):
        mirror.push(state)
        move("champion", tag)
        name = mirror.aliases("toy").get("champion")
        shown = {"champion": name, "previous": "toy:a"} if name else {"previous": "toy:a"}
        later = replace(state, hashes=HASHES[:7], aliases=named(e3=FIRST, e6={**THEN, "champion": "toy:c"}))
        later = replace(later, versions=(*state.versions, replace(state.versions[0], tag=toy("c"))))
        for _ in range(2):
            assert mirror.push(later) == Pushed(foreign={"champion": name})
            assert mirror.aliases("toy") == shown
            assert mirror.head("toy") == (7, HASHES[6])

        given_up = replace(later, aliases=replace(later.aliases, given_up={"champion": name}))
        assert mirror.push(given_up) == Pushed()
        assert mirror.aliases("toy")["champion"] == "toy:c"

    def test_one_put_back_to_what_was_sent_is_ours_again(self, mirror, state, move):
        mirror.push(state)
        move("champion", "toy:b")
        assert mirror.push(state) == Pushed(foreign={"champion": "toy:b"})
        move("champion", "toy:a")
        assert mirror.push(replace(state, hashes=HASHES[:7], aliases=named(e3=FIRST, e5=THEN))) == Pushed()
        assert mirror.aliases("toy") == THEN

    @pytest.mark.parametrize("tag", ["toy:a", "toy:b", "toy:c", None])
    def test_whatever_a_killed_sender_left_is_ours(self, mirror, state, move, tag):
        """It moved the alias for any entry since the last that was sent whole, and did not come to say so."""
        mirror.push(replace(state, versions=(*state.versions, replace(state.versions[0], tag=toy("c")))))
        move("champion", tag)
        since = {"e3": FIRST, "e5": {}, "e6": {**THEN, "champion": "toy:c"}, "e7": THEN}
        assert mirror.push(replace(state, hashes=HASHES[:7], aliases=named(**since))) == Pushed()
        assert mirror.aliases("toy") == THEN

    def test_a_late_sender_takes_the_later_one_for_foreign_and_moves_nothing(self, mirror, state, move):
        mirror.push(state)
        move("champion", "toy:b")  # by entry 5, which this sender does not know
        assert mirror.push(replace(state, hashes=HASHES[:4])) == Pushed(foreign={"champion": "toy:b"})
        assert mirror.aliases("toy")["champion"] == "toy:b"

    def test_without_a_champion_of_record_that_of_others_is_no_fault(self, mirror, state, move):
        move("champion", "toy/9")
        name = mirror.aliases("toy")["champion"]
        waiting = replace(state, aliases=named(e3={"challenger": "toy:b"}))
        assert mirror.push(waiting) == Pushed()
        assert mirror.aliases("toy") == {"champion": name, "challenger": "toy:b"}


class TestServer:
    """What only a server does."""

    @pytest.fixture(params=[SERVER])
    def kind(self, request):
        return request.param

    def test_what_mlflow_refuses_keeps_nothing_else_back_and_is_tried_again(self, mirror, state):
        a, b = state.versions
        refused = replace(a, tag=toy("refused"), path=a.path / "refused", run_id=None)
        aliases = named(e2={"champion": "toy:a"}, e3=FIRST, e4={**FIRST, "challenger": "toy:refused"})
        whole = replace(state, versions=(refused, a, b), aliases=aliases)
        for _ in range(2):
            pushed = mirror.push(whole)
            assert list(pushed.refused) == ["toy:refused"]
            assert "Invalid model version source" in pushed.refused["toy:refused"]
            assert mirror.aliases("toy") == {"champion": "toy:a"}
            assert mirror.stages("toy") == {"toy:a": "prod", "toy:b": "staging"}
            assert mirror.metrics(b.run_id, ["gate_roc_auc"], 4) == {"gate_roc_auc": 0.1 + 0.2}
            assert mirror.head("toy") is None

        without = replace(whole, versions=(replace(refused, stage=None), a, b), aliases=named(e3=FIRST))
        assert mirror.push(without) == Pushed()
        assert mirror.head("toy") == state.head
        assert mirror.aliases("toy") == FIRST


class TestMlflow:
    """What only MLflow can show."""

    @pytest.fixture(params=["database", SERVER])
    def kind(self, request):
        return request.param

    def test_a_person_in_mlflow_finds_each_version_once_with_its_run_and_tags(self, mirror, state, client, kind):
        mirror.push(state)
        mirror.push(state)

        found = client.search_model_versions("name='toy'")
        assert sorted((version.run_id, version.tags[DIGEST]) for version in found) == sorted(
            (version.run_id, version.digest) for version in state.versions
        )
        champion = client.get_model_version_by_alias("toy", "champion")
        assert champion.tags["promotion.tag"] == "toy:a"
        named = {"database": state.versions[0].path.as_uri(), "server": "bentoml:/models/toy/a"}
        assert champion.source == named[kind]
        run_id = state.decisions[0].run_id
        assert len(client.get_metric_history(run_id, "gate_roc_auc")) == 1
        assert client.get_run(run_id).data.tags["promotion.verdict"] == "hold"
        assert [file.path for file in client.list_artifacts(run_id, "decisions")] == [
            f"decisions/{state.decisions[0].id}.json"
        ]

    def test_other_peoples_versions_and_tags_are_left_alone(self, mirror, state, client):
        client.create_registered_model("toy", tags={"team": "risk"})
        theirs = client.create_model_version("toy", source="s3://elsewhere/model", tags={"mine": "yes"})
        for alias in ("champion", "shadow"):
            client.set_registered_model_alias("toy", alias, theirs.version)
        name = f"toy/{theirs.version}"
        assert mirror.aliases("toy") == {"champion": name, "shadow": name}
        assert mirror.push(state) == Pushed(foreign={"champion": name})

        assert mirror.aliases("toy") == {"champion": name, "challenger": "toy:b", "shadow": name}
        assert mirror.stages("toy") == {"toy:a": "prod", "toy:b": "staging"}
        assert client.get_model_version("toy", theirs.version).tags == {"mine": "yes"}
        assert client.get_registered_model("toy").tags["team"] == "risk"

    def test_a_description_changes_with_the_state_in_one_request_and_keeps_the_text_of_others(
        self, mirror, state, client, monkeypatch
    ):
        a, b = state.versions
        mirror.push(replace(state, versions=(replace(a, description="Champion."), b)))
        number = str(client.get_model_version_by_alias("toy", "champion").version)
        line = "_`promotion` writes the text above this line; text below it stays._"
        assert client.get_model_version("toy", number).description == f"Champion.\n\n{line}"
        client.update_model_version("toy", number, f"Champion.\n\n{line} \n Ask **Ann** about it.\n")

        sent = []
        update = mirror._client.update_model_version
        monkeypatch.setattr(mirror._client, "update_model_version", lambda *one: (sent.append(one), update(*one)))
        later = replace(state, hashes=HASHES[:7], versions=(replace(a, description="Replaced."), b))
        for _ in range(2):
            assert mirror.push(later) == Pushed()
        assert sent == [("toy", number, f"Replaced.\n\n{line}\n\nAsk **Ann** about it.")]
        assert client.get_model_version("toy", number).description == sent[0][2]
        client.update_model_version("toy", number, "x" * 4990)
        mirror.push(later)
        assert client.get_model_version("toy", number).description == "x" * 4990  # MLflow takes 5,000 characters

    def test_a_copy_that_somebody_made_of_a_version_of_ours_is_theirs(self, mirror, state, client):
        mirror.push(state)
        first = client.get_model_version_by_alias("toy", "champion")
        copies = [client.copy_model_version(f"models:/toy/{first.version}", "toy") for _ in range(2)]
        assert [copy.tags for copy in copies] == [first.tags] * 2
        client.set_registered_model_alias("toy", "champion", copies[0].version)
        name = f"toy/{copies[0].version}"
        later = replace(state, versions=(replace(state.versions[0], stage=Stage.ARCHIVED), state.versions[1]))
        assert mirror.push(later) == Pushed(foreign={"champion": name})
        assert mirror.stages("toy") == {"toy:a": "archived", "toy:b": "staging"}
        assert [client.get_model_version("toy", copy.version).tags for copy in copies] == [first.tags] * 2

    def test_whoever_only_looks_makes_no_database(self, tmp_path):
        mirror = MlflowMirror(f"sqlite:///{tmp_path / 'none.db'}")
        assert (mirror.aliases("toy"), mirror.stages("toy"), mirror.head("toy")) == ({}, {}, None)
        assert not (tmp_path / "none.db").exists()

    def test_the_head_is_a_tag_that_a_person_can_read_and_remove(self, mirror, state, client):
        mirror.push(state)
        assert client.get_registered_model("toy").tags["promotion.head"] == f"4:{HASHES[3]}"
        for nonsense in ("", "4", "x:y", "0:" + HASHES[0], "-1:" + HASHES[0]):
            client.set_registered_model_tag("toy", "promotion.head", nonsense)
            assert mirror.head("toy") == ((4, "") if nonsense == "4" else None)
        client.delete_registered_model_tag("toy", "promotion.head")
        assert mirror.head("toy") is None
        mirror.push(state)
        assert mirror.head("toy") == (4, HASHES[3])

    def test_all_but_what_belongs_to_lost_runs_is_sent_and_the_rest_once_they_are_back(self, mirror, state, client):
        served, waiting = state.versions
        gone = replace(served, run_id="0" * 32)
        client.delete_run(waiting.run_id)
        never = replace(state.decisions[0], run_id=gone.run_id, seq=2)
        lost = replace(state, versions=(gone, waiting), decisions=(never, *state.decisions))
        assert mirror.push(lost) == Pushed(lost=(gone.run_id, waiting.run_id))
        assert mirror.aliases("toy") == {"champion": "toy:a", "challenger": "toy:b"}
        assert mirror.head("toy") == state.head

        client.restore_run(waiting.run_id)
        assert mirror.push(lost) == Pushed(lost=(gone.run_id,))
        assert mirror.metrics(waiting.run_id, ["gate_roc_auc"], 4) == {"gate_roc_auc": 0.1 + 0.2}

    def test_a_server_that_is_away_is_a_sentence_without_the_password(self, state, monkeypatch):
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        away = MlflowMirror("http://bob:hunter2@127.0.0.1:9/mlflow")
        with pytest.raises(
            MirrorError, match=r"^A request to MLflow at http://\*\*\*@127\.0\.0\.1:9/mlflow failed"
        ) as raised:
            away.push(state)
        assert "hunter2" not in str(raised.value)

    @pytest.mark.parametrize(
        ("text", "short"),
        [
            ("", "ValueError"),
            ("one line\nand another", "one line"),
            ("word " * 40, ("word " * 40).strip()),
            ("word " * 40 + "more", "word " * 40 + "…"),
            ("x" * 300, "x" * 200 + " …"),
        ],
    )
    def test_a_long_error_is_cut_between_words(self, text, short):
        assert in_short(ValueError(text)) == short
