"""The examples in docstrings print what they show."""

import doctest
from importlib import import_module
from pkgutil import walk_packages

import pytest

import promotion

MODULES = [
    "promotion",
    *(one.name for one in walk_packages(promotion.__path__, "promotion.") if "__main__" not in one.name),
]


@pytest.mark.parametrize("name", [name for name in MODULES if "migrations" not in name])
def test_examples_of_module_print_what_they_show(name):
    assert doctest.testmod(import_module(name)).failed == 0
