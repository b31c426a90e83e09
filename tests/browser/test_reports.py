"""The report of a decision in a browser: phone and desktop, light and dark, accessible to screen readers."""

import pytest
from chromium import DESKTOP, PHONE, opened
from ledgers import record_history

from promotion.adapters.sql import SqlLedger
from promotion.report.decision_report import decision_document, recorded
from promotion.report.html import page_html

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("browser")]
AS_SEEN = [(PHONE, False), (PHONE, True), (DESKTOP, False), (DESKTOP, True)]


@pytest.fixture
def reports(tmp_path):
    """Reports of a first model, and of one that was judged against it."""
    ledger = SqlLedger(f"sqlite:///{tmp_path / 'ledger.db'}")
    state, paths = record_history(ledger, "toy", 2), []
    for one in recorded(state, tuple(ledger.entries("toy"))):
        paths.append(tmp_path / f"{one.entry.seq}.html")
        paths[-1].write_text(page_html(decision_document(one)))
    return paths


def test_a_report_is_whole_quiet_and_can_be_read_by_everyone(browser, reports):
    """In all four looks it is whole; each width and each colour scheme is searched for what is hard to read, once."""
    for path in reports:
        with opened(browser, path.as_uri(), width=PHONE) as there:
            for width, dark in AS_SEEN:
                there.page.set_viewport_size({"width": width, "height": 900})
                there.page.emulate_media(color_scheme="dark" if dark else "light")
                assert there.page.evaluate("document.documentElement.scrollWidth") <= width
                boxes = there.page.evaluate("[...document.querySelectorAll('svg')].map(one => one.getBBox().width)")
                assert len(boxes) >= 6
                assert min(boxes) > 100
                if dark is (width == DESKTOP):
                    there.keep(f"decision_report_{path.stem}_{width}_{'dark' if dark else 'light'}")
                    assert there.violations() == []
            assert there.complaints == []
