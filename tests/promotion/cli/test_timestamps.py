"""Times relative to now, as a person writes them."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from promotion.cli.output import Misuse
from promotion.cli.timestamps import timestamp_of

AGO = {
    "30s": timedelta(seconds=30),
    "90m": timedelta(minutes=90),
    "12h": timedelta(hours=12),
    "2d": timedelta(days=2),
    "2d ago": timedelta(days=2),
    "2 days ago": timedelta(days=2),
    "1 day ago": timedelta(days=1),
    "5 MINUTES ago": timedelta(minutes=5),
    " 3 weeks ": timedelta(weeks=3),
}


@pytest.mark.parametrize("text", AGO)
def test_a_length_of_time_is_that_long_ago(text):
    before = datetime.now(UTC)
    found = timestamp_of(text)
    assert before - AGO[text] <= found <= datetime.now(UTC) - AGO[text]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_a_day_is_the_start_of_that_local_day(zone, monkeypatch):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    today = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    assert timestamp_of("today") == timestamp_of(today.date().isoformat())
    assert timestamp_of("Yesterday") == timestamp_of((today.date() - timedelta(days=1)).isoformat())


@pytest.fixture(autouse=True)
def own_zone(monkeypatch):
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("text", ["last week", "2 months ago", "two days ago", "-2d", "2d from now", "999999999w", "d"])
def test_anything_else_is_an_error(text):
    with pytest.raises(Misuse, match=rf"^'{text}' is not a valid time: expected .* or '2 days ago'[.]$"):
        timestamp_of(text)
