"""The recipe's code in this process, which stays as it was imported when its files change."""

import sys
from pathlib import Path


class ImportedCode:
    """Notices that a file of a recipe's package changed after this process imported it."""

    def __init__(self) -> None:
        self._times: dict[str, int] = {}

    def changed(self, recipe: str) -> str:
        """Say which file changed since an earlier call found it imported; empty if none did."""
        package = recipe.partition(":")[0].partition(".")[0]
        for name, module in tuple(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if not file or name.partition(".")[0] != package or not Path(file).exists():
                continue
            time = Path(file).stat().st_mtime_ns
            if self._times.setdefault(name, time) != time:
                return f"{file} changed after this process imported it. Restart the service."
        return ""
