"""The documents as a site: every link leads somewhere, pages ask for nothing elsewhere, and everyone can read them."""

import subprocess
import sys
import threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from chromium import DESKTOP, PHONE, chromium, opened

ROOT = Path(__file__).resolve().parents[2]
LOOKED_AT = ["", "tutorial/", "concepts/decision/", "reference/cli/", "reference/configuration/"]
AS_SEEN = [(PHONE, False), (PHONE, True), (DESKTOP, False), (DESKTOP, True)]

pytestmark = pytest.mark.xdist_group("browser")


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


@pytest.fixture(scope="module")
def browser():
    with chromium() as one:
        yield one


def test_every_link_and_anchor_leads_somewhere(site):
    pages = {f"/{path.relative_to(site)}": Page(path.read_text("utf-8")) for path in site.rglob("*.html")}
    broken = []
    for name, page in pages.items():
        for link in page.links:
            there, place = urldefrag(urljoin(f"http://docs{name}", link))
            parts = urlsplit(there)
            if parts.netloc != "docs" or name == "/404.html":
                continue
            path = unquote(parts.path) + ("index.html" if parts.path.endswith("/") else "")
            if not (site / path.lstrip("/")).exists() or (place and place not in pages[path].places):
                broken.append(f"{name}: {link}")
    assert broken == []


@pytest.mark.parametrize("name", LOOKED_AT, ids=lambda name: name.strip("/") or "index")
def test_a_page_is_quiet_and_can_be_read_by_everyone(browser, address, name):
    for width, dark in AS_SEEN:
        with opened(browser, address + name, width=width, dark=dark) as there:
            there.keep(f"docs_{name.strip('/').replace('/', '_') or 'index'}_{width}")
            assert there.complaints == []
            assert there.violations() == []


def test_the_search_finds(browser, address):
    with opened(browser, address) as there:
        there.page.get_by_role("textbox", name="Search").click()
        there.page.keyboard.type("holdout budget")
        there.page.locator(".md-search-result__item a").first.wait_for()
        assert there.complaints == []
