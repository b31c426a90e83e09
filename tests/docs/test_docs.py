"""Every code block of README and docs runs, in order, in one folder per page; see `pages.py` for how."""

import socket
from contextlib import closing
from pathlib import Path

import pytest
from pages import TERMINAL, blocks_of, masked, missing_lines, page_environment, problems_of, run_page, runs_flows
from servers import SECOND_TRY, free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NEEDS_NO_RUN = {"text", "console", "mermaid", "help"}
RUN = [page for page in PAGES if any(block.language not in NEEDS_NO_RUN for block in blocks_of(page))]


def name_of(page):
    return page.relative_to(ROOT).as_posix()


def marks_of(page):
    group = pytest.mark.xdist_group(f"docs {name_of(page)}")
    return [group, SECOND_TRY] if any(block.title.endswith(TERMINAL) for block in blocks_of(page)) else [group]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", [pytest.param(page, marks=marks_of(page)) for page in RUN], ids=name_of)
def test_blocks_of_page_run_and_print_what_it_shows(page, tmp_path, request):
    folder = tmp_path / "page"
    for part in ("page", "home"):
        (tmp_path / part).mkdir(exist_ok=True)
    api_url = request.getfixturevalue("prefect_server") if runs_flows(page) else ""
    environment = page_environment(tmp_path, api_url, free_port())
    with closing(run_page(page, folder, environment)) as blocks:
        for shown, printed in blocks:
            assert missing_lines(shown.source, printed) == [], f"{shown} is not what was printed:\n{printed}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_of_page_can_be_run(page):
    assert [problem for block in blocks_of(page) for problem in problems_of(block)] == []


SECOND_TERMINAL = """
```bash title="In a second terminal"
echo http://127.0.0.1:4200
{command}
```

```text
http://127.0.0.1:4200
```

```python
from urllib.request import urlopen
print(urlopen("http://127.0.0.1:4200").status)
```

```text
200
```
"""


def run_of_second_terminal(tmp_path, command):
    page, port = tmp_path / "page.md", free_port()
    page.write_text(SECOND_TERMINAL.format(command=command))
    (tmp_path / "page").mkdir()
    return run_page(page, tmp_path / "page", page_environment(tmp_path, "", port)), port


def test_a_second_terminal_goes_on_until_the_end_of_the_page(tmp_path):
    blocks, port = run_of_second_terminal(tmp_path, "python -m http.server --bind 127.0.0.1 $PREFECT_SERVER_API_PORT")
    assert [missing_lines(shown.source, printed) for shown, printed in blocks] == [[], []]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_second_terminal_that_ends_early_is_told(tmp_path):
    blocks, _ = run_of_second_terminal(tmp_path, "exit 3")
    with pytest.raises(AssertionError, match=r"page\.md:2 \(bash In a second terminal\) ended with code 3"):
        list(blocks)


def test_a_line_that_was_not_printed_is_found():
    assert missing_lines("one 17\nthree", "one 23\ntwo\nthree\n") == []
    assert missing_lines("three\none 17", "one 23\ntwo\nthree\n") == ["one NUMBER"]


def test_masks_leave_words_and_small_numbers():
    line = "PROMOTED  toy:4hpt3cxgnkc6yax4 at 2026-11-22 11:48, decision c068c7443fbc: +0.0418 of 15,000, exit code 4"
    assert masked(line) == ["PROMOTED toy:VERSION at TIME, decision ID: NUMBER of NUMBER, exit code 4"]
