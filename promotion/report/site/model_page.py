"""A model's own page: first what a person on call asks, then champions and versions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from shlex import quote

from promotion.history.lineage import ChampionPeriod
from promotion.ledger.chain import Champion
from promotion.ledger.state import VersionState
from promotion.number_format import minute
from promotion.report.links import Links
from promotion.report.page import Column, Table, Tone, Words, counted, left, row, some
from promotion.report.record import budget_sentence, rolled_back_lines, version_of
from promotion.report.site.model_history import ModelHistory
from promotion.report.site.overview import verdict_link
from promotion.vocabulary import Stage


@dataclass(frozen=True, kw_only=True)
class ModelPage:
    """What the page of a model shows, in addition to plots and entries.

    Attributes:
        of: the model.
        links: where other pages lie.
        health: sentences on its problems; empty if none was found.
        way_back: lines on how to roll back, as `promotion status` shows them; a line that begins
            with spaces is a command. Empty to leave them out.
    """

    of: ModelHistory
    links: Links
    health: Sequence[str]
    way_back: Sequence[str] = ()

    @property
    def headline(self) -> str:
        """Say which version serves."""
        champion, model = self.of.state.champion, self.of.model
        return f"{model}: `{version_of(champion.tag)}` serves" if champion else f"{model}: no version serves"

    def facts(self) -> Iterator[tuple[str, Sequence[Words]]]:
        """Yield which version serves, since when, by whom and why, its health, how to roll back, and its origin."""
        state, periods = self.of.state, self.of.champion_periods
        if state.champion:
            yield from self._serving(state.champion, periods)
        good = Words("No problem was found when this page was written.", Tone.GOOD)
        yield "health", [Words(one, Tone.UNSURE) for one in self.health] or [good]
        yield "check now", [_command(f"promotion audit {quote(self.of.model)}")]
        if self.way_back:
            yield "roll back", [_command(line.strip()) if line[0] == " " else Words(line) for line in self.way_back]
        if state.champion:
            yield from self._origin(periods[-1])
        yield (
            "waiting",
            [Words(some([version_of(tag) for tag in reversed(state.in_stage(Stage.STAGING))]) or "no version")],
        )

    def sentences(self) -> tuple[str, ...]:
        """Return blocked versions, the holdout budget, and how much is recorded."""
        state, of = self.of.state, self.of
        versions, decisions = counted(len(state.versions), "version"), counted(len(of.decisions), "decision")
        periods = counted(len(of.champion_periods), "champion period")
        return *rolled_back_lines(state), budget_sentence(state), f"{versions}, {decisions}, {periods}."

    def champions(self) -> Table:
        """Return a table of champion periods, newest first, with links to their causes."""
        at = (Column("from (UTC)", wraps=False), Column("until (UTC)", wraps=False))
        columns = (*left("version"), *at, *left("cause", "decision", "who", "why"))
        return Table(columns=columns, rows=tuple(map(self._period, reversed(self.of.champion_periods))))

    def versions(self) -> Table:
        """Return every version in order of registration; a row's anchor is `version-` and its position."""
        columns = left("version", "named", "stage", "registered (UTC)", "last verdict", "MLflow run")
        return Table(columns=columns, rows=tuple(map(self._version, self.of.state.versions.values())))

    def trail(self) -> tuple[Words, ...]:
        """Return the pages above this one."""
        return (Words("All models", link=self.links.index()),)

    def _serving(self, champion: Champion, periods: Sequence[ChampionPeriod]) -> Iterator[tuple[str, Sequence[Words]]]:
        period = periods[-1]
        yield "serves", [Words(champion.tag, copy=champion.tag, link=f"#{self._anchor(champion.tag)}")]
        yield "since", [Words(f"{minute(champion.since)} UTC")]
        yield "by", [Words(period.actor, link=self.links.actor(period.actor)), Words(f"({period.cause})")]
        yield "why", [Words(period.plan.reason)]
        if len(periods) > 1:
            before = periods[-2].champion.tag
            yield "replaced", [Words(version_of(before), link=f"#{self._anchor(before)}")]

    def _origin(self, period: ChampionPeriod) -> Iterator[tuple[str, Sequence[Words]]]:
        registration = period.registration
        yield "decision", [self._decision(period)]
        if registration.run_id:
            yield "trained by", [Words("MLflow run"), self._run(registration.run_id)]
        if self.links.mlflow:
            yield "in MLflow", [Words("registered model", link=self.links.registered(self.of.model))]

    def _decision(self, period: ChampionPeriod) -> Words:
        decided = period.plan.decision
        if decided is None:
            return Words("none")
        return Words(decided[:12], link=self.links.decision(decided), copy=decided)

    def _run(self, run_id: str) -> Words:
        return Words(run_id[:12], link=self.links.run(run_id), copy=run_id)

    def _anchor(self, tag: str) -> str:
        return f"version-{1 + tuple(self.of.state.versions).index(tag)}"

    def _period(self, period: ChampionPeriod) -> tuple[Words, ...]:
        return row(
            Words(version_of(period.champion.tag), link=f"#entry-{period.champion.seq}"),
            minute(period.champion.since),
            minute(period.until) if period.until else Words("now", Tone.GOOD),
            period.cause,
            self._decision(period),
            Words(period.actor, link=self.links.actor(period.actor)),
            period.plan.reason,
        )

    def _version(self, version: VersionState) -> tuple[Words, ...]:
        registration = version.registration
        return row(
            version_of(version.tag),
            registration.version or "",
            _stage(version),
            minute(version.registered_at),
            verdict_link(self.of, version.decided_seq) if version.decided_seq else "",
            self._run(registration.run_id) if registration.run_id else "",
        )


def _stage(version: VersionState) -> str:
    if version.deleted_at:
        return "deleted"
    return f"{version.stage or 'no stage'}{', rolled back from' if version.rolled_back else ''}"


def _command(text: str) -> Words:
    return Words(f"`{text}`", copy=text)
