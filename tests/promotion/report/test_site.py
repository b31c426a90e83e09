import json
import os
import re
import shutil
from datetime import timedelta
from functools import partial
from html.parser import HTMLParser
from threading import Event, Thread

import pytest
from ledgers import record_history
from recipes import synthetic_rows
from situation import NOON, open_at, settings_at, snapshot, toy

from promotion.adapters.bento import BentoStore
from promotion.adapters.memory import MemoryMirror
from promotion.errors import PromotionError
from promotion.ledger.chain import chain
from promotion.ledger.folding import advance
from promotion.registry.register import Origin
from promotion.report.links import decision_page_name
from promotion.report.site import drawing, summary, write_site
from promotion.report.site.alone import alone_in

pytestmark = pytest.mark.integration

HOSTILE = """<script>alert("1")</script></script><img src=x onerror=alert(2)>'" `<b>` {{ 7*7 }} javascript:alert(3)"""
LATER = NOON + timedelta(days=3)


class Read(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.ids, self.handlers, self.data = [], [], [], [], ""
        self._inside = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append(tag)
        self._inside = given.get("id") if tag == "script" else None
        self.links += [given[name] for name in ("href", "src") if given.get(name)]
        self.ids += [given["id"]] if "id" in given else []
        self.handlers += [name for name in given if name.startswith("on")]

    def handle_data(self, data):
        if self._inside == "search-index":
            self.data += data


def opened_at(root):
    return open_at(settings_at(root), store=BentoStore(root / "bentoml"), mirror=MemoryMirror())


@pytest.fixture(scope="module")
def drawn(trained_store, tmp_path_factory):
    """`toy` with real versions, and two models with longer histories, one of them hostile; in `site` the site of all of
    them at `LATER`. Tests copy it, so that each page is drawn once."""
    root = tmp_path_factory.mktemp("three")
    shutil.copytree(trained_store, root / "bentoml")
    synthetic_rows().to_csv(root / "rows.csv", index=False)
    registry = opened_at(root)
    for name in ("weak", "good"):
        registry.register(toy(name), Origin(run_id=f"run-{name}"))
        registry.gate(toy(name))
    registry.register(toy("twin"), Origin(run_id="run-twin"))
    registry.promote(toy("twin"), reason="as good, and newer", override=True)
    hostile = {"reason": HOSTILE, "actor": f"os:{HOSTILE}"}
    record_history(registry.ledger, "churn", 3, rows=300, spread=0.8)
    record_history(registry.ledger, "fraud_classifier", 3, seed=3, rows=300, spread=0.8, **hostile)
    write_site(registry, root / "site", now=LATER)
    return root


@pytest.fixture
def three_models(drawn, tmp_path):
    shutil.copytree(drawn, tmp_path, dirs_exist_ok=True)
    return opened_at(tmp_path)


def pages_in(folder):
    return {path.name: Read(path.read_text("utf-8")) for path in folder.glob("*.html")}


def lead_of(page):
    """The words at the head of a page."""
    return re.sub(r"<[^>]+>", "", page.read_text().partition('<div class="lead">')[2].partition("</div>")[0])


def test_every_page_is_linked_every_link_leads_somewhere_and_no_text_becomes_markup(three_models, tmp_path):
    written = write_site(three_models, tmp_path / "site", now=LATER, health=lambda states: [HOSTILE])
    pages = pages_in(written.folder)
    assert sorted(pages) == sorted((*written.drawn, *written.kept))
    linked = {"index.html"}
    for name, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), name
        assert "img" not in page.tags
        assert page.handlers == []
        assert page.tags.count("script") == (2 if name == "index.html" else 1)
        for link in page.links:
            file, _, anchor = link.partition("#")
            if not link.startswith("data:"):
                assert not anchor or anchor in pages[file or name].ids, (name, link)
                linked.add(file or name)
    assert linked == set(pages)
    for model in ("toy", "churn", "fraud_classifier"):
        entries = three_models.history(model)
        page, text = pages[f"model-{model}.html"], (written.folder / f"model-{model}.html").read_text()
        shown = [int(one.removeprefix("entry-")) for one in page.ids if re.fullmatch(r"entry-\d+", one)]
        assert sorted(shown) == [entry.seq for entry in entries]
        assert max(shown[:2]) == entries[-1].seq, "the newest come first"
        assert text.count("<svg ") == 1 + len(set(re.findall(r">([^<>]+) over time</title>", text)))
        assert "svg" in page.tags
    found = json.loads(pages["index.html"].data)
    assert any(HOSTILE in one["text"] for one in found)
    assert {"model", "version", "decision", "approval", "transition"} <= {one["kind"] for one in found}


def test_the_first_page_tells_who_serves_how_long_and_what_needs_attention(three_models, tmp_path):
    text = write_site(
        three_models, tmp_path / "site", now=LATER, health=lambda states: ["MLflow is behind."]
    ).index.read_text()
    toy_card = re.search(r'href="model-toy.html">toy</a></h3>(.*?)</li>', text, re.DOTALL)[1]
    told = re.sub(r"<[^>]+>|\s+", " ", toy_card)
    assert re.sub(r" +", " ", told).strip() == (
        "champion twin since 2026-11-22 12:11 UTC last verdicts promote , promote waiting none decisions 2"
    )
    assert "<h1>3 models, 1 note for your attention</h1>" in text
    assert "<li>MLflow is behind.</li>" in text


@pytest.mark.slow
def test_what_has_not_changed_is_not_written_again_and_what_is_not_ours_stays(three_models, tmp_path):
    folder = tmp_path / "site"
    (folder / "notes.txt").write_text("mine")
    before, times = snapshot(folder), {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    again = write_site(three_models, folder, now=LATER + timedelta(minutes=5))
    assert (again.drawn, len(again.kept)) == ([], len(before) - 1)
    assert snapshot(folder) == before
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == times
    three_models.rollback("toy", reason="complaints")
    of_good = decision_page_name(three_models.state("toy").versions["toy:good"].decision.digest)
    assert write_site(three_models, folder, now=LATER).drawn == [of_good, "model-toy.html", "index.html"]
    assert write_site(three_models, folder, now=LATER + timedelta(days=1)).drawn == ["index.html"]  # the ages
    for length in (5000, 0):  # a loss of power leaves an empty file
        cut = (folder / "model-churn.html").read_text()[:length]
        (folder / "model-churn.html").write_text(cut)
        assert write_site(three_models, folder, now=LATER + timedelta(days=1)).drawn == ["model-churn.html"]
    assert {path.name for path in folder.iterdir()} - set(before) == set()


def test_other_processes_draw_the_same_pages_and_if_one_is_killed_the_rest_is_drawn_here(
    three_models, tmp_path, monkeypatch
):
    monkeypatch.setattr(drawing, "_FEW", 1)
    write_site(three_models, tmp_path / "again", now=LATER)
    assert snapshot(tmp_path / "again") == snapshot(tmp_path / "site")
    here = f"__import__('os').getpid() == {os.getpid()}"
    with drawing.in_processes([partial(eval, f"'drawn' if {here} else __import__('os')._exit(1)")] * 9) as texts:
        assert list(texts) == ["drawn"] * 9


def test_a_rollback_is_told_at_the_head_of_the_decision_that_it_undid_and_of_the_model(three_models, tmp_path):
    three_models.rollback("toy", reason="merchants complain", to=toy("weak"))
    three_models.rollback("toy", reason="better than weak", to=toy("good"))
    of_good = decision_page_name(three_models.state("toy").versions["toy:good"].decision.digest)
    write_site(three_models, tmp_path / "site", now=LATER)
    assert "No longer serving" not in (tmp_path / "site" / of_good).read_text()
    three_models.rollback("toy", reason="merchants complain again", to=toy("weak"))
    write_site(three_models, tmp_path / "site", now=LATER)
    assert re.search(
        r"No longer serving: os:alice rolled back to toy:weak at [-0-9: ]+ UTC: merchants complain again",
        lead_of(tmp_path / "site" / of_good),
    )
    lead = lead_of(tmp_path / "site" / "model-toy.html")
    assert "os:alice rolled back from toy:good at" in lead
    assert "It also holds 1 rolled back earlier." in lead


def test_the_same_decision_recorded_again_has_one_report_and_stays_as_it_is(three_models, tmp_path):
    before = len(list((tmp_path / "site").iterdir()))
    state, entries = three_models.state("churn"), three_models.history("churn")
    repeated = next(entry.content() for entry in entries if entry.kind == "decision")
    again = list(chain("churn", state.head, [repeated], at=NOON, actor="os:alice"))
    three_models.ledger.append(again, advance(state, *again).head)
    page = decision_page_name(repeated.decision_digest)
    assert write_site(three_models, tmp_path / "site", now=LATER).drawn == [page, "model-churn.html", "index.html"]
    once_more = write_site(three_models, tmp_path / "site", now=LATER)
    assert (once_more.drawn, len(once_more.kept)) == ([], before)


def test_an_empty_registry_and_a_model_that_nobody_judged_have_pages(registry, tmp_path):
    registry.register(toy("weak"))
    written = write_site(registry, tmp_path / "site", now=LATER)
    assert written.drawn == ["model-toy.html", "index.html"]
    assert "No version has served yet." in (written.folder / "model-toy.html").read_text()


def test_a_ledger_that_was_changed_is_told_and_the_other_models_are_written(three_models, tmp_path):
    folder = tmp_path / "site"
    old = (folder / "model-churn.html").read_text()
    honest = three_models.history

    def changed(model):
        entries = honest(model)
        return entries if model != "churn" else (*entries[:2], *entries[3:])

    three_models.history = changed
    summary_of(three_models, "churn").unlink()
    three_models.promote(toy("good"), reason="again", override=True)
    written = write_site(three_models, folder, now=LATER)
    assert written.unread == [
        "Entry 4 of 'churn' does not follow entry 2: something other than `promotion` changed the ledger. Run "
        "`promotion audit churn` to see where, and restore the ledger from a backup."
    ]
    assert "model-toy.html" in written.drawn
    assert (folder / "model-churn.html").read_text() == old
    assert "Entry 4 of &#39;churn&#39; does not follow" in written.index.read_text()


def summary_of(registry, model):
    return registry.config.path(registry.config.cache) / "site" / f"{model}.json"


@pytest.fixture
def read(three_models, monkeypatch):
    """The models whose entries were all read."""
    models, history = [], three_models.history
    monkeypatch.setattr(three_models, "history", lambda model: models.append(model) or history(model))
    return models


def test_only_models_with_new_entries_or_without_a_page_are_read(three_models, tmp_path, read):
    folder = tmp_path / "site"
    before = snapshot(folder)
    assert write_site(three_models, folder, now=LATER).drawn == []
    assert (read, snapshot(folder)) == ([], before)
    assert write_site(three_models, folder, now=LATER + timedelta(days=1)).drawn == ["index.html"]  # it names the day
    write_site(three_models, folder, now=LATER)
    assert (read, snapshot(folder)) == ([], before)
    three_models.promote(toy("good"), reason="again", override=True)
    write_site(three_models, folder, now=LATER)
    assert read == ["toy"]
    read.clear()
    before = snapshot(folder)
    report = next(folder.glob("decision-*.html"))
    report.write_text(report.read_text().removesuffix("\n") + "by hand\n")
    (folder / "model-toy.html").unlink()
    written = write_site(three_models, folder, now=LATER)
    assert sorted(written.drawn) == sorted([report.name, "model-toy.html"])
    assert (set(read) >= {"toy"}, snapshot(folder)) == (True, before)
    report.write_text(report.read_text() + "by hand\n")  # it is newer than the page of its model
    assert write_site(three_models, folder, now=LATER).drawn == [report.name]
    report.write_text("")  # as after a loss of power
    os.utime(report, ns=(0, 0))
    assert write_site(three_models, folder, now=LATER).drawn == [report.name]
    assert snapshot(folder) == before


def test_the_first_page_finds_the_newest_of_each_model_if_there_is_much_to_find(
    three_models, tmp_path, read, monkeypatch
):
    def found():
        index = write_site(three_models, tmp_path / "site", now=LATER).index
        kinds = [(one["title"].split(",")[0], one["kind"]) for one in json.loads(Read(index.read_text()).data)]
        return kinds, "the newest 1 versions and 1 events" in index.read_text()

    everything = found()
    (tmp_path / "site" / "index.html").unlink()
    monkeypatch.setattr(summary, "_LEAST", 2)
    monkeypatch.setattr(summary, "_RESULTS", 6)
    newest = [three_models.state(model).versions for model in ("toy", "churn", "fraud_classifier")]
    of_each = [(tag, tag.partition(":")[0]) for tag in (list(versions)[-1] for versions in newest)]
    expected = [[(model, "model"), (tag, "version"), (model, "transition")] for tag, model in of_each]
    assert found() == ([one for of_model in expected for one in of_model], True)
    assert read == []
    three_models.promote(toy("good"), reason="again", override=True)  # its summary now keeps less
    found()
    assert read == ["toy"]
    monkeypatch.setattr(summary, "_RESULTS", 20_000)
    (tmp_path / "site" / "index.html").unlink()
    again, few = found()
    assert read == ["toy", "toy"]
    assert (len(again) > len(everything[0]), few) == (True, False)


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: kept.replace("toy:weak", "toy:gone"),
        lambda kept: kept[:-100],
        lambda kept: "0" * 64 + kept[64:],
        lambda kept: "",
    ],
)
def test_a_summary_that_is_damaged_is_made_again(three_models, tmp_path, read, damage):
    before, kept = snapshot(tmp_path / "site"), summary_of(three_models, "toy").read_text()
    summary_of(three_models, "toy").write_text(damage(kept))
    (tmp_path / "site" / "index.html").unlink()
    write_site(three_models, tmp_path / "site", now=LATER)
    assert (read, snapshot(tmp_path / "site")) == (["toy"], before)
    assert summary_of(three_models, "toy").read_text() == kept


def test_a_run_waits_for_another_that_writes_to_the_same_folder(three_models, tmp_path):
    """Otherwise, its report could be older than the page of the model that the other writes, and stay as it is."""
    folder, told, waits = tmp_path / "shared", [], Event()

    def progress(sentence, *_):
        told.append(sentence)
        waits.set()

    three_models.parts.progress = progress
    with alone_in(tmp_path, progress), alone_in(tmp_path / "site", progress):  # other folders
        assert told == []
    folder.mkdir()
    with alone_in(folder, progress):
        later = Thread(target=write_site, args=(three_models, folder), kwargs={"now": LATER})
        later.start()
        waits.wait(60)
        assert (told, list(folder.iterdir())) == ([f"Waiting for another process that writes to {folder}"], [])
    later.join()
    assert (folder / "index.html").exists()


def test_a_folder_that_cannot_be_had_is_a_sentence(registry, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "taken" / "index.html").mkdir(parents=True)
    for folder, says in (
        ("file", "The site cannot be written to {} (it is a file). Give --site a folder, or the name of a new one."),
        (
            "file/below",
            "The site cannot be written to {} (Not a directory). Give --site a folder, or the name of a new one.",
        ),
        (
            "taken",
            "{}/index.html was not overwritten: expected a new file, or a page, plot or export that `promotion` wrote, found a folder. Move or delete it if you do not need it. Give --site a folder of its own.",
        ),
    ):
        with pytest.raises(PromotionError) as caught:
            write_site(registry, tmp_path / folder, now=LATER)
        assert str(caught.value) == says.format(tmp_path / folder)
    assert (tmp_path / "file").read_text() == ""
