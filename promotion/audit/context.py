"""Settings that an audit uses besides the record and the stores."""

from dataclasses import dataclass
from pathlib import Path

from promotion.policy.approval import ANYONE, Panel


@dataclass(frozen=True, kw_only=True)
class AuditContext:
    """The parts of the configuration that an audit uses.

    Attributes:
        panel: who may approve promotions, and for how long.
        root: the folder that paths of data files are relative to; None to skip the data files.
        serving: URL of a service that reports its loaded version; None to skip the service.
    """

    panel: Panel = ANYONE
    root: Path | None = None
    serving: str | None = None
