"""The description of a model version in MLflow: the mirror's text, a line, and below it the text of other people."""

_LINE = "_`promotion` writes the text above this line; text below it stays._"
_LONGEST = 5000  # characters, in MLflow's database


def described(present: str | None, wanted: str) -> str:
    """Return the description with the mirror's text replaced; unchanged if the whole would be too long for MLflow."""
    theirs = text_of_others(present)
    whole = "\n\n".join(filter(None, (wanted, _LINE, theirs)))
    return whole if len(whole) <= _LONGEST else present or ""


def text_of_others(present: str | None) -> str:
    """Return the part of a description that the mirror did not write."""
    before, line, after = (present or "").partition(_LINE)
    return (after if line else before).strip()
