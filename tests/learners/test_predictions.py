"""What learners predict: scores, probabilities, classes and features."""

import numpy as np
import pytest
from learner_table import LEARNERS, LOSSES, each
from scipy.special import expit
from sklearn.exceptions import NotFittedError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
METHODS = ("predict", "decision_function", "predict_proba", "transform")


@each(of=LEARNERS + LOSSES)
def test_predictions_of_three_classes(learner, rows):
    X, y = rows[0], np.array(["a", "b", "c"])[rows[1]]
    model = learner.make().fit(X, y)
    assert model.classes_.tolist() == ["a", "b", "c"]
    scores = model.decision_function(X)
    assert scores.shape == (60, 3)
    predicted = model.predict(X)
    np.testing.assert_array_equal(predicted, model.classes_[scores.argmax(axis=1)])
    assert model.score(X, y) == np.mean(predicted == y)
    if hasattr(model, "predict_proba"):
        proba = model.predict_proba(X)
        assert proba.shape == (60, 3)
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
        log_proba = model.predict_log_proba(X)
        np.testing.assert_allclose(log_proba, np.log(proba), rtol=1e-9, atol=1e-15)
        np.testing.assert_array_equal(predicted, model.classes_[proba.argmax(axis=1)])


@each(of=LEARNERS + LOSSES)
def test_two_classes_are_one_score(learner, rows):
    X, y = rows[0], np.array(["no", "yes"])[rows[1] % 2]
    model = learner.make().fit(X, y)
    scores = model.decision_function(X)
    assert scores.shape == (60,)
    np.testing.assert_array_equal(model.predict(X) == "yes", scores > 0)
    if hasattr(model, "coef_"):
        assert model.coef_.shape == (1, 5)
    if hasattr(model, "predict_proba"):
        proba = model.predict_proba(X)
        np.testing.assert_allclose(proba, np.c_[expit(-scores), expit(scores)])
        log_proba = model.predict_log_proba(X)
        np.testing.assert_allclose(log_proba, np.log(proba), rtol=1e-7, atol=1e-15)


@pytest.mark.parametrize("n_classes", [2, 3])
@each(but=lambda learner: learner.has("n_components"))  # cosines are bounded
def test_log_probabilities_where_probabilities_round_to_zero(learner, n_classes, rng):
    if not hasattr(learner.model, "predict_log_proba"):
        return
    unbounded = {"standardize": False, "hidden_layer_sizes": (), "dropout": 0.0}
    model = learner.make(**unbounded if learner.has("standardize") else {})
    X, y = np.arange(3.0 * n_classes)[:, None], np.arange(3 * n_classes) // 3
    log_proba = model.fit(X, y).predict_log_proba([[1e7]])
    assert np.isfinite(log_proba).all()
    assert log_proba.min() < -1e3
    assert log_proba.max() == 0
    one_hot = log_proba[0] == 0
    np.testing.assert_allclose(model.predict_proba([[1e7]])[0], one_hot)


@each(of=LOSSES)
def test_only_losses_of_probabilities_have_them(learner, rows):
    model = learner.make().fit(*rows)
    if learner.weighted and model.loss != "cross_entropy":
        for method in ("predict_proba", "predict_log_proba"):
            assert not hasattr(model, method)
            with pytest.raises(AttributeError) as error:
                getattr(model, method)
            assert f"loss='{model.loss}'" in str(error.value.__cause__)
    else:
        assert hasattr(model, "predict_proba")


@each()
def test_predictions_come_by_blocks(learner, rows):
    """Of more numbers than are read at once."""
    model = learner.make().fit(*rows)
    X = np.tile(rows[0], (3000, 1))  # 7 MB
    for method in set(METHODS) & set(dir(model)):
        few, many = (getattr(model, method)(part) for part in (rows[0], X))
        if method == "predict":
            np.testing.assert_array_equal(many[-60:], few)
        else:
            np.testing.assert_allclose(many[-60:], few, rtol=1e-10, atol=1e-12)
        np.testing.assert_array_equal(many[60:120], many[-120:-60])


@each()
def test_predictions_do_not_depend_on_company(learner, rows):
    model = learner.make().fit(*rows)
    scores = model.decision_function(rows[0])
    alone = np.concatenate([model.decision_function(row[None]) for row in rows[0]])
    np.testing.assert_allclose(alone, scores, rtol=1e-10, atol=1e-12)


@each()
def test_not_fitted(learner, rows):
    model = learner.make()
    for method in set(METHODS) & set(dir(model)):
        with pytest.raises(NotFittedError):
            getattr(model, method)(rows[0])
    with pytest.raises(NotFittedError):
        model.loss_and_gradient(*rows)


@each()
def test_features_are_named(learner, rows):
    if not hasattr(learner.model, "transform"):
        return
    X, y = rows
    model = learner.make().fit(X, y)
    features = model.transform(X)
    name = type(model).__name__.lower()
    names = [f"{name}{i}" for i in range(features.shape[1])]
    assert model.get_feature_names_out().tolist() == names
    table = model.set_output(transform="pandas").transform(X)
    assert list(table.columns) == names
    np.testing.assert_array_equal(table.to_numpy(), features)
    np.testing.assert_array_equal(learner.make().fit_transform(X, y), features)
