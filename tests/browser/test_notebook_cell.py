"""Values in the cells of a notebook, in a browser: its style applies to nothing else, its theme is the notebook's."""

import numpy as np
import pytest
from chromium import DESKTOP, PHONE, opened

from promotion import compare, decide, measure
from promotion.ledger.state import State
from promotion.registry.status import Problem, Status

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("browser")]
OWN = "<style>td { color: rgb(1, 2, 3); text-align: right }</style><table id='own'><tr><td>1</td></tr></table>"
DARK, LIGHT = "rgb(19, 23, 28)", "rgb(255, 255, 255)"
STYLE = "([selector, name]) => getComputedStyle(document.querySelector(selector))[name]"


@pytest.fixture
def cells():
    rng = np.random.default_rng(27)
    labels = (rng.random(4000) < 0.2).astype(int)
    old, new = (1 / (1 + np.exp(1 - weight * labels - rng.normal(size=4000))) for weight in (1, 2))
    comparison = compare(labels, old, new, slices={"card": rng.choice(["a", "b"], 4000)})
    decision = decide(comparison, {"primary": {"metric": "roc_auc"}})
    status = Status(state=State(model="toy"), problems=(Problem(kind="label", sentence="It has none."),))
    return "".join(one._repr_html_() for one in (comparison, decision, measure(labels, new), status))


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize(
    ("theme", "dark", "paper"),
    [
        ("data-jp-theme-light='false'", False, DARK),
        ("data-jp-theme-light='true'", True, LIGHT),
        ("class='vscode-dark'", False, DARK),
        ("", True, DARK),
        ("", False, LIGHT),
    ],
)
def test_cells_look_like_the_notebook_and_change_nothing_else_in_it(
    browser, cells, tmp_path, width, theme, dark, paper
):
    page = tmp_path / "page.html"
    head = "<!doctype html><html lang='en'><head><title>notebook</title><meta charset='utf-8'>"
    page.write_text(f"{head}</head><body {theme}><main><h1>Notebook</h1>{OWN}{cells}</main></body></html>")
    with opened(browser, page.as_uri(), width=width, dark=dark) as there:
        seen = {
            name: there.page.evaluate(STYLE, list(name))
            for name in (
                (".promotion", "backgroundColor"),
                ("#own td", "color"),
                ("#own td", "borderBottomWidth"),
                (".promotion tbody th", "textAlign"),
            )
        }
        assert list(seen.values()) == [paper, "rgb(1, 2, 3)", "0px", "left"]
        assert there.page.evaluate("document.documentElement.scrollWidth") <= width
        there.page.evaluate("document.getElementById('own').remove()")
        assert there.violations() == []
        assert there.complaints == []
