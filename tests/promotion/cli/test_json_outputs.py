"""Each command once with `--json`; the `command` fixture checks what it prints with the command's schema."""

import json
from pathlib import Path

import pytest
from schemas import OUTPUTS

pytestmark = pytest.mark.slow
FILE = ("--label", "y", "--champion", "p", "--challenger", "q")


def test_every_command_prints_what_its_schema_says(with_champion, configuration, command, by, second, at):
    Path("policy.toml").write_text('primary = { metric = "roc_auc" }\n')
    Path("predictions.csv").write_text("y,p,q\n" + "".join(f"{n % 2},{n / 90},{n * n % 90 / 90}\n" for n in range(80)))
    ran = set()

    def run(code, *words):
        found, out, err = command(*words, "--json")
        assert found == code, (words, out, err)
        ran.add(next(name for name in (" ".join(words[:2]), words[0]) if name in OUTPUTS))
        return json.loads(out) if "export" not in words else None

    Path("promotion.toml").write_text(f'{configuration}approval = "required"\n')
    for answer in ("deny", "approve"):
        by("ann")
        run(4, "gate", "toy:good")
        by("bob")
        run(0, answer, "toy:good", "--reason", "r")
    Path("promotion.toml").write_text(configuration)
    run(5, "audit")
    run(0, "rollback", "toy", "--reason", "r", "--yes")
    decision = run(0, "metrics", "toy")[0]["decision"]
    for words in (
        ("status",),
        ("champion", "toy"),
        ("champion", "toy", "--at", run(0, "history", "toy")[-1]["at"]),
        ("history", "toy"),
        ("history", "toy", "--champions"),
        ("show", "toy:good"),
        ("show", decision),
        ("report", decision, "--out", "report.html"),
        ("report", "--site", "site"),
        ("policy", "check"),
        ("replay", "toy", "--policy", "policy.toml"),
        ("compare", "toy:weak", "toy:good"),
        ("compare", "predictions.csv", *FILE),
        ("readmit", "toy:good", "--reason", "r"),
        ("gate", "toy:good", "--dry-run"),
        ("promote", "toy:good", "--override", "--reason", "r", "--yes"),
        ("adopt", "toy:twin", "--assume-clean", "--reason", "r"),
        ("adopt", "toy:twin", "--served-from", "2020-01-01", "--served-until", "2020-02-01", "--reason", "r"),
        ("champion", "toy", "--at", "2020-01-15"),
        ("adopt", "toy", "--all"),
        ("repair", "--yes"),
        ("sync",),
        ("gc", "toy", "--older-than", "0d", "--dry-run"),
        ("ledger", "export", "--out", "ledger.jsonl"),
        ("ledger", "import", "ledger.jsonl"),
        ("ledger", "upgrade"),
        ("key", "ci.pem"),
    ):
        run(0, *words)
    run(4, "compare", "predictions.csv", *FILE, "--policy", "policy.toml")
    run(2, "gate")
    at(second, "status")
    run(0, "ledger", "take", "toy", "--reason", "r", "--yes")
    Path("promotion.toml").rename("before.toml")
    run(0, "init")
    assert ran == set(OUTPUTS) - {"retrain", "serve", "error"}, "retrain and serve are in tests/e2e"
