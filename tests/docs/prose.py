"""Check the prose of code and docs against a list of phrases that this project no longer writes: `make lint`."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READ = ("promotion/**/*.py", "registry_flows/**/*.py", "benchmarks/*.py", "docs/**/*.md", "*.md")
INSTEAD = {
    "yet to come": "in the future",
    "are told": "say who tells: 'the command lists …'",
    "goes before": "overrides",
    "unless told": "defaults to …",
    "begins? anew": "starts over, or: resets",
    "nobody's": "say who: 'does not need approval'",
    "none the less": "still",
    "is no recipe": "is not a valid recipe",
    "as one who": "as a user who",
    "in words for": "with alt text",
    "believed by": "informational only",
    "it is said": "say who says it",
    "gone for good": "deleted",
    "what it has come to": "the resulting state",
    "is no news": "is known",
    "what is so": "the state",
    "goes with": "applies to",
}
FOUND = re.compile(r"\b(" + "|".join(INSTEAD) + r")\b", re.IGNORECASE)


def complaints():
    """Yield a sentence for each phrase found, with its place."""
    for path in sorted({path for pattern in READ for path in ROOT.glob(pattern)}):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            for phrase in FOUND.findall(line):
                better = next(one for pattern, one in INSTEAD.items() if re.fullmatch(pattern, phrase, re.IGNORECASE))
                yield f"{path.relative_to(ROOT)}:{number}: '{phrase}': write instead: {better}"


if __name__ == "__main__":
    sys.exit("\n".join(complaints()) or 0)
