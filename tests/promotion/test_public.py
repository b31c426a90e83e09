import doctest
import subprocess
import sys

import pytest

import promotion

HEAVY = (
    "bentoml",
    "mlflow",
    "numpy",
    "pandas",
    "prefect",
    "pydantic",
    "rich",
    "sklearn",
    "sqlalchemy",
    "typer",
    "yaml",
)


def test_all_is_what_is_visible_and_everything_is_there():
    visible = [name for name in dir(promotion) if not name.startswith("_")]
    assert sorted(promotion.__all__) == promotion.__all__ == sorted(visible)
    for name in promotion.__all__:
        assert getattr(promotion, name).__doc__
    with pytest.raises(AttributeError, match=r"^module 'promotion' has no attribute 'opne'$"):
        _ = promotion.opne


def test_importing_it_loads_nothing_heavy():
    script = f"import sys, promotion; print([name for name in {HEAVY} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert loaded.stdout.strip() == "[]"


def test_the_example_of_the_package_runs():
    failed, tried = doctest.testmod(promotion)
    assert tried > 5
    assert failed == 0


def test_open_finds_the_nearest_configuration(tmp_path):
    (tmp_path / "promotion.toml").write_text('actor = "ci"')
    registry = promotion.open()
    assert isinstance(registry, promotion.Registry)
    assert (registry.config.actor, registry.config.root, registry.models()) == ("ci", tmp_path, ())
    assert registry.champion("toy") is None


def test_a_recipe_is_known_by_its_shape():
    from recipes import ToyRecipe

    assert isinstance(ToyRecipe(), promotion.Recipe)
    assert not isinstance(object(), promotion.Recipe)
