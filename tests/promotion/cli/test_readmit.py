"""`promotion readmit`: the recorded reason for readmitting a rolled-back version."""


def test_a_readmission_says_where_the_same_files_are_kept_out_still(with_champion, command):
    for name in ("good", "twin"):
        command("promote", f"toy:{name}", "--override", "--reason", "r", "--yes")
        command("rollback", "toy", "--reason", f"{name} is bad", "--yes")
    code, out, _ = command("readmit", "toy:good", "--reason", "r")
    assert code == 0
    assert out.startswith("toy:good is readmitted, but the gate still holds it. config:tests rolled back from toy:twin")
    assert command("gate", "toy:good", "--dry-run")[0] == 4
    assert command("readmit", "toy:twin", "--reason", "r")[1] == (
        "toy:twin is readmitted: `promotion gate toy:twin` judges it again like any other version.\n"
    )
