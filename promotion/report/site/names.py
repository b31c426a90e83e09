"""The names of the site's files."""

import re
from hashlib import sha256

_PLAIN = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,80}")


def model_page_name(model: str) -> str:
    """The file of a model's page: `model-fraud_classifier.html`; names that no file may have get a digest's."""
    if _PLAIN.fullmatch(model):
        return f"model-{model}.html"
    return f"model-{sha256(model.encode()).hexdigest()[:16]}.html"


def decision_page_name(digest: str) -> str:
    """The file of a decision's report: `decision-3f2a90c1d4e7.html`."""
    if not re.fullmatch(r"[0-9a-f]{12,64}", digest):
        digest = sha256(digest.encode()).hexdigest()
    return f"decision-{digest[:12]}.html"
