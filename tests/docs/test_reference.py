"""The pages of commands and of the Python interface say what there is."""

from reference import PAGE, written

import promotion


def test_the_page_of_commands_is_not_stale():
    assert PAGE.read_text("utf-8") == written(), "`make reference` writes it again"


def test_the_page_of_python_has_every_public_name():
    page = (PAGE.parent / "api.md").read_text("utf-8")
    listed = {line.rpartition(".")[2] for line in page.splitlines() if line.startswith(":::")}
    of_errors = {"DataError", "PromotionError"}  # `promotion.errors` is shown whole
    assert set(promotion.__all__) - listed - of_errors == {"open"}, "which is shown as open_registry"
