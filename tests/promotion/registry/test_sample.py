"""The gate records scores that a service can repeat from the end of the file, and only those."""

import pytest
from recipes import ToyRecipe
from situation import toy

from promotion.registry.sample import furthest, last_rows

pytestmark = pytest.mark.integration


def sample_of(registry):
    return registry.history("toy")[1].content().sample


def test_the_scores_of_the_last_twenty_rows_are_recorded_and_can_be_repeated(registry, rows_file):
    registry.register(toy("good"))
    registry.gate(toy("good"))
    recorded, recipe = sample_of(registry), ToyRecipe()
    assert len(recorded) == 20
    champion = registry.champion("toy")
    rows = last_rows(rows_file, recipe)
    scores = recipe.score(registry.store.load(champion.tag, digest=champion.digest), rows)
    assert furthest(rows, scores, recipe, recorded) is None
    assert furthest(rows, scores + 0.01, recipe, recorded) == pytest.approx(0.01)
    assert furthest(rows.head(50), scores[:50] + 0.01, recipe, recorded) is None  # none of these was recorded


def test_nothing_is_recorded_if_the_rows_depend_on_the_rest_of_the_file(registry, monkeypatch):
    load = ToyRecipe.load
    monkeypatch.setattr(ToyRecipe, "load", lambda self, path: (rows := load(self, path)).assign(m=rows["a"].mean()))
    registry.register(toy("good"))
    registry.gate(toy("good"))
    assert sample_of(registry) is None
    assert registry.champion("toy").tag == toy("good")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_last_rows_of_a_file_are_read_without_the_rest(rows_file, tmp_path, ending):
    recipe = ToyRecipe()
    whole = recipe.load(rows_file)
    file = tmp_path / f"same.{ending}"
    whole.to_parquet(file, row_group_size=500) if ending == "parquet" else whole.to_csv(file, index=False)
    found = last_rows(file, recipe)
    assert found["id"].astype(str).tolist() == whole["id"].tail(100).tolist()
    assert found["a"].to_numpy() == pytest.approx(whole["a"].tail(100).to_numpy())


@pytest.mark.parametrize("content", ["", "id,y,t,a,b\n", "id,y\n1,2\n", "\0"])
def test_a_file_without_such_rows_has_none(tmp_path, content):
    (tmp_path / "rows.csv").write_text(content)
    found = last_rows(tmp_path / "rows.csv", ToyRecipe())
    assert found is None or len(found) == 0
    assert last_rows(tmp_path / "absent.csv", ToyRecipe()) is None
