"""The pages of commands, configuration and the Python interface match the code."""

import pytest
from reference import PAGE, WRITTEN

import promotion


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.stem)
def test_a_page_that_is_written_from_the_code_is_not_stale(page):
    assert page.read_text("utf-8") == WRITTEN[page](), "`make reference` writes it again"


def test_the_page_of_python_has_every_public_name():
    page = (PAGE.parent / "api.md").read_text("utf-8")
    listed = {line.rpartition(".")[2] for line in page.splitlines() if line.startswith(":::")}
    of_errors = {"DataError", "PromotionError"}  # the page shows `promotion.errors` completely
    assert set(promotion.__all__) - listed - of_errors == {"open", "Sketch"}, "shown as open_registry and HoldoutSketch"
