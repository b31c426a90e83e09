"""What an audit knows of the place that it runs in, beside the record and the stores."""

from dataclasses import dataclass
from pathlib import Path

from promotion.policy.approval import ANYONE, Panel


@dataclass(frozen=True, kw_only=True)
class AuditContext:
    """What the configuration says, as far as an audit asks.

    Attributes:
        panel: who may approve promotions, and how long.
        root: the folder that the paths of data files count from; None where they are not looked at.
        serving: URL where a service says which version it has loaded; None where none is asked.
    """

    panel: Panel = ANYONE
    root: Path | None = None
    serving: str | None = None
