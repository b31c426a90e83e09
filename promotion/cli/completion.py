"""Names that a shell completes."""

from contextlib import suppress


def model_names(incomplete: str) -> list[str]:
    """Return the configured and recorded models that begin like this; none if they cannot be read."""
    from promotion.assembly import open_registry

    with suppress(Exception):  # a shell that completes has no place for an error
        return [name for name in open_registry(notice=lambda _: None).models() if name.startswith(incomplete)]
    return []
