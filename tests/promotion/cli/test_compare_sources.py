"""`promotion compare` on predictions in a folder, at a URL and from a query."""

import json
import os
import pickle

import numpy as np
import pandas as pd
import pytest
from sources import gcs, s3, web, write_folder, write_table

__all__ = ["gcs", "s3", "web"]
pytestmark = pytest.mark.integration
ASKED = ("--label", "y", "--champion", "old", "--challenger", "new", "--slice", "card", "--json")


@pytest.fixture
def predictions():
    drawn = np.random.default_rng(5)
    y = drawn.integers(0, 2, 900)
    scores = {name: np.round(y * much + drawn.normal(size=900), 6) for name, much in {"old": 0.5, "new": 1.5}.items()}
    return pd.DataFrame({"y": y, **scores, "card": drawn.choice(["visa", "amex"], 900)})


def test_every_source_gives_the_same_comparison(predictions, tmp_path, web, s3, gcs, postgres_server, command):
    predictions.to_csv("rows.csv", index=False)
    expected = json.loads(command("compare", "rows.csv", *ASKED)[1])
    write_folder(predictions, tmp_path / "parts")
    predictions.to_parquet(web.folder / "rows.parquet", index=False)
    s3.put_object(Bucket="rows", Key="rows.parquet", Body=predictions.to_parquet(index=False))
    gcs("rows.parquet", predictions.to_parquet(index=False))
    url = postgres_server.new_database()
    for place in (url, "sqlite:///rows.db"):
        write_table(predictions, place)
    before = sorted(path.name for path in tmp_path.iterdir())
    for named in (
        ("parts",),
        ("parts/*.parquet",),
        ("s3://rows/*.parquet",),
        ("gs://rows/rows.parquet",),
        ("gs://rows/*.parquet",),
        (f"{web.url}/rows.parquet",),
        ("--sql", "select * from 'parts/*.parquet'"),
        ("--sql", "select * from rows", "--url", "sqlite:///rows.db"),
        ("--sql", "select * from rows", "--url", url),
    ):
        code, out, err = command("compare", *named, *ASKED)
        assert (code, err) == (0, "")
        assert json.loads(out) == expected
    assert " of parts/*.parquet. " in " ".join(command("compare", "parts/*.parquet", *ASKED[:-1])[1].split())
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_errors_name_the_source_and_not_its_copy(predictions, tmp_path, web, command):
    predictions.to_parquet(web.folder / "rows.parquet", index=False)
    address = f"{web.url.replace('://', '://me:s3cret@')}/rows.parquet"
    code, _, err = command("compare", address, "--label", "y", "--champion", "old", "--challenger", "neww")
    shown = f"{web.url.replace('://', '://***@')}/rows.parquet"
    assert (code, err) == (1, f"Error: {shown}, --challenger: There is no column 'neww'. Did you mean 'new'?\n")
    code, out, _ = command("compare", address, *ASKED[:-1])
    assert code == 0
    assert "s3cret" not in out


def test_the_gate_judges_on_a_url_and_gc_deletes_what_only_a_dry_run_read(here, rows_file, web, command):
    (web.folder / "rows.csv").write_bytes(rows_file.read_bytes())
    address = f"{web.url.replace('://', '://me:s3cret@')}/rows.csv?token=s3cret"
    shown = f"{web.url.replace('://', '://***@')}/rows.csv?***"
    code, out, err = command("gate", "toy:weak", "--data", address)
    assert (code, err) == (0, "")
    assert f"of {shown}" in " ".join(out.split())
    (web.folder / "rows.csv").write_text(rows_file.read_text().replace(",0,", ",0,", 1) + "2400,1,99999,0.5,0.5\n")
    command("gate", "toy:good", "--data", address, "--dry-run")
    folder = here / ".promotion" / "snapshots"
    judged, tried = sorted(folder.iterdir(), key=lambda one: one.stat().st_size)
    for one in (judged, tried):
        os.utime(one, (0, 0))
    unsaved = here / ".promotion" / "unsaved" / "toy-1.pkl"  # as a training leaves it whose model could not be saved
    unsaved.parent.mkdir()
    unsaved.write_bytes(pickle.dumps({"data": f".promotion/snapshots/{tried.name}"}))
    assert tried.name not in command("gc", "toy", "--dry-run")[1]
    unsaved.unlink()
    code, out, _ = command("gc", "toy", "--dry-run")
    assert f"Snapshot of data to delete, because no record needs it: {tried.name}." in " ".join(out.split())
    assert command("gc", "toy", "--yes")[1].splitlines()[-1] == f"Deleted {tried.name}."
    assert list(folder.iterdir()) == [judged]
    assert "s3cret" not in "".join(command(*words)[1] for words in (("history", "toy"), ("show", "toy:weak", "--json")))
