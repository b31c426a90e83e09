"""Commands about the ledger as a whole: export, import, upgrade, take."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from promotion.cli.confirmation import askable, confirmed
from promotion.cli.output import (
    AnyModel,
    DryRun,
    Json,
    Model,
    Quiet,
    Reason,
    Yes,
    dry,
    form_of,
    matching,
    models_of,
    open_here,
    say,
    show,
)
from promotion.cli.progress import show_progress
from promotion.cli.streams import write_data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promotion.ledger.chain import Entry


_INSTEAD = "Name another file with --out."


def export(
    model: AnyModel = None,
    out: Annotated[Path | None, typer.Option(help="Output file. Defaults to standard output.", metavar="FILE")] = None,
    _quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write all entries as JSON Lines, for `promotion ledger import` or any JSON reader.

    Replaces an existing file only if it is an earlier export of the same ledger.
    """
    from promotion import __version__
    from promotion.adapters.sql import SqlLedger
    from promotion.errors import LedgerError
    from promotion.ledger.export import export_lines
    from promotion.ledger.reading import recorded
    from promotion.report.output_files import refuse_others, write_own

    ledger = SqlLedger(_url())
    if out is not None and not _is_stream(out):
        refuse_others(out, instead=_INSTEAD, ledger=True)
    if not ledger.is_made():
        where = "Check `ledger` in promotion.toml and PROMOTION_LEDGER."
        raise LedgerError(f"There is no ledger at {ledger.place}. {where}")
    known = ledger.models()
    names = known if model is None else matching(model, known, hint="The ledger records no other.")
    chains = {name: recorded(ledger, name) for name in names}
    if out is not None and not _is_stream(out):
        _refuse_longer(out, chains)
    lines = (f"{line}\n" for line in export_lines(chains, release=__version__))
    if out is not None:
        show_progress(f"Writing {out}")
    if out is None:
        write_data(lines)
        return
    if _is_stream(out):
        with _file_errors(out, "written"), out.open("w", encoding="utf-8") as stream:
            stream.writelines(lines)
    else:
        write_own(out, (line.encode() for line in lines), instead=_INSTEAD, ledger=True)
    counts = {name: len(entries) for name, entries in chains.items()}
    written = [f"{name}: {count} entries written to {out}" for name, count in counts.items()]
    say({"written": str(out), "entries": counts}, *(written or [f"{out} contains no entries."]), as_json=as_json)


def _refuse_longer(out: Path, chains: "Mapping[str, Sequence[Entry]]") -> None:
    """See that no export is replaced that holds entries which the new one does not."""
    from promotion.ledger.export import EXPORT_BEGINS, lost_with
    from promotion.report.output_files import Unwritable

    with _file_errors(out, "read"):
        if not out.exists():
            return
        with out.open("rb") as file:
            header = file.readline().decode(errors="replace")
    lost = lost_with(header, chains) if header.startswith(EXPORT_BEGINS) else ()
    if lost:
        raise Unwritable(
            f"{out} was not replaced: it is an export with entries of {', '.join(lost)} that the new one would not "
            f"contain. {_INSTEAD}"
        )


def import_file(
    file: Annotated[Path, typer.Argument(help="File written by `promotion ledger export`.", metavar="FILE")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Verify the file without writing anything.")] = False,
    _quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Verify an exported file, then import it into an empty ledger or append it to the ledger that it continues."""
    from promotion.adapters.sql import SqlLedger
    from promotion.ledger.export import entries_to_append, read_export
    from promotion.ledger.reading import recorded

    with _file_errors(file, "read"), _readable_again(file) as lines:
        show_progress(f"Verifying {file}")
        chains = read_export(lines, name=str(file), file=lines)
        ledger = SqlLedger(_url())
        new = {model: entries_to_append(chain, recorded(ledger, model)) for model, chain in chains.items()}
        lacking = [(entries, chains[model].head) for model, entries in new.items() if entries]
        if lacking and not dry_run:
            show_progress(f"Writing the entries of {file}")
            ledger.append_all(lacking)
    done = "would be imported" if dry_run else "imported"
    added = [f"{model}: {len(entries)} of {chains[model].head.seq} entries {done}" for model, entries in new.items()]
    counts = {model: len(entries) for model, entries in new.items()}
    say(
        {"dry_run": dry_run, "entries": counts},
        *(added or [f"{file} contains no entries."]),
        as_json=as_json,
    )


@contextmanager
def _readable_again(file: Path) -> "Iterator[BinaryIO]":
    """Open a file that is read more than once; a pipe is copied to the disk first."""
    with file.open("rb") as given:
        if file.is_file():
            yield given
            return
        with TemporaryFile() as copy:
            copyfileobj(given, copy)
            copy.seek(0)
            yield copy


def upgrade(_quiet: Quiet = False, as_json: Json = False) -> None:
    """Upgrade the ledger's tables to this release, without changing any entry."""
    from promotion.adapters.sql import upgrade as upgrade_at
    from promotion.canonical import plain

    show_progress("Upgrading the ledger")
    done = upgrade_at(_url())
    if done.before is None:
        words = f"The ledger at {done.place} is new, at revision {done.after}."
    elif done.before == done.after:
        words = f"The ledger at {done.place} is already at revision {done.after}. Nothing was changed."
    else:
        sentence = f"The ledger at {done.place} was upgraded from revision {done.before} to {done.after}."
        words = f"{sentence} Every entry was kept."
    say(plain(done), words, as_json=as_json)


def take(
    model: Model,
    reason: Reason,
    yes: Yes = False,
    dry_run: DryRun = False,
    _quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Make this ledger the owner of a model in the model store.

    Each model belongs to one ledger; the store records which one. Afterwards only this ledger can change the model;
    commands on the previous ledger are refused.
    """
    from promotion.canonical import plain
    from promotion.registry.serving import labelled_prod
    from promotion.registry.take import plan_takeover
    from promotion.report.takeover import taken_sentence, takeover_page

    if not dry_run:
        askable(yes=yes)
    registry = open_here()
    models_of(registry, model)
    plan = plan_takeover(registry.parts, model, reason=reason)
    serving = labelled_prod(registry.store, model)
    if dry_run or not as_json:
        page = takeover_page(plan, registry.parts.claims.place, serving)
        show({"dry_run": dry_run, **plain(plan.takeover)}, *dry(dry_run=dry_run), page, form=form_of(as_json=as_json))
    if dry_run:
        return
    confirmed(f"Make this ledger the owner of {model}?", yes=yes)
    registry.apply(plan)
    say({"dry_run": False, **plain(plan.takeover)}, taken_sentence(plan, serving), as_json=as_json)


def _is_stream(path: Path) -> bool:
    """Whether it is a device or a pipe, which is written to and not replaced."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _url() -> str:
    from promotion.config import load_config

    settings = load_config()
    return settings.url(settings.ledger)


@contextmanager
def _file_errors(file: Path, done: str) -> Iterator[None]:
    from promotion.errors import LedgerError

    try:
        yield
    except OSError as error:
        raise LedgerError(f"{file} cannot be {done} ({error.strerror}).") from error


COMMANDS = {
    "export": (export, "promotion ledger export --out ledger.jsonl"),
    "import": (import_file, "promotion ledger import ledger.jsonl --dry-run"),
    "upgrade": (upgrade, "promotion ledger upgrade"),
    "take": (take, "promotion ledger take fraud_classifier --reason 'the team moved'"),
}
