"""docs/reference/audit.md describes every code, and no other."""

import re
from pathlib import Path

from promotion.findings import Code, severity_of

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/audit.md"
ROWS = re.findall(r"^\| `(AUD\d+)` \| (\w+)[^|]*\|(.*)\|$", PAGE.read_text("utf-8"), re.MULTILINE)


def test_every_code_has_one_row_in_order():
    assert [code for code, _, _ in ROWS] == [code.value for code in Code]


def test_each_row_tells_severity_meaning_and_what_to_do():
    for code, severity, rest in ROWS:
        assert severity == severity_of(Code(code)), code
        assert [bool(cell.strip()) for cell in rest.split("|")] == [True] * 3, code
