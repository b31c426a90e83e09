"""`promotion policy check`: check that a policy is valid, and what it requires."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from promotion.cli.output import Json, form_of, notice, show

if TYPE_CHECKING:
    from promotion.comparison import Comparison
    from promotion.interfaces import LedgerStore
    from promotion.ledger.chain import Entry
    from promotion.policy import Policy


_PAGE = 50


def check(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="A policy file or a promotion.toml. Defaults to the nearest promotion.toml.", metavar="[FILE]"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a policy and explain in sentences what it requires. Exit code 1 if it is not valid.

    For a configured model, also lists the guardrails and slices for which the last decision had too few rows:
    even a challenger equal to the champion could not pass them.
    """
    from promotion.config import load_config
    from promotion.policy.explain import explain
    from promotion.report.policy import demands_page

    found = policies_in(file)
    configured = file is None or configures(file)
    warned = _warnings(found, file) if configured else dict.fromkeys(found, ())
    models = load_config(file).models if configured else {}
    said = {name: each.draws.demand(each.policy.min_groups) for name, each in models.items() if each.draws}
    data = {
        name: {"demands": explain(policy, said.get(name, "")), "digest": policy.digest, "warnings": warned[name]}
        for name, policy in found.items()
    }
    pages = (demands_page(name, policy, warned[name], said.get(name, "")) for name, policy in found.items())
    show(data, *pages, form=form_of(as_json=as_json))


def _warnings(found: Mapping[str, "Policy"], file: Path | None) -> Mapping[str, tuple[str, ...]]:
    """By model, what the last comparison on record tells of the policy; nothing where no ledger can be read."""
    from promotion.adapters.sql import SqlLedger
    from promotion.config import load_config
    from promotion.errors import PromotionError
    from promotion.policy.power import warnings

    found_in: dict[str, tuple[str, ...]] = dict.fromkeys(found, ())
    try:
        config = load_config(file)
        ledger = SqlLedger(config.url(config.ledger))
        for name in found:
            last = _last_comparison(ledger, name)
            found_in[name] = warnings(last, found[name]) if last else ()
    except PromotionError as error:
        notice(f"Past decisions could not be checked against the policy. {error}")
    return found_in


def _last_comparison(ledger: "LedgerStore", model: str) -> "Comparison | None":
    """Of a challenger that was not shown to be worse: one that was differs too much to tell what an equal one could."""
    from promotion.comparison import Comparison
    from promotion.ledger.entries import Judgement
    from promotion.vocabulary import Verdict

    bodies = (entry.content() for entry in _newest_first(ledger, model) if entry.kind == "decision")
    decisions = (body.decision for body in bodies if isinstance(body, Judgement))
    return next(
        (
            decision.evidence
            for decision in decisions
            if isinstance(decision.evidence, Comparison) and decision.verdict is not Verdict.REJECT
        ),
        None,
    )


def _newest_first(ledger: "LedgerStore", model: str) -> "Iterator[Entry]":
    """The entries from the last on, a page at a time, however long the ledger is."""
    head = ledger.head(model)
    end = head.seq if head else 0
    while end:
        begin = max(0, end - _PAGE)
        yield from reversed(ledger.entries(model, after=begin, limit=end - begin))
        end = begin


def policies_in(file: Path | None) -> Mapping[str, "Policy"]:
    """The policy of a file by the file's name, or those of a configuration by model."""
    from promotion.config import policies
    from promotion.errors import ConfigError
    from promotion.policy import Policy

    if file is not None and not file.suffix and not file.exists():
        message = f"There is no policy file '{file}'. To check the policies of all models, name no file."
        raise ConfigError(message, path=file)
    return policies(file) if file is None or configures(file) else {str(file): Policy.from_toml(file)}


def configures(file: Path) -> bool:
    """Whether the file is a promotion.toml (or pyproject.toml) rather than a policy by itself."""
    from promotion.policy.policy import is_configuration
    from promotion.toml import read_toml

    return is_configuration(file, read_toml(file))


COMMANDS = {"check": (check, "promotion policy check other.toml")}
