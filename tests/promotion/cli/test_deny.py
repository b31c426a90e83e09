"""`promotion deny`: it rejects, and names the actor."""


def test_a_denial_rejects_and_says_so(two_must_approve, command, by):
    command("gate", "toy:weak")
    by("carol")
    code, out, _ = command("deny", "toy:weak", "--reason", "wrong month")
    assert (code, out.splitlines()[-1]) == (0, "Denial done (toy:weak staging → rejected).")
    by("bob")
    code, _, err = command("approve", "toy:weak", "--reason", "but I like it")
    assert code == 1
    assert err.startswith("Error: toy:weak was denied by config:carol at 2")
    assert err.endswith("wrong month. Run `promotion gate toy:weak` to judge it again.\n")
    assert command("gate", "toy:weak")[0] == 4
    assert "reopening: toy:weak rejected → staging" in command("history", "toy")[1]
