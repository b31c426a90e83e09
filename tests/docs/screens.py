"""Takes the screenshots of a report and of the site for README and docs: `python tests/docs/screens.py` updates them."""

import sys
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from chromium import DESKTOP, chromium
from ledgers import record_history
from PIL import Image
from situation import NOON, open_at, settings_at

from promotion.adapters.bento import BentoStore
from promotion.adapters.memory import MemoryMirror
from promotion.config import LinksConfig
from promotion.report.links import decision_page_name
from promotion.report.site import write_site

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
REASON = (
    "Merchants in three countries complain that card payments above 500 are declined since noon; the scores of "
    "ProductCD = W are too high."
)
LINKS = LinksConfig(mlflow="http://mlflow.example", prefect="http://prefect.example")


def site_in(root):
    """The page of a model that was just rolled back, and the report of another model's promotion that serves."""
    config = settings_at(root).model_copy(update={"links": LINKS})
    registry = open_at(config, store=BentoStore(root / "bentoml"), mirror=MemoryMirror())
    record_history(registry.ledger, "fraud_classifier", 12, seed=8, rows=6000, spread=0.15, reason=REASON)
    promoted = record_history(registry.ledger, "credit_limit", 2, seed=4, rows=6000, spread=0.15).champion
    folder = write_site(registry, root / "site", now=NOON + timedelta(hours=8), way_back=way_back).folder
    return folder / "model-fraud_classifier.html", folder / decision_page_name(promoted.decision)


def way_back(state):
    """As `promotion status` shows it where the files of the previous champion are in the store."""
    return (
        (f"To roll back to {state.previous}:", f"  promotion rollback {state.model} --reason …")
        if state.previous
        else ()
    )


def photograph(browser, page, name, height):
    context = browser.new_context(viewport={"width": DESKTOP, "height": height})
    shown = context.new_page()
    shown.clock.set_fixed_time(NOON + timedelta(hours=8))
    shown.goto(page.as_uri())
    path = IMAGES / f"{name}.png"
    shown.screenshot(path=path)
    context.close()
    Image.open(path).convert("RGB").quantize(128, dither=0).save(path, optimize=True)


if __name__ == "__main__":
    with TemporaryDirectory() as root, chromium() as browser:
        model, report = site_in(Path(root))
        photograph(browser, model, "site", 1320)
        photograph(browser, report, "report", 1000)
