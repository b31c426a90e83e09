"""The documentation site: every link resolves, pages load nothing external, and pages are accessible."""

import subprocess
import sys
import threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from chromium import DESKTOP, PHONE, opened

ROOT = Path(__file__).resolve().parents[2]
LOOKED_AT = [
    "",
    "tutorial/",
    "how-to/policy/",
    "concepts/decision/",
    "reference/api/",
    "reference/audit/",
    "reference/cli/",
    "reference/configuration/",
    "adr/0002-dependencies/",
]
AS_SEEN = [(PHONE, True), (DESKTOP, False)]  # colours differ by scheme, the rest by width: each occurs once
LONG = {"reference/api/": AS_SEEN[1:], "reference/cli/": AS_SEEN[:1]}  # uniform pages, on which axe takes long

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        """Nobody reads it."""


class Page(HTMLParser):
    """The places of a page, and where it leads."""

    def __init__(self, text):
        super().__init__()
        self.places, self.links = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.places |= {given.get("id"), given.get("name")} - {None}
        if tag in {"a", "link", "img", "script"}:
            self.links += [link for link in (given.get("href"), given.get("src")) if link]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, built as `make docs` does."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def address(site):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def broken_links(site):
    """Links that lead to no file of the site, or to no anchor of a page."""
    pages = {f"/{path.relative_to(site)}": Page(path.read_text("utf-8")) for path in site.rglob("*.html")}
    for name, page in pages.items():
        for link in page.links if name != "/404.html" else ():
            there, place = urldefrag(urljoin(f"http://docs{name}", link))
            parts = urlsplit(there)
            path = unquote(parts.path) + ("index.html" if parts.path.endswith("/") else "")
            lost = not (site / path.lstrip("/")).is_file() or (
                place and path in pages and place not in pages[path].places
            )
            if parts.netloc == "docs" and lost:
                yield f"{name}: {link}"


def test_every_link_and_anchor_leads_somewhere(site):
    assert list(broken_links(site)) == []


def test_links_that_lead_nowhere_are_found(tmp_path):
    (tmp_path / "drawing.svg").write_text("<svg/>")
    links = (
        "./",
        "#here",
        "drawing.svg#part",
        "https://example.org/#any",
        "gone.html",
        "#gone",
        "./#gone",
        "gone.svg#part",
    )
    (tmp_path / "index.html").write_text("<p id=here>" + "".join(f"<a href='{link}'></a>" for link in links))
    assert list(broken_links(tmp_path)) == [f"/index.html: {link}" for link in links[4:]]


@pytest.mark.parametrize("name", LOOKED_AT, ids=lambda name: name.strip("/") or "index")
def test_a_page_is_quiet_and_can_be_read_by_everyone(browser, address, name):
    for width, dark in LONG.get(name, AS_SEEN):
        with opened(browser, address + name, width=width, dark=dark) as there:
            there.keep(f"docs_{name.strip('/').replace('/', '_') or 'index'}_{width}_{'dark' if dark else 'light'}")
            assert there.complaints == []
            assert there.violations() == []
            assert there.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_search_finds(browser, address):
    with opened(browser, address) as there:
        there.page.get_by_role("textbox", name="Search").click()
        there.page.keyboard.type("holdout budget")
        there.page.locator(".md-search-result__item a").first.wait_for()
        assert there.complaints == []
