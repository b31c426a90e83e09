import doctest
import re
import subprocess
import sys
from importlib import import_module
from pkgutil import walk_packages

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


def test_examples_in_docstrings_print_what_they_show():
    names = [one.name for one in walk_packages(promotion.__path__, "promotion.") if "__main__" not in one.name]
    modules = [import_module(name) for name in ("promotion", *names) if "migrations" not in name]
    results = [doctest.testmod(module) for module in modules]
    assert sum(result.attempted for result in results) > 20
    assert sum(result.failed for result in results) == 0


def test_open_finds_the_nearest_configuration(tmp_path):
    (tmp_path / "promotion.toml").write_text('actor = "ci"')
    registry = promotion.open()
    assert isinstance(registry, promotion.Registry)
    assert (registry.config.actor, registry.config.root, registry.models()) == ("ci", tmp_path, ())
    assert registry.champion("toy") is None
    assert (
        repr(registry) == f"Registry(ledger='sqlite:///{tmp_path}/.promotion/ledger.db', store='{registry.store.home}')"
    )


@pytest.mark.integration
def test_a_registry_shows_where_it_lies_without_secrets(tmp_path, postgres_server):
    from promotion.adapters.memory import MemoryMirror, MemoryStore
    from promotion.config import Config

    url = postgres_server.new_database()
    registry = promotion.open(Config(root=tmp_path, ledger=url), store=MemoryStore(), mirror=MemoryMirror())
    assert re.fullmatch(r"Registry\(ledger='postgresql[^']+://\*\*\*@[^']*', store='memory store'\)", repr(registry))
    assert postgres_server.password not in repr(registry)


def test_a_recipe_is_known_by_its_shape():
    from recipes import ToyRecipe

    assert isinstance(ToyRecipe(), promotion.Recipe)
    assert not isinstance(object(), promotion.Recipe)
