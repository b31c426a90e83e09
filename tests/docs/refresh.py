"""Update the printed output in a page: `python tests/docs/refresh.py docs/tutorial.md`.

Each line of a `text` block becomes the most similar printed line. Review the difference before you commit it.
"""

import sys
import tempfile
from difflib import SequenceMatcher
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from pages import blocks_of, masked, page_environment, run_page
from servers import free_port, prefect_server_in


def refresh(page):
    """Run the page and rewrite its `text` blocks."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        for part in ("page", "home", "server"):
            (root / part).mkdir()
        with prefect_server_in(root / "server") as server:
            printed = dict(run_page(page, root / "page", page_environment(root, server.api_url, free_port())))
    lines = page.read_text("utf-8").splitlines()
    for block in blocks_of(page):
        if block in printed:
            end = block.line + len(block.source.splitlines())
            lines[block.line : end] = nearest(block.source.splitlines(), printed[block].splitlines())
    page.write_text("\n".join(lines) + "\n", "utf-8")


def nearest(shown, printed):
    """For each line shown the printed line most like it, none before the one found last."""
    found, start = [], 0
    for line in shown:
        if not line.strip() or start == len(printed):
            found.append(line)
            continue
        place = max(range(start, len(printed)), key=lambda at: (likeness(line, printed[at]), -at))
        found.append(printed[place].rstrip())
        start = place + 1
    return found


def likeness(one, other):
    return SequenceMatcher(None, "".join(masked(one)), "".join(masked(other)), autojunk=False).ratio()


if __name__ == "__main__":
    for name in sys.argv[1:]:
        refresh(Path(name))
