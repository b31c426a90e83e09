"""Commands of people whose approval a policy asks for: approve, deny."""

import typer

from promotion.cli.output import DryRun, Json, Reason, TagText
from promotion.cli.proposing import opened, propose_and_do


def add_commands(app: typer.Typer) -> None:
    """Add them to the app."""
    tag = "fraud_classifier:abc123"
    app.command(epilog=f"Example: promotion approve {tag} --reason 'the gain is worth it'")(approve)
    app.command(epilog=f"Example: promotion deny {tag} --reason 'it was trained on the wrong month'")(deny)


def approve(tag: TagText, reason: Reason, dry_run: DryRun = False, as_json: Json = False) -> int:
    """Approve a version that passed and waits.

    The approval that completes the number promotes it.
    """
    return _answer(tag, reason, approved=True, dry_run=dry_run, as_json=as_json)


def deny(tag: TagText, reason: Reason, dry_run: DryRun = False, as_json: Json = False) -> int:
    """Deny a version that passed and waits.

    It becomes `rejected`; a new decision can begin anew.
    """
    return _answer(tag, reason, approved=False, dry_run=dry_run, as_json=as_json)


def _answer(tag: str, reason: str, *, approved: bool, dry_run: bool, as_json: bool) -> int:
    from promotion.vocabulary import Tag

    parsed = Tag.parse(tag)
    registry = opened(parsed.model, dry_run=dry_run)
    proposal = registry.propose_answer(parsed, reason=reason, approved=approved)
    return propose_and_do(registry, proposal, tag, "", yes=True, dry_run=dry_run, as_json=as_json)
