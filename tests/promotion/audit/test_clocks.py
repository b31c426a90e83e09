"""`seq` gives the order: a wrong clock changes no outcome, and the audit reports it."""

import itertools
import shutil
from datetime import UTC, datetime, timedelta, timezone

import pytest
from recipes import synthetic_rows
from situation import NOON, faults, kinds, open_at, settings_at, stages, toy

from promotion.adapters.bento import BentoStore
from promotion.adapters.memory import MemoryMirror
from promotion.audit.clocks import Clocks
from promotion.ledger.chain import Head, chain
from promotion.ledger.entries import TransitionApplied

pytestmark = pytest.mark.integration

LATER = NOON + timedelta(days=1)
DAY, SECOND, MICROSECOND = timedelta(days=1), timedelta(seconds=1), timedelta(microseconds=1)


def steady(start=NOON, step=timedelta(minutes=1)):
    return (start + step * count for count in itertools.count())


def of_hosts(*hosts):
    """Clocks that take turns, as of commands that run on different hosts."""
    return itertools.chain.from_iterable(zip(*hosts, strict=True))


LIES = {
    "standing still": itertools.repeat(NOON),
    "back by a day each time": steady(step=-DAY),
    "back by a microsecond each time": steady(step=-MICROSECOND),
    "far ahead, then right again": itertools.chain([NOON + 9000 * DAY] * 3, steady()),
    "as of an empty battery": itertools.chain([datetime(1970, 1, 1, tzinfo=UTC)] * 3, steady()),
    "at the ends of time": itertools.cycle([datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)]),
    "over a leap day and a repeated second": of_hosts(
        steady(datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC)), steady(datetime(2028, 2, 28, 23, 59, 59, tzinfo=UTC))
    ),
    "an hour apart on two hosts": of_hosts(steady(), steady(NOON - timedelta(hours=1))),
    "of zones east and west": of_hosts(
        steady(NOON.astimezone(timezone(timedelta(hours=14)))),
        steady(NOON.astimezone(timezone(timedelta(hours=-12, minutes=-30)))),
    ),
    "of no zone, so of the host's own": steady(NOON.replace(tzinfo=None)),
}


@pytest.fixture
def lived(trained_store, tmp_path):
    """The results of the same five commands, each a separate process, by any clock."""

    def live(clock, name="here"):
        root = tmp_path / name
        shutil.copytree(trained_store, root / "bentoml")
        synthetic_rows().to_csv(root / "rows.csv", index=False)
        mirror = MemoryMirror()

        def process():
            return open_at(
                settings_at(root), store=BentoStore(root / "bentoml"), mirror=mirror, clock=lambda: next(clock)
            )

        verdicts = [process().gate(toy(version)).verdict for version in ("weak", "noisy", "good")]
        process().promote(toy("twin"), reason="as good, and newer", override=True)
        process().rollback("toy", reason="it was not")
        return process(), verdicts

    return live


@pytest.mark.slow
@pytest.mark.parametrize("lie", LIES)
def test_a_clock_that_lies_changes_no_outcome(lived, lie):
    (registry, verdicts), (other, others) = lived(steady()), lived(LIES[lie], "other")
    assert others == verdicts == ["promote", "reject", "promote"]
    assert stages(other) == stages(registry)
    assert stages(other)["good"] == "prod"
    assert kinds(other) == kinds(registry)
    assert [other.champion("toy").tag, other.state("toy").line] == [toy("good"), registry.state("toy").line]
    assert {finding.code for finding in faults(other)} <= {"AUD040", "AUD041"}
    assert all(entry.at.endswith("+00:00") for entry in other.history("toy"))


def dated(*moments):
    """Entries of these moments."""
    entries = ()
    for moment in moments:
        head = Head(model="toy", seq=len(entries), hash=entries[-1].hash, champion=None) if entries else None
        body = TransitionApplied(planned=1)
        entries += tuple(chain("toy", head, [body], at=moment, actor=f"os:writer-{len(entries) + 1}"))
    return entries


def check_clocks(entries, now):
    clocks = Clocks(now)
    for entry in entries:
        clocks.take(entry)
    return tuple(clocks.findings())


class TestFindings:
    def test_steps_back_are_one_finding_that_names_the_largest(self):
        entries = dated(NOON, NOON - 5 * SECOND, NOON + DAY, NOON, NOON - MICROSECOND, NOON - 3 * SECOND)
        (finding,) = check_clocks(entries, LATER)
        assert (finding.code, finding.severity, finding.subject) == ("AUD040", "warning", "entry 4")
        assert finding.expected == "each entry dated after the previous entry"
        assert finding.found == (
            "3 entries, the worst one dated 1 day, 0:00:00 before the previous entry "
            "(2026-11-22T12:00:00+00:00, by os:writer-4)"
        )
        assert finding.mend.endswith("Nothing else is wrong: `seq` orders the entries, not their times.")

    @pytest.mark.parametrize(("step", "told"), [(SECOND, []), (SECOND + MICROSECOND, ["AUD040"])])
    def test_a_step_back_of_more_than_a_second_is_told(self, step, told):
        assert [finding.code for finding in check_clocks(dated(NOON, NOON - step), LATER)] == told

    def test_entries_from_ahead_are_one_finding_that_names_the_farthest(self):
        (finding,) = check_clocks(dated(NOON, NOON + DAY, NOON + 2 * DAY), NOON)
        assert (finding.code, finding.subject) == ("AUD041", "entry 3")
        assert finding.expected == "no entry dated after the time of the audit, 2026-11-22T12:00:00+00:00"
        assert finding.found.startswith(
            "2 entries, the worst one dated 2 days, 0:00:00 after the time of the audit (2026-11-24T12:00:00"
        )

    @pytest.mark.parametrize(("ahead", "told"), [(60 * SECOND, []), (60 * SECOND + MICROSECOND, ["AUD041"])])
    def test_an_entry_from_more_than_a_minute_ahead_is_told(self, ahead, told):
        assert [finding.code for finding in check_clocks(dated(NOON + ahead), NOON)] == told


class TestWhoServedThen:
    """`champion(at=...)` goes by the times of the entries: of those that are not later, the last champion by `seq`."""

    def test_by_a_true_clock_each_served_in_its_time(self, lived):
        registry, _ = lived(steady())
        since = dict(champion_periods(registry)[:3])
        before = datetime.fromisoformat(since["toy:weak"]) - MICROSECOND
        assert registry.champion("toy", at=before) is None
        for tag, at in since.items():
            assert str(registry.champion("toy", at=datetime.fromisoformat(at)).tag) == tag
        assert registry.champion("toy", at=LATER) == registry.champion("toy")

    def test_an_entry_from_ahead_counts_from_its_own_time_on_and_hides_none_after_it(self, lived):
        registry, _ = lived(itertools.chain(minutes(0, 5), [NOON + 9000 * DAY] * 4, minutes(6, 99)))
        years = [at[:4] for _, at in champion_periods(registry)]
        assert (years[0], years[-1], max(years)) == ("2026", "2026", "2051")
        assert registry.champion("toy", at=LATER) == registry.champion("toy")
        assert registry.champion("toy", at=NOON + 9999 * DAY) == registry.champion("toy")

    def test_an_entry_dated_too_early_counts_from_then_on(self, lived):
        registry, _ = lived(steady(step=-DAY))
        (first, _), *_, (last, began) = champion_periods(registry)
        assert (first, last) == ("toy:weak", "toy:good")
        assert str(registry.champion("toy", at=datetime.fromisoformat(began)).tag) == last
        assert registry.champion("toy", at=LATER) == registry.champion("toy")


def minutes(start, stop):
    return (NOON + timedelta(minutes=minute) for minute in range(start, stop))


def champion_periods(registry):
    """Each champion with the time of the entry that made it one."""
    return [
        (entry.body["champion"], entry.at)
        for entry in registry.history("toy")
        if entry.kind == "transition_planned" and entry.body["cause"] in {"promotion", "rollback"}
    ]
