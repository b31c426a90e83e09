"""`promotion history`: entries, and champions with their reasons."""

import json
import re
from datetime import datetime, timedelta

import pytest

import promotion

pytestmark = pytest.mark.integration


def recorded():
    return promotion.open().history("toy")


def moment(at, **later):
    return (datetime.fromisoformat(at) + timedelta(**later)).isoformat()


class TestHistory:
    def test_champions_tells_who_was_in_production_when_and_why(self, three_champions, command):
        first, second, third = (entry.at for entry in three_champions)
        told = json.loads(command("history", "toy", "--champions", "--json")[1])
        assert [(one["tag"], one["since"], one["until"], one["cause"]) for one in told] == [
            ("toy:weak", first, second, "promotion"),
            ("toy:good", second, third, "promotion"),
            ("toy:weak", third, None, "rollback"),
        ]
        assert [(one["verdict"], one["actor"]) for one in told] == [
            ("promote", "config:tests"),
            ("promote", "config:tests"),
            (None, "config:tests"),
        ]
        code, out, _ = command("history", "toy", "--champions")
        assert code == 0
        assert re.search(r"now +toy:weak +rollback +none +config:tests +complaints since noon", out)
        assert (
            f"| toy:good | promotion | {told[1]['decision_id']} |"
            in (command("history", "toy", "--champions", "--markdown")[1])
        )

    def test_an_override_is_told_apart_from_a_promotion_by_decision(self, with_champion, command):
        assert command("promote", "toy:good", "--override", "--yes", "--reason", "the old one leaks", "--yes")[0] == 0
        last = json.loads(command("history", "toy", "--champions", "--json")[1])[-1]
        assert (last["tag"], last["cause"], last["decision_id"]) == ("toy:good", "override", None)
        assert last["reason"] == "the old one leaks"

    def test_limit_keeps_the_newest(self, three_champions, command):
        entries = recorded()
        shown = json.loads(command("history", "toy", "--limit", "3", "--json")[1])
        assert [entry["seq"] for entry in shown] == [entry.seq for entry in entries[-3:]]
        (last,) = json.loads(command("history", "toy", "--champions", "--limit", "1", "--json")[1])
        assert last["cause"] == "rollback"
        assert len(json.loads(command("history", "toy", "--limit", "999", "--json")[1])) == len(entries)
        assert command("history", "toy", "--limit", "0")[0] == 2

    def test_the_newest_is_first_and_reverse_begins_with_the_oldest(self, three_champions, command):
        def numbers(*options):
            return [
                int(found) for found in re.findall(r"^ *(\d+) ", command("history", "toy", *options)[1], re.MULTILINE)
            ]

        every = [entry.seq for entry in recorded()]
        assert numbers() == every[::-1]
        assert numbers("--reverse") == every
        assert numbers("--limit", "3") == every[:-4:-1]
        assert numbers("--limit", "3", "--reverse") == every[-3:]
        champions = [entry.seq for entry in three_champions]
        assert (numbers("--champions"), numbers("--champions", "--reverse")) == (champions[::-1], champions)
        shown = [json.loads(command("history", "toy", *words, "--json")[1]) for words in ((), ("--reverse",))]
        assert [[entry["seq"] for entry in each] for each in shown] == [every, every]

    def test_every_time_has_its_age_beside_it(self, three_champions, command):
        assert len(re.findall(r" \d\d:\d\d, \d+ (?:s|min) ago ", command("history", "toy")[1])) == len(recorded())
        assert len(re.findall(r" \d\d:\d\d, \d+ (?:s|min) ago ", command("history", "toy", "--champions")[1])) == 5
