"""The model in MLflow: in the flavor of its library, or as a function that returns the recipe's scores."""

import importlib
import importlib.util
import logging
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import packages_distributions
from importlib.metadata import version as installed
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from promotion.interfaces import Recipe, Trained
from promotion.modules import packages_of
from registry_flows.flows.raw_rows import RawRows, takes_raw_rows
from registry_flows.flows.signature import predicts

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

_FRAMES = ("pandas", "numpy")
_ALWAYS = ("scikit-learn", "xgboost", *_FRAMES)
_RECORDED = {"sklearn", "xgboost", *_FRAMES}
_INSTALLED = {"promotion", "registry_flows"}  # required of the loading environment, even if a working copy is used here
_RENAMED = {"torch": "pytorch"}  # the package, and MLflow's module for it


def log_model(recipe: Recipe, trained: Trained, loaded: Trained, signature: "ModelSignature | None") -> None:
    """Log the fitted object to the present run: an estimator or its library's flavor, else the recipe's scores.

    `loaded` is the model as the model store loads it, and `signature` describes its input and output.
    """
    import mlflow
    from mlflow.models import Model

    logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)  # it warns where uv installed, without pip
    fitted = trained.model
    needed = [f"{name}=={version}" for name, version in libraries_of(trained, loaded).items()]
    if "sklearn" in packages_of(fitted):
        logging.getLogger("mlflow.sklearn").setLevel(logging.ERROR)  # it warns of every pickle; a digest verifies ours
        options = {"serialization_format": "cloudpickle", "pyfunc_predict_fn": predicts(fitted)}
        packages = [*_pinned(*_ALWAYS), *needed]
        if takes_raw_rows(recipe):
            raw = RawRows(mlflow.sklearn, recipe, trained, _by_value(_own_modules(recipe, fitted)))
            packages = [*_pinned("registry-flows", "cloudpickle"), *packages]
            Model.log(
                artifact_path=None, name="model", flavor=raw, sk_model=fitted, pip_requirements=packages, **options
            )
        else:
            mlflow.sklearn.log_model(fitted, name="model", signature=signature, pip_requirements=packages, **options)
    elif flavor := _flavor(fitted):
        flavor.log_model(fitted, name="model", signature=signature, pip_requirements=_needed_by(flavor))
    else:
        _log_scores(recipe, trained, needed)


def libraries_of(*models: Trained) -> Mapping[str, str]:
    """Return the libraries that define these models, besides those that every training records: name to version."""
    packages = dict.fromkeys(name for one in models for name in packages_of(one.model) if name not in _RECORDED)
    found, distributions = dict[str, str](), packages_distributions() if packages else {}
    for package in packages:
        named = set(distributions.get(package, ())) - set(_ALWAYS)
        if len(named) == 1:  # a package of several distributions, such as `google`, says little
            (name,) = named
            found[name] = installed(name)
    return found


def _flavor(fitted: object) -> ModuleType | None:
    """Return MLflow's module for the model's library; None if MLflow cannot save it or would not return its scores."""
    if hasattr(fitted, "predict_proba"):  # the flavors call `predict`, which is no score
        return None
    for package in packages_of(fitted):
        name = f"mlflow.{_RENAMED.get(package, package)}"
        if importlib.util.find_spec(name):
            module = importlib.import_module(name)
            if hasattr(module, "FLAVOR_NAME") and hasattr(module, "log_model"):
                return module if _saves(module, fitted) else None
    return None


def _saves(flavor: ModuleType, fitted: object) -> bool:
    """Return whether the flavor can save the model; PyTorch's requires an example, for instance.

    Tried in a temporary folder, because a run keeps the name of a model that it failed to log.
    """
    logging.getLogger(flavor.__name__).setLevel(logging.ERROR)
    try:
        with tempfile.TemporaryDirectory() as folder:
            flavor.save_model(fitted, str(Path(folder) / "model"), pip_requirements=_needed_by(flavor))
    except Exception:
        return False
    return True


def _needed_by(flavor: ModuleType) -> list[str]:
    return [*flavor.get_default_pip_requirements(), *_pinned(*_FRAMES)]


def _log_scores(recipe: Recipe, trained: Trained, needed: list[str]) -> None:
    """Log a function from rows, as the recipe loads them, to the scores that the gate judges."""
    import mlflow.pyfunc

    logging.getLogger("mlflow.pyfunc").setLevel(logging.ERROR)  # it asks for type hints, and warns of every pickle

    with warnings.catch_warnings(record=True):  # MLflow, which asks for type hints here, overrides filters

        class Scores(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
            # MLflow reads the names and the type hints of the arguments.
            def predict(self, context, model_input):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202, ARG002
                return recipe.score(trained, model_input)

    with _by_value(_own_modules(recipe, trained.model, *trained.custom_objects.values())):
        mlflow.pyfunc.log_model(
            name="model",
            python_model=Scores(),
            pip_requirements=[*_pinned("registry-flows", *_FRAMES, "cloudpickle"), *needed],
        )


def _own_modules(*values: object) -> list[ModuleType]:
    """Return the modules in the folders of those that define the values, without installed ones."""
    defining = {one for value in values for one in packages_of(value)} - {*_INSTALLED, *sys.stdlib_module_names}
    if not any(_folder_of(sys.modules.get(one)) for one in defining):
        return []
    installed_here = {*_INSTALLED, *sys.stdlib_module_names, *packages_distributions()}  # knows editable ones, slowly
    beside = {_folder_of(sys.modules.get(one)) for one in defining - installed_here} - {None}
    tops = {name.partition(".")[0] for name in sys.modules} - installed_here
    own = {one for one in tops if _folder_of(sys.modules.get(one)) in beside}
    return [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in own]


def _folder_of(module: ModuleType | None) -> Path | None:
    """Return the folder in which a top-level module or package lies; None if it is installed, or has no file."""
    place = getattr(module, "__file__", None)
    if place is None or "site-packages" in Path(place).parts:
        return None
    path = Path(place).absolute()
    return path.parents[1] if path.name == "__init__.py" else path.parent


@contextmanager
def _by_value(modules: Iterable[ModuleType]) -> Iterator[None]:
    """Pickle what these modules define by value, because they cannot be imported where the model is loaded."""
    import cloudpickle

    registered = [one for one in modules if one.__name__ not in cloudpickle.list_registry_pickle_by_value()]
    for module in registered:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in registered:
            cloudpickle.unregister_pickle_by_value(module)


def _pinned(*names: str) -> list[str]:
    return [f"{name}=={installed(name)}" for name in names]
