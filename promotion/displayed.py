"""What a notebook shows of a value, and the forms that it converts to."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class Displayed:
    """A value that a notebook shows as its page in a report.

    Pages belong to `promotion.report`, which depends on every value, so it is imported when something is displayed.
    """

    def to_dict(self) -> dict[str, Any]:
        """Return the value as dicts, lists, strings, numbers and None, ready for JSON."""
        data: dict[str, Any] = _displays().dict_of(self)
        return data

    def to_frame(self) -> "pd.DataFrame":
        """Return the value as a DataFrame.

        It has one row for each metric of a comparison (then of each slice) or evaluation, check of a decision,
        requirement of a policy, entry of a history, or version of a state or status.
        """
        frame: pd.DataFrame = _displays().frame_of(self)
        return frame

    def _repr_html_(self) -> str:
        html: str = _displays().html_of(self)
        return html

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {_displays().sentence_of(self)}>"


def _displays() -> Any:
    return import_module("promotion.report.notebook")
