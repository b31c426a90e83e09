"""The site as Chromium shows it from disk, on a phone and on a desktop, in light and dark mode."""

import re
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from ledgers import record_history
from situation import NOON, open_at, settings_at

from promotion.adapters.bento import BentoStore
from promotion.adapters.memory import MemoryMirror
from promotion.history.metric_history import metric_history
from promotion.report.html import page_html
from promotion.report.metric_history import history_document
from promotion.report.page import Document, Page, Section, Table, right, row
from promotion.report.site import write_site

LOOKS = [(width, scheme) for width in (390, 1280) for scheme in ("light", "dark")]
LONG = (
    "<script>document.title = 'taken'</script> "
    + "Merchants complain of declined payments above 500 since noon. " * 8
    + "w" * 200
)
ACTOR = "prefect:gate fraud_classifier_of_the_whole_country:za2wh5xjwg6pkax4"
WIDER = """[...document.querySelectorAll('main *, header *')].filter(one =>
    one.getBoundingClientRect().right > innerWidth || one.closest('.scroll')?.scrollWidth > innerWidth
).map(one => one.outerHTML.slice(0, 100))"""
CUT = """[...document.querySelectorAll('.scroll')].filter(box => box.scrollWidth > box.clientWidth)
    .map(box => `${box.ariaLabel}: ${box.scrollWidth} in ${box.clientWidth}`)"""
SCROLLED = "document.documentElement.scrollWidth <= innerWidth"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    root = tmp_path_factory.mktemp("registry")
    registry = open_at(settings_at(root), store=BentoStore(root / "bentoml"), mirror=MemoryMirror())
    record_history(registry.ledger, "churn", 12, rows=400, spread=0.8, reason=LONG, actor=ACTOR)
    record_history(registry.ledger, "fraud_classifier", 2, seed=3, rows=400, spread=0.8)
    folder = write_site(
        registry,
        root / "site",
        now=NOON + timedelta(days=3),
        health=lambda states: ["MLflow is behind."],
        way_back=lambda state: ("To roll back:", f"  promotion rollback {state.model} --reason …"),
    ).folder
    points = metric_history(registry.state("churn"), registry.history("churn"))
    (folder / "metrics.html").write_text(page_html(history_document("churn", points)))
    return folder


@pytest.fixture
def view(browser):
    """A page of a given look; no console message, error or request but to files may have come of it in the end."""
    complaints, contexts = [], []

    def open_one(width=1280, scheme="light", **options):
        contexts.append(
            browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce", **options)
        )  # fmt: skip
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith(("file:", "data:")) or complaints.append(asked.url))
        page.on("requestfailed", lambda asked: complaints.append(asked.url))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


def test_pages_are_drawn_fit_the_screen_and_are_accessible(site, view):
    """In all four looks they fit; each width and each colour scheme is searched for what is hard to read, once."""
    page, axe = view(), Axe()
    for name, drawings in (("index.html", 0), ("model-churn.html", 5)):  # reports are looked at in test_reports.py
        page.goto((site / name).as_uri())
        assert page.title() != "taken"
        assert page.locator("figure svg").count() == drawings
        for width, scheme in LOOKS:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate(SCROLLED), name
            for drawing in page.locator("figure svg").all():
                box = drawing.bounding_box()
                assert box["width"] > 250
                assert box["height"] > 60
            if (scheme == "dark") is (width == 1280):
                serious = [
                    (one["id"], [node["html"][:200] for node in one["nodes"]])
                    for one in axe.run(page).response["violations"]
                    if one["impact"] in {"serious", "critical"}
                ]
                assert serious == [], (name, width, scheme)


def test_the_search_finds_by_keyboard_alone_and_what_it_finds_opens(site, view):
    page = view()
    page.goto((site / "index.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Tab")
    page.keyboard.type("document.title rollback")
    found = page.get_by_role("list", name="Found")
    assert page.locator("#search-status").inner_text() == f"{found.get_by_role('listitem').count()} found."
    assert "<script>document.title = 'taken'</script>" in found.inner_text()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/model-churn.html#entry-*")
    target = page.locator(":target")
    assert "rollback" in target.inner_text()
    page.goto((site / "index.html").as_uri())
    page.get_by_role("searchbox").fill("nothing of the kind")
    assert page.locator("#search-status").inner_text() == "Nothing found."


def test_the_list_of_a_model_is_sifted_by_words_and_kind(site, view):
    page = view(390)
    page.goto((site / "model-churn.html").as_uri())
    entries = page.locator("#events > li")
    page.get_by_role("combobox").select_option("decision")
    decided = entries.locator("visible=true").count()
    assert decided == 12
    assert page.locator("#search-status").inner_text() == f"12 of {entries.count()} entries are shown."
    page.get_by_role("searchbox").fill("decided promote")
    assert 0 < entries.locator("visible=true").count() < decided
    page.evaluate("location.hash = 'entry-1'")
    entries.first.wait_for(state="visible")


def test_a_phone_shows_the_whole_reason_and_nothing_wider_than_its_screen(site, view):
    page = view(390)
    page.goto((site / "model-churn.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.locator("#versions details[open] tbody tr").count() == 12
    assert page.evaluate(WIDER) == []
    head = page.locator("dl.now")
    assert LONG in head.inner_text()
    told = head.locator("dt").all_inner_texts()
    assert told[:5] == ["serves", "since", "by", "why", "replaced"]
    assert {"health", "check now", "roll back"} <= set(told)
    row = page.locator("#champions tbody tr").first
    assert LONG in row.inner_text()
    assert row.locator("td").last.bounding_box()["x"] < 100, "the reason has the whole width"


def test_no_table_is_wider_than_its_box_whatever_the_reason_and_the_actor(site, view):
    """A reason with a word of 200 letters, and an actor with a long name, on every page of a model."""
    page = view()
    names = [path.name for path in sorted(site.glob("*.html"))]
    assert len([name for name in names if ACTOR.rpartition(":")[2] in (site / name).read_text("utf-8")]) > 10
    for name in names:
        page.goto((site / name).as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        for width in (1280, 1024, 800, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(CUT) == [], (name, width)


def test_a_table_of_numbers_that_must_scroll_shows_a_scrollbar(view, tmp_path):
    numbers = tuple(f"{'9' * 30}.{place}" for place in range(8))
    table = Table(columns=right(*"abcdefgh"), rows=(row(*numbers),))
    document = Document(
        title="wide", kind="wide", lead=Page(), sections=(Section(title="t", page=Page(tables=(table,))),)
    )
    (tmp_path / "wide.html").write_text(page_html(document))
    page = view()
    page.goto((tmp_path / "wide.html").as_uri())
    assert len(page.evaluate(CUT)) == 1
    bar = "getComputedStyle(document.querySelector('.scroll'), '::-webkit-scrollbar%s').%s"
    assert float(page.evaluate(bar % ("", "height")).removesuffix("px")) > 8
    thumb, track = (page.evaluate(bar % (part, "backgroundColor")) for part in ("-thumb", "-track"))
    assert thumb != track


def test_ids_and_commands_are_copied_by_keyboard_and_times_have_an_age(site, view):
    page = view(permissions=["clipboard-read", "clipboard-write"])
    page.goto((site / "model-churn.html").as_uri())
    button = page.get_by_role("button", name="copy promotion rollback churn --reason …")
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_role("status").filter(has_text="Copied promotion rollback churn").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "promotion rollback churn --reason …"
    assert page.evaluate("document.activeElement.textContent") == "copied"
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")  # as on a page of http
    page.get_by_role("button", name="copy churn:").first.press("Enter")
    page.get_by_role("status").filter(has_text="Copied churn:").wait_for()
    run = page.locator("#versions [data-copy]").first
    assert re.fullmatch(run.inner_text() + "[0-9a-f]{20}", run.get_attribute("title"))
    page.locator("#versions .copy").first.press("Enter")
    page.get_by_role("status").filter(has_text=f"Copied {run.get_attribute('title')}").wait_for()
    since = page.locator("dl.now time").first.inner_text()
    assert re.fullmatch(r"2026-11-\d\d \d\d:\d\d UTC \((just now|in .+|\d+ \w+ ago)\)", since)


def test_without_a_script_everything_is_there_but_the_search(site, view):
    page = view(java_script_enabled=False)
    page.goto((site / "model-churn.html").as_uri())
    assert page.locator("#events > li").first.is_visible()
    assert not page.get_by_role("searchbox").is_visible()
    assert page.get_by_role("button").count() == 0
    assert re.fullmatch(r"2026-11-\d\d \d\d:\d\d UTC", page.locator("dl.now time").first.inner_text())
    page.goto((site / "index.html").as_uri())
    page.get_by_role("link", name="fraud_classifier", exact=True).first.click()
    assert re.fullmatch(r"fraud_classifier: \w+ serves", page.get_by_role("heading", level=1).inner_text())
    page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name="All models").click()
    page.wait_for_url("**/index.html")
