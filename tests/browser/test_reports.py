"""The report of a decision as people meet it: on a phone and a desk, by day and night, through a screen reader."""

import pytest
from chromium import DESKTOP, PHONE, opened
from situation import toy

from promotion.registry.record import Origin
from promotion.report.decision_report import decision_document, recorded
from promotion.report.html import page_html

pytestmark = pytest.mark.xdist_group("browser")
AS_SEEN = [(PHONE, False), (PHONE, True), (DESKTOP, False), (DESKTOP, True)]


@pytest.fixture
def reports(registry_with_champion, tmp_path):
    """Of a first model, and of one that was judged against it."""
    registry_with_champion.register(toy("good"), Origin(run_id="run-good"))
    registry_with_champion.gate(toy("good"))
    entries = registry_with_champion.history("toy")
    paths = []
    for one in recorded(registry_with_champion.state("toy"), entries):
        paths.append(tmp_path / f"{one.entry.seq}.html")
        paths[-1].write_text(page_html(decision_document(one)))
    return paths


def test_it_is_whole_quiet_and_can_be_read_by_everyone(browser, reports):
    for path in reports:
        for width, dark in AS_SEEN:
            with opened(browser, path.as_uri(), width=width, dark=dark) as there:
                there.keep(f"decision_report_{path.stem}_{width}_{'dark' if dark else 'light'}")
                assert there.complaints == []
                assert there.page.evaluate("document.documentElement.scrollWidth") <= width
                boxes = there.page.evaluate("[...document.querySelectorAll('svg')].map(one => one.getBBox().width)")
                assert len(boxes) >= 6
                assert min(boxes) > 100
                assert there.violations() == []
