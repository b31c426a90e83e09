"""Which module of BentoML saves a model, and what it gives back."""

import lightgbm
import numpy as np
import pytest
import yaml
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from promotion.adapters.bento import BentoStore, as_loaded
from promotion.interfaces import Trained

pytestmark = pytest.mark.integration

FEATURES, LABELS = np.random.default_rng(1).normal(size=(200, 2)), np.arange(200) % 2


class Constant:
    def predict(self, rows):
        return np.full(len(rows), 0.5)


class OneWay(Constant):
    """Can be pickled, but not loaded from the pickle."""

    def __reduce__(self):
        return int, ("no number",)


def booster():
    return lightgbm.train({"objective": "binary", "verbose": -1}, lightgbm.Dataset(FEATURES, LABELS), 3)


def saved(home, trained):
    store = BentoStore(home)
    tag = store.save("toy", trained, metadata={}, training_rows=np.array([1], dtype=np.uint64))
    described = yaml.safe_load((store.path(tag) / "model.yaml").read_text("utf-8"))
    return described["module"], described["signatures"], store.load(tag, digest=store.digest(tag)).model


@pytest.mark.parametrize(
    ("model", "module", "methods"),
    [
        (LogisticRegression(), "bentoml.sklearn", {"predict": {"batchable": True, "batch_dim": [0, 0]}}),
        (lightgbm.LGBMClassifier(n_estimators=3, verbose=-1), "bentoml.sklearn", None),
        (FunctionTransformer(lambda rows: rows), "bentoml.picklable_model", {"__call__": {"batchable": False}}),
        (Constant(), "bentoml.picklable_model", None),
    ],
    ids=["sklearn", "lightgbm's estimator", "an estimator that joblib cannot pickle", "object"],
)
def test_an_estimator_keeps_its_interface_and_any_object_is_pickled(tmp_path, model, module, methods):
    given = model.fit(FEATURES, LABELS) if hasattr(model, "fit") else model
    name, signatures, loaded = saved(tmp_path, Trained(model=given))
    assert (name, type(loaded)) == (module, type(model))
    assert methods is None or signatures == methods


def test_a_library_of_bentoml_saves_its_own_models(tmp_path):
    given = booster()
    name, _, loaded = saved(tmp_path, Trained(model=given, custom_objects={"names": ["a", "b"]}))
    assert name == "bentoml.lightgbm"
    assert np.array_equal(loaded.predict(FEATURES), given.predict(FEATURES))


def test_a_model_is_scored_as_it_will_be_loaded():
    given = Trained(model=booster(), custom_objects={"names": ["a", "b"]})
    again = as_loaded(given)
    assert again.model is not given.model
    assert again.custom_objects == given.custom_objects
    estimator = Trained(model=LogisticRegression())
    assert as_loaded(estimator) is estimator


def test_what_cannot_be_loaded_again_is_not_saved(tmp_path):
    store = BentoStore(tmp_path)
    with pytest.raises(Exception, match=r"^BentoML cannot save the model \(ValueError: invalid literal for int"):
        store.save("toy", Trained(model=OneWay()), metadata={}, training_rows=np.array([1], dtype=np.uint64))
    assert store.versions("toy") == ()


def test_a_module_of_bentoml_that_fails_leaves_the_pickle(tmp_path, monkeypatch):
    def refuse(*_):
        raise RuntimeError("not today")

    monkeypatch.setattr(lightgbm.Booster, "save_model", refuse)
    name, _, loaded = saved(tmp_path, Trained(model=booster()))
    assert name == "bentoml.picklable_model"
    assert isinstance(loaded, lightgbm.Booster)
