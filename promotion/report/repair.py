"""What a repair, or a deletion of old versions, would do, as a page."""

from collections.abc import Iterable, Iterator, Sequence

from promotion.interfaces import ForeignFile
from promotion.registry.mirror_state import aliases
from promotion.registry.plan import Plan
from promotion.registry.retention import Retention
from promotion.report.page import Page, Table, Tone, Words, left, row
from promotion.report.record import moves_sentence, version_of


def repair_page(plans: Sequence[Plan], store: str) -> Page:
    """Show what each model's repair would do; foreign files of the store are common to all models and listed once."""
    foreign_files, leftovers = (plans[0].foreign_files, plans[0].leftovers) if plans else ((), ())
    return Page(
        summary=(
            *(f"{plan.state.model}: {_sentence(plan, store)}" for plan in plans),
            *(f"Move {foreign}{_whose(foreign, plans)} to quarantine: it {foreign.why}." for foreign in foreign_files),
            *(f"Delete {leftover}: it {leftover.why}." for leftover in leftovers),
            *(() if plans else ("No model here belongs to this ledger.",)),
        ),
        notes=tuple(Words(f"! {sentence}", Tone.BAD) for sentence in (plan.lost for plan in plans) if sentence),
    )


def _whose(foreign: ForeignFile, plans: Sequence[Plan]) -> str:
    """Name the model that a foreign file belongs to, if none of the plans is for it."""
    other = foreign.model not in {None, *(plan.state.model for plan in plans)}
    return f" (of another model, '{foreign.model}')" if other else ""


def retention_page(model: str, found: Retention) -> Page:
    """Show which versions a deletion removes, and why the others stay."""
    versions = "version" if len(found.gone) == 1 else "versions"
    head = f"{model}: {len(found.gone)} {versions} to delete." if found.gone else f"{model}: no version to delete."
    unneeded = tuple(f"Snapshot of data to delete, because no record needs it: {name}." for name in found.snapshots)
    table = Table(columns=left("version", "what", "why"), rows=tuple(_rows(found)))
    return Page(summary=(head, *unneeded), tables=(table,))


def _rows(found: Retention) -> Iterator[tuple[Words, ...]]:
    for tag in found.gone:
        yield row(version_of(tag), Words("delete", Tone.BAD), "judged, never served, and neither new nor recent")
    for tag, why in found.kept.items():
        yield row(version_of(tag), "keep", why)


def _sentence(plan: Plan, store: str) -> str:
    """Describe one model's label changes; none while the champion's files are missing or changed."""
    lost = "no label is changed, because the champion's files are missing"
    return " ".join(_sentences(plan, store)) or (lost if plan.lost else "all labels agree with the ledger")


def _sentences(plan: Plan, store: str) -> Iterable[str]:
    if plan.state.pending:
        seq, interrupted = plan.state.pending
        yield f"the {interrupted.cause} recorded in entry {seq} was interrupted and will be completed;"
    if plan.transition:
        yield moves_sentence(plan.transition.moves)
    if plan.claims:
        yield f"the {store} does not record which ledger owns it, and will record this one;"
    if plan.foreign:
        wanted = aliases(plan.state)
        moved = (f"{alias} {name or 'none'} → {wanted.get(alias, 'none')}" for alias, name in plan.foreign.items())
        yield f"aliases in MLflow: {', '.join(moved)}"
