"""`promotion champion`: the champion now, and at a past moment."""

import json
import re
import time
from datetime import datetime, timedelta, timezone

import pandas as pd
import pytest

import promotion
from promotion.adapters.sql import SqlLedger
from promotion.errors import ConfigError, UnclearTime

pytestmark = pytest.mark.integration


def recorded():
    return promotion.open().history("toy")


def moment(at, **later):
    return (datetime.fromisoformat(at) + timedelta(**later)).isoformat()


class TestChampion:
    def test_before_the_first_promotion_nobody_serves(self, here, command):
        code, out, err = command("champion", "toy")
        assert (code, out) == (1, "")
        assert err == (
            "Error: There is no champion of 'toy' yet, according to the ledger. There is no ledger at "
            f"sqlite:///{here}/ledger.db yet. If there should be one, check `ledger` in promotion.toml and "
            "PROMOTION_LEDGER. Otherwise the first `promotion gate`, `retrain` or `adopt` creates it.\n"
        )
        SqlLedger(f"sqlite:///{here}/ledger.db").make()
        code, out, err = command("champion", "toy", "--at", "2020-01-01T00:00Z")
        assert (code, out) == (1, "")
        assert err == "Error: There was no champion of 'toy' at 2020-01-01 00:00:00 UTC, according to the ledger.\n"

    def test_now_it_names_the_decision_that_show_explains(self, with_champion, command):
        code, out, err = command("champion", "toy")
        told = re.fullmatch(
            r"toy:weak has served since \d{4}-\d\d-\d\d \d\d:\d\d UTC \(\d+ (?:s|min) ago\)\. config:tests promoted it, by decision (\w{12}): .+\. `promotion show \1` shows more\.\n",
            out,
        )
        assert (code, err) == (0, "")
        data = json.loads(command("champion", "toy", "--json")[1])
        assert (data["tag"], data["decision_id"]) == ("toy:weak", told[1])
        assert data["path"] == str(with_champion / "bentoml" / "models" / "toy" / "weak")
        assert "PROMOTED  toy:weak (no champion yet)" in command("show", told[1])[1]

    @pytest.mark.parametrize(
        ("words", "said", "cause"),
        [
            (
                ["promote", "toy:twin", "--override"],
                "config:bob promoted it by hand in place of toy:good, without a passing decision: 'it's late'.",
                "override",
            ),
            (["rollback", "toy"], "config:bob rolled back from toy:good: 'it's late'.", "rollback"),
        ],
        ids=lambda one: one[0] if isinstance(one, list) else "",
    )
    def test_now_it_says_who_made_it_champion_how_and_why(self, with_champion, command, by, words, said, cause):
        assert command("gate", "toy:good")[0] == 0
        by("bob")
        assert command(*words, "--reason", "it's late", "--yes")[0] == 0
        out = command("champion", "toy")[1]
        assert f" ago). {said} `promotion show toy:" in out
        assert said in command("status", "toy")[1]
        data = json.loads(command("champion", "toy", "--json")[1])
        assert (data["cause"], data["actor"], data["reason"]) == (cause, "config:bob", "it's late")

    def test_at_each_moment_it_is_the_one_that_the_ledger_had_then(self, three_champions, command):
        first, second, third = (entry.at for entry in three_champions)
        code, _, err = command("champion", "toy", "--at", moment(first, microseconds=-1))
        assert code == 1
        assert f"The first was toy:weak, from {first[:19].replace('T', ' ')} UTC." in err
        told = {at: json.loads(command("champion", "toy", "--at", at, "--json")[1]) for at in (first, second, third)}
        assert [(one["tag"], one["cause"]) for one in told.values()] == [
            ("toy:weak", "promotion"),
            ("toy:good", "promotion"),
            ("toy:weak", "rollback"),
        ]
        assert [(one["since"], one["until"]) for one in told.values()] == [
            (first, second),
            (second, third),
            (third, None),
        ]
        before = json.loads(command("champion", "toy", "--at", moment(second, microseconds=-1), "--json")[1])
        assert before["tag"] == "toy:weak"

    def test_in_words_it_gives_decision_and_reason(self, three_champions, command):
        _, second, third = (entry.at for entry in three_champions)
        code, out, _ = command("champion", "toy", "--at", second)
        assert code == 0
        assert out.startswith(f"toy:good was in production at {second[:19].replace('T', ' ')} UTC")
        for line in (
            r"who +config:tests",
            r"why +The gain in roc_auc is \+0\.0868",
            r"decision +\w{12}, promote",
            r"judged on +1,200 rows of rows\.csv \(\w{12}\)",
            r"training rows +1,200",
        ):
            assert re.search(line, out), line
        assert re.search(r"cause +rollback\s+why +complaints since noon", command("champion", "toy", "--at", third)[1])

    def test_a_moment_without_a_zone_is_local_time(self, three_champions, command, monkeypatch):
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        try:
            second = datetime.fromisoformat(three_champions[1].at)
            in_tokyo = (second + timedelta(hours=9)).replace(tzinfo=None).isoformat()
            data = json.loads(command("champion", "toy", "--at", in_tokyo, "--json")[1])
        finally:
            monkeypatch.undo()
            time.tzset()
        assert (data["tag"], data["at"]) == ("toy:good", three_champions[1].at)

    @pytest.mark.parametrize(
        ("zone", "text", "says"),
        [
            (
                "America/New_York",
                "2025-11-02T01:30",
                "occurred twice, .* Write 2025-11-02T05:30:00Z or 2025-11-02T06:30:00Z",
            ),
            (
                "America/New_York",
                "2025-03-09T02:30",
                "did not exist, .* Write 2025-03-09T06:30:00Z or 2025-03-09T07:30:00Z",
            ),
            (
                "Australia/Lord_Howe",
                "2025-04-06T01:45",
                "occurred twice, .* Write 2025-04-05T14:45:00Z or 2025-04-05T15:15:00Z",
            ),
            (
                "Pacific/Apia",
                "2011-12-30T12:00",
                "did not exist, .* Write 2011-12-29T22:00:00Z or 2011-12-30T22:00:00Z",
            ),
        ],
    )
    def test_a_local_time_that_was_twice_or_never_is_an_error_that_shows_both(
        self, here, command, clock, zone, text, says
    ):
        clock(zone)
        for asked in (
            ["champion", "toy", "--at"],
            ["rollback", "toy", "--yes", "--reason", "r", "--at"],
            ["audit", "toy", "--since"],
        ):
            code, out, err = command(*asked, text)
            assert (code, out, err.count("\n")) == (2, "", 1)
            assert re.match(rf"Error: The local time '{text}:00' {says} \(.* here\), whichever is meant\.$", err)
        assert command("champion", "toy", "--at", f"{text}Z")[0] == 1  # no champion yet

    @pytest.mark.parametrize(
        ("zone", "text", "moment"),
        [
            ("America/New_York", "2025-11-02T02:00", "2025-11-02 07:00:00"),
            ("America/New_York", "2025-11-02T01:30-04:00", "2025-11-02 05:30:00"),
            ("America/Havana", "2025-11-02", "2025-11-02 04:00:00"),  # midnight occurred twice: the first
            ("America/Havana", "2025-03-09", "2025-03-09 05:00:00"),  # midnight never occurred: the start of the day
            ("America/New_York", "2025-W45", "2025-11-03 05:00:00"),
            ("Asia/Tokyo", "20251102", "2025-11-01 15:00:00"),
            ("Asia/Tokyo", "2025-11-02 09", "2025-11-02 00:00:00"),
        ],
    )
    def test_other_moments_are_read(self, here, command, clock, zone, text, moment):
        clock(zone)
        code, out, told = command("champion", "toy", "--at", text)
        assert (code, out) == (1, "")
        assert told.startswith(
            f"Error: There was no champion of 'toy' at {moment} UTC, according to the ledger. There "
        )

    def test_python_reads_a_datetime_without_a_zone_as_local_time(self, three_champions, clock):
        clock("America/New_York")
        registry = promotion.open()
        second = datetime.fromisoformat(three_champions[1].at)
        local = second.astimezone().replace(tzinfo=None)
        assert registry.champion("toy", at=local) == registry.champion("toy", at=second)
        unclear = datetime(2025, 11, 2, 1, 30)  # noqa: DTZ001 - as a user writes it
        for ask in (
            lambda: registry.champion("toy", at=unclear),
            lambda: registry.audit("toy", since=unclear),
            lambda: registry.rollback("toy", reason="r", at=unclear),
            lambda: registry.gc("toy", keep=1, reason="r", registered_before=unclear),
        ):
            with pytest.raises(UnclearTime, match=r"^The local time '2025-11-02T01:30:00' occurred twice"):
                ask()
        assert registry.champion("toy", at=pd.Timestamp(local)) == registry.champion("toy", at=second)
        for wrong, says in (
            (
                "2025-11-02",
                "A time must be a datetime, but is '2025-11-02'. `datetime.fromisoformat` reads one from text.",
            ),
            (
                datetime.max.replace(tzinfo=timezone(-timedelta(hours=1))),
                "9999-12-31T23:59:59.999999-01:00 is outside the range of times in UTC.",
            ),
        ):
            with pytest.raises(ConfigError, match=f"^{re.escape(says)}$"):
                registry.champion("toy", at=wrong)

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("last week", "'last week' is not a valid time: expected something like 2026-11-22 or 2026-11-22T14:30"),
            ("", "'' is not a valid time"),
            ("2026-02-30", "'2026-02-30' is not a valid time"),
            ("0001-01-01T00:00+23:59", "'0001-01-01T00:00+23:59' is not a valid time"),
            ("3026-11-22T12:00Z", "3026-11-22 12:00:00 UTC is in the future"),
        ],
    )
    def test_what_is_no_moment_of_the_past_is_one_sentence(self, here, command, text, says):
        code, out, err = command("champion", "toy", "--at", text)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"Error: {says}")

    def test_an_unknown_model_is_not_one_without_champion(self, here, command):
        for asked in (["champion", "tyo"], ["champion", "tyo", "--at", "2020-01-01"]):
            assert command(*asked) == (1, "", "Error: There is no model 'tyo'. Did you mean 'toy'?\n")


@pytest.fixture
def clock(monkeypatch):
    """Sets the local time zone."""

    def set_to(zone):
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield set_to
    monkeypatch.undo()
    time.tzset()
