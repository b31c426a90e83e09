"""`promotion approve`: which approvals are missing, and the effect of the last one."""

import json
import re


class TestApprove:
    def test_the_approval_that_completes_the_number_promotes(self, two_must_approve, command, by):
        code, out, _ = command("gate", "toy:weak")
        assert code == 4
        assert out.splitlines()[0].strip() == "PROMOTE, waits for approval  toy:weak (no champion yet)"
        assert out.splitlines()[2].strip() == (
            "To approve it, run `promotion approve toy:weak --reason …`; to deny it, `promotion deny toy:weak --reason …`."
        )
        assert "toy:weak passed and waits for approval" in command("status")[1]
        code, out, err = command("promote", "toy:weak", "--reason", "r", "--yes")
        assert (code, out) == (1, "")
        assert re.fullmatch(
            r"Error: toy:weak passed and waits for approval until [-0-9]+ [:0-9]+ UTC: 2 approvals are missing, from "
            r"config:tests or config:bob or config:carol, and not only from config:tests\. Run `promotion approve toy:weak "
            r"--reason …`\. To promote it without approval, use --override\.\n",
            err,
        )
        code, out, _ = command("approve", "toy:weak", "--reason", "looks good")
        assert code == 0
        assert (
            "Recorded: toy:weak passed and waits for approval (approved by config:tests; 1 approval is missing, from "
            "config:bob or config:carol): `promotion approve toy:weak --reason …`, until 20"
        ) in " ".join(out.split())
        assert "approved by config:tests; 1 approval is missing, from config:bob or config:carol" in " ".join(
            command("status")[1].split()
        )
        by("bob")
        data = json.loads(command("approve", "toy:weak", "--reason", "to me too", "--json")[1])
        assert (data["champion"], data["answer"]["approved"], data["dry_run"]) == ("toy:weak", True, False)
        assert data["reason"] == "Approved by config:tests and config:bob: to me too"
        assert "waits for approval" not in command("status")[1]
        history = command("history", "toy")[1]
        assert "approved toy:weak: looks good" in history
        assert "config:bob" in history
