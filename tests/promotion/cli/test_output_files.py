"""A command's output replaces its own earlier output, and no file that somebody else wrote."""

import os

import pytest

pytestmark = pytest.mark.integration

COMMANDS = [
    ("metrics", "toy", "--export", "{}", "--format", "csv"),
    ("metrics", "toy", "--export", "history.csv", "--plot", "{}"),
    ("report", "toy:weak", "--out", "{}"),
    ("ledger", "export", "--out", "{}"),
]
LEFT = (
    "{} was not overwritten: expected a new file, or a page, plot or export that `promotion` wrote, found another "
    "file ({:,} bytes). Move or delete it if you do not need it. "
)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_file_of_somebody_else_is_left_as_it_is(with_champion, command, arguments):
    (with_champion / "page.html").write_text("<!doctype html>\n<title>mine</title>\n")
    (with_champion / "plot.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>\n')
    (with_champion / "rows.parquet").write_bytes(b"PAR1 cut short")
    named = ["page.html", "plot.svg"]
    if "--plot" not in arguments:
        named += ["rows.csv", "rows.parquet", "promotion.toml", "ledger.db"]
    for name in named:
        before = (with_champion / name).read_bytes()
        code, said, told = command(*(one.format(name) for one in arguments))
        assert (code, said) == (1, "")
        assert told.startswith(f"Error: {LEFT.format(name, len(before))}"), told
        assert told.count("\n") == 1
        assert (with_champion / name).read_bytes() == before
    assert not (with_champion / "history.csv").exists(), "of two files both are written or neither"


@pytest.mark.slow
def test_its_own_earlier_files_are_replaced_without_asking_whatever_they_are(with_champion, command):
    lines = [
        *(("metrics", "toy", "--export", f"history.{suffix}") for suffix in ("csv", "parquet", "om", "prom")),
        *(("metrics", "toy", "--plot", f"history.{suffix}") for suffix in ("svg", "html")),
        ("report", "toy:weak", "--out", "weak.html"),
        ("ledger", "export", "--out", "ledger.jsonl"),
    ]
    for line in lines:
        (with_champion / line[-1]).write_text("")  # as `mktemp` creates it
        for _ in range(2):
            code, _, told = command(*line)
            assert (code, "Error" in told) == (0, False), told
    assert command("report", "toy:weak", "--out", "history.parquet")[0] == 0


@pytest.mark.slow
def test_an_exported_ledger_is_replaced_by_one_that_goes_on_from_it_alone(with_champion, command):
    export, file = ("ledger", "export", "--out", "ledger.jsonl"), with_champion / "ledger.jsonl"
    assert command(*export)[0] == 0
    shorter = file.read_bytes()
    assert command("gate", "toy:good")[0] == 0
    assert command(*export)[0] == 0
    longer = file.read_bytes()
    assert len(longer) > len(shorter)

    (with_champion / "ledger.db").rename(with_champion / "longer.db")
    assert command("ledger", "import", "ledger.jsonl")[0] == 0  # the same ledger, complete
    assert command(*export)[0] == 0
    (with_champion / "ledger.db").unlink()
    (with_champion / "shorter.jsonl").write_bytes(shorter)
    assert command("ledger", "import", "shorter.jsonl")[0] == 0
    code, said, told = command(*export)
    assert (code, said) == (1, "")
    assert told == (
        "Error: ledger.jsonl was not replaced: it is an export with entries of toy that the new one would not contain. Name "
        "another file with --out.\n"
    )
    assert command("report", "toy:weak", "--out", "ledger.jsonl")[0] == 1
    assert file.read_bytes() == longer


def test_a_site_writes_nothing_where_one_of_its_names_is_taken(with_champion, command):
    site = with_champion / "site"
    site.mkdir()
    (site / "index.html").write_text("<!doctype html>\n<title>the team's own</title>\n")
    code, said, told = command("report", "--site", site)
    assert (code, said) == (1, "")
    assert f"{LEFT.format(site / 'index.html', 46)}Give --site a folder of its own.\n" in told
    assert [path.name for path in site.iterdir()] == ["index.html"]


def test_a_pipe_or_device_is_no_file(with_champion, command, tmp_path):
    os.mkfifo(tmp_path / "pipe.html")
    code, _, told = command("report", "toy:weak", "--out", tmp_path / "pipe.html")
    assert code == 1
    assert (
        "found something that is not a file. Move or delete it if you do not need it. Name another file with --out.\n"
        in told
    )
