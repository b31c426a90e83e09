"""The tables of docs/concepts/metrics.md list every metric of the catalogue."""

import re
from pathlib import Path

from promotion.metrics.catalogue import CATALOGUE

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "metrics.md"


def test_every_metric_has_a_row():
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert {one.name for one in CATALOGUE} <= listed
