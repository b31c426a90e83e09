"""Two hosts with separate Bento stores and one ledger: a host without the champion's files."""

import shutil

import pytest
from situation import toy

from promotion.adapters.bento import BentoStore
from promotion.registry.promote import plan_promotion

pytestmark = pytest.mark.integration


def unwrapped(text):
    return " ".join(text.split())


@pytest.fixture
def other(with_champion, command, monkeypatch):
    """The second host, without `toy:good`, which the first host promoted; `good` keeps its files from before."""
    first, second = with_champion / "bentoml", with_champion / "second"
    shutil.copytree(first, second)
    shutil.move(second / "models" / "toy" / "good", with_champion / "good")
    assert command("gate", "toy:good")[0] == 0
    monkeypatch.setenv("PROMOTION_BENTOML_HOME", str(second))
    return BentoStore(second)


def test_the_last_prod_label_stays_until_the_champion_is_copied(other, with_champion, command):
    lost = "The champion toy:good cannot be used. Its folder is not in the Bento store. Copy it there from another host"
    assert lost in unwrapped(command("status")[1])
    assert lost in unwrapped(command("sync")[2])
    code, out, _ = command("repair", "--yes")
    assert code == 1
    assert lost in unwrapped(out)
    assert "Repaired." not in out
    assert "toy: no label is changed, since the champion is not here" in out
    assert other.get(toy("weak")).stage == "prod"

    shutil.copytree(with_champion / "good", other.path(toy("good")))
    unlabelled = (
        "The champion toy:good has the label stage: staging in the Bento store, where it must be prod. "
        "`promotion repair toy` writes it."
    )
    assert unlabelled in unwrapped(command("status")[1])
    assert unlabelled in unwrapped(command("sync")[2])
    code, out, _ = command("repair", "--yes")
    assert (code, out.splitlines()[-1]) == (0, "Repaired.")
    assert [other.get(toy(name)).stage for name in ("weak", "good")] == ["archived", "prod"]
    assert "!" not in command("status")[1]


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut short", "missing", "changed"])
def test_a_champion_that_was_copied_in_part_is_not_labelled(other, with_champion, command, damage):
    shutil.copytree(with_champion / "good", other.path(toy("good")))
    file = next(other.path(toy("good")).glob("saved_model.*"))
    content = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(content[:-1] if damage == "cut short" else content[:-1] + b"\0")
    code, out, _ = command("repair", "--yes")
    assert code == 1
    assert "The champion toy:good cannot be used. The files of toy:good are not the ones that were" in unwrapped(out)
    assert {other.get(toy(name)).stage for name in ("good", "weak")} == {"staging", "prod"}
    file.write_bytes(content)
    assert command("repair", "--yes")[0] == 0
    assert (other.get(toy("good")).stage, other.get(toy("weak")).stage) == ("prod", "archived")


def test_a_promotion_of_what_it_lacks_leaves_prod_where_it_is(other, with_champion, command):
    """As after a killed command: whoever comes next writes the labels, in its own store."""
    assert command("rollback", "toy", "--reason", "complaints", "--yes")[0] == 0
    shutil.copytree(with_champion / "good", other.path(toy("good")))
    assert command("readmit", "toy:good", "--reason", "they were wrong")[0] == 0
    plan = plan_promotion(opened(with_champion).parts, "toy:good", reason="as asked", override=True)
    opened(with_champion).parts.writer.append(plan.state, *plan.bodies)
    shutil.rmtree(other.path(toy("good")))
    assert "The promotion of entry" in command("status")[1]
    err = command("sync")[2]
    assert "Note: toy:weak keeps the label stage: prod in this store until toy:good is here." in err
    assert other.get(toy("weak")).stage == "prod"


def opened(folder):
    import promotion

    return promotion.open(folder / "promotion.toml")
