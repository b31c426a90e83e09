"""`promotion readmit`: let the gate judge a version again that was rolled back from."""

from promotion.cli.output import Json, Quiet, Reason, TagText, open_here, say, tag_of

EXAMPLE = "promotion readmit fraud_classifier:abc123 --reason 'the complaints had another cause'"


def readmit(tag: TagText, reason: Reason, _quiet: Quiet = False, as_json: Json = False) -> None:
    """Let the gate judge a rolled-back version again.

    The version keeps its stage. Without a readmission, the gate holds it, and only
    `promote --override` or `rollback --to` can make it the champion.
    """
    from promotion.registry.rolled_back import blocking, kept_out

    parsed, registry = tag_of(tag), open_here()
    registry.readmit(parsed, reason=reason)
    twin = blocking(registry.state(parsed.model), registry.store, parsed)
    sentence = f"{tag} is readmitted: `promotion gate {tag}` judges it again like any other version."
    if twin:
        sentence = f"{tag} is readmitted, but the gate still holds it. {kept_out(parsed, twin)}"
    say({"readmitted": tag, "reason": reason}, sentence, as_json=as_json)
