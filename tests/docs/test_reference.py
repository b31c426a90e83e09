"""The page of commands says what the commands say."""

from reference import PAGE, written


def test_the_page_of_commands_is_not_stale():
    assert PAGE.read_text("utf-8") == written(), "`make reference` writes it again"
