"""`promotion show`: the life of a version, and a decision."""

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


class TestShow:
    def test_leads_from_the_data_to_run_decision_and_service_and_back(self, three_champions, command):
        data = json.loads(command("show", "toy:good", "--json")[1])
        lineage = data["lineage"]
        (decision,) = lineage["decisions"]
        assert lineage["version"]["digest"] == data["registration"]["digest"]
        assert lineage["data"]["rows"] == 1200
        assert decision["holdout"]["data"] == "rows.csv"
        assert decision["champion"]["tag"] == "toy:weak"
        up, down = lineage["transitions"]
        assert (up["before"], up["after"], up["cause"]) == ("staging", "prod", "promotion")
        assert (down["before"], down["after"], down["cause"]) == ("prod", "archived", "rollback")
        assert up["decision"] == decision["digest"]
        assert {up["applied"] - up["seq"], down["applied"] - down["seq"]} == {1}
        (served,) = lineage["in_production"]
        assert (served["since"], served["until"]) == (up["at"], down["at"])
        back = json.loads(command("show", decision["decision_id"], "--json")[1])
        assert (back["tag"], back["seq"], back["digest"]) == ("toy:good", decision["seq"], decision["digest"])
        assert [one["seq"] for one in back["followed"]] == [up["seq"], down["seq"]]

    def test_every_decision_is_listed_and_not_only_the_last(self, with_champion, command):
        ids = [json.loads(command("gate", "toy:twin", "--json")[1])["decision_id"]]
        assert command("rollback", "toy", "--yes", "--reason", "r", "--yes")[0] in {0, 1}
        ids.append(json.loads(command("gate", "toy:noisy", "--json")[1])["decision_id"])
        shown = command("show", "toy:twin")[1]
        assert re.search(rf"promote +{ids[0]} +toy:weak +1,200 rows of rows\.csv", shown)
        assert ids[1] not in shown

    def test_a_deleted_version_still_tells_its_life(self, three_champions, command):
        assert command("gate", "toy:spoilt")[0] == 3
        registry = promotion.open()
        plan = registry.gc("toy", keep=0, registered_before=datetime.now().astimezone(), reason="too many")
        assert "toy:spoilt" in plan.deletions
        code, out, _ = command("show", "toy:spoilt")
        assert code == 0
        assert re.search(r"stage +none: its files were deleted \d{4}-", out)
        assert re.search(r"retention: deleted .*toy:spoilt: too many", out)
        assert "REJECTED  toy:spoilt against toy:weak" in out
        last = json.loads(command("show", "toy:spoilt", "--json")[1])["lineage"]["transitions"][-1]
        assert (last["cause"], last["deleted"], last["after"]) == ("retention", True, None)

    @pytest.mark.slow
    def test_a_decision_is_found_by_enough_digits_and_by_no_fewer(self, three_champions, command):
        found = [entry.body["decision_digest"] for entry in recorded() if entry.kind == "decision"]
        assert len({digest[:4] for digest in found}) == len(found) == 2
        for digits in (found[0][:4], found[0][:12], found[0]):
            assert json.loads(command("show", digits, "--json")[1])["digest"] == found[0]
        for bad in (found[0][:3], found[0] + "0", found[0].upper()):
            code, _, err = command("show", bad)
            assert (code, err.count("\n")) == (1, 1)
            assert err.startswith(f"Error: There is no tag '{bad}'.")
        assert command("show", "0" * 12)[2] == (
            "Error: There is no decision '000000000000'. `promotion show TAG` lists those on a version.\n"
        )
