"""Debian's Chromium, driven by Playwright: layout and accessibility of pages, offline."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SCREENSHOTS = Path(__file__).parents[1] / "build" / "screenshots"
PHONE, DESKTOP = 390, 1280
MOST_PIXELS = 8000  # height of a screenshot from the top; the Python page has five times as many on a phone
OURS = ("file:", "data:", "blob:", "about:", "http://127.0.0.1:")
GRAVE = {"serious", "critical"}


@dataclass
class Opened:
    """A page with the errors on its console, and the requests that would leave this machine."""

    page: object
    complaints: list[str] = field(default_factory=list)

    def violations(self):
        """Return what axe-core calls serious or critical, one sentence each."""
        from axe_playwright_python.sync_playwright import Axe

        self.page.evaluate(Axe().axe_script)
        # Not `Axe().run`, which also returns the rules that pass: megabytes for a long page.
        found = self.page.evaluate(
            "axe.run({resultTypes: ['violations'], selectors: false}).then(all => all.violations)"
        )
        return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in GRAVE]

    def keep(self, name):
        """Save a screenshot in build/screenshots, cut off below the maximum height."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        width, height = self.page.evaluate("[innerWidth, document.documentElement.scrollHeight]")
        part = {"x": 0, "y": 0, "width": width, "height": min(height, MOST_PIXELS)}
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True, clip=part)


@contextmanager
def opened(browser, url, *, width=DESKTOP, dark=False):
    """Open a page in its own browser context."""
    scheme = "dark" if dark else "light"
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    there = Opened(context.new_page())

    def pass_on(route):
        if route.request.url.startswith(OURS):
            route.continue_()
        else:
            there.complaints.append(f"asked for {route.request.url}")
            route.abort()

    context.route("**/*", pass_on)
    there.page.on("console", lambda told: there.complaints.append(told.text) if told.type == "error" else None)
    there.page.on("pageerror", lambda error: there.complaints.append(str(error)))
    try:
        there.page.goto(url)
        yield there
    finally:
        context.close()


@contextmanager
def chromium():
    """The browser; skips the test if it is not installed."""
    if not CHROMIUM.exists():
        pytest.skip(f"There is no {CHROMIUM}; `apt-get install chromium` brings it.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()
