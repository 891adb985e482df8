"""The cosine head: the formula, torch, pytorch-metric-learning, central differences."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.losses import ArcFaceLoss, CosFaceLoss

from skvision._layers.cosine_head import CosineHead
from skvision._layers.layer import Arrays, Training, Workspace
from skvision._training.losses import softmax_cross_entropy

SCALE, MARGIN = 16.0, 0.5


def head(n_outputs, **options):
    return CosineHead(n_outputs, **{"scale": SCALE, "margin": MARGIN} | options)


def of(centers, of_centers=None):
    """Return the arrays of a head with these centers."""
    grads = [] if of_centers is None else [of_centers]
    return Arrays([centers], [], grads, Workspace())


def loss_and_gradients(layer, x, centers, labels):
    seen = Training(None, None, labels=labels)
    of_centers = np.empty_like(centers)
    scores, backward = layer.forward(of(centers, of_centers), x, seen)
    value, d_scores = softmax_cross_entropy(scores, labels)
    return value, backward(d_scores), of_centers


def at_angle(theta, rng, d=4, dtype=np.float64):
    """Return a vector and one at an angle to it, of other lengths than one."""
    a, b = np.linalg.qr(rng.normal(size=(d, 2)))[0].T
    turned = np.cos(theta) * a + np.sin(theta) * b
    return (3 * a).astype(dtype), (0.2 * turned).astype(dtype)


def by_torch(x, centers, labels, margin=MARGIN, margin_type="angle", scale=SCALE):
    """Return loss and gradients of the formula, the angle taken from arctan2."""
    x, centers = (torch.tensor(a, requires_grad=True) for a in (x, centers))
    u = torch.nn.functional.normalize(x)
    c = torch.nn.functional.normalize(centers)
    scores = u @ c.T
    own = c[labels]
    theta = 2 * torch.atan2((u - own).norm(dim=1), (u + own).norm(dim=1))
    with_margin = torch.where(
        theta + margin <= math.pi,
        torch.cos(theta + margin),
        torch.cos(theta) - 1 + math.cos(margin),
    )
    if margin_type == "cosine":
        with_margin = (u * own).sum(dim=1) - margin
    labels = torch.tensor(labels)
    hot = torch.nn.functional.one_hot(labels, scores.shape[1]).bool()
    scores = torch.where(hot, with_margin[:, None], scores)
    loss = torch.nn.functional.cross_entropy(scale * scores, labels)
    loss.backward()
    return loss.item(), x.grad.numpy(), centers.grad.numpy()


@pytest.mark.parametrize(("label", "loss"), [(0, 6.2132), (1, 16.1269)])
def test_worked_example(label, loss):
    x, centers = np.array([[10.0, 20, 30]]), np.array([[1.0, 2, 3], [4, 5, 6]])
    layer = CosineHead(2, scale=64, margin=0.5)
    plain = layer.forward(of(centers), x, None)[0] / 64
    np.testing.assert_allclose(plain, [[1, 0.974632]], atol=1e-6)
    value, _, _ = loss_and_gradients(layer, x, centers, np.array([label]))
    assert round(value, 4) == loss


@pytest.mark.parametrize("margin_type", ["angle", "cosine"])
@pytest.mark.parametrize("margin", [0.0, 0.1, 0.5, 1.5, 1.9])
def test_torch_gives_the_same_for_all_labels(margin, margin_type):
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(5, 4))
    x = rng.normal(size=(7, 4))
    for labels in (np.arange(7) % 5, np.full(7, 3), rng.integers(5, size=7)):
        got = loss_and_gradients(
            head(5, margin=margin, margin_type=margin_type), x, centers, labels
        )
        expected = by_torch(x, centers, labels, margin, margin_type)
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


ANGLES = [1e-3, 1e-2, 0.1, 1, 2, math.pi - 0.501, math.pi - 0.499, 3, math.pi - 1e-3]


@pytest.mark.parametrize("theta", ANGLES)
def test_torch_gives_the_same_at_all_angles(theta):
    rng = np.random.default_rng(1)
    x, center = at_angle(theta, rng)
    centers = np.array([rng.normal(size=4), center, rng.normal(size=4)])
    labels = np.array([1])
    got = loss_and_gradients(head(3), x[None], centers, labels)
    for a, b in zip(got, by_torch(x[None], centers, labels), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("theta", [1e-3, 0.01, 0.3, 2.0, 3.1])
def test_the_gradient_has_the_length_of_the_closed_form(theta):
    """That of the score of the true class: s sin(theta + m) / |x|."""
    x, center = at_angle(theta, np.random.default_rng(2))
    layer = head(1)
    seen = Training(None, None, labels=np.array([0]))
    arrays = of(center[None], np.empty((1, 4)))
    _, backward = layer.forward(arrays, x[None], seen)
    dx = backward(np.ones((1, 1)))
    beyond = theta + MARGIN > math.pi
    expected = SCALE * math.sin(theta if beyond else theta + MARGIN) / 3
    assert np.linalg.norm(dx) == pytest.approx(expected, rel=1e-12)
    assert abs((dx @ x).item()) < 1e-12  # its length does not count


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("theta", "cosine"), [(0, 1), (math.pi, -1)])
def test_at_the_poles_values_are_limits_and_gradients_finite(theta, cosine, dtype):
    x = np.array([[0, 2, 0]], dtype)
    centers = np.array([[0, 3 * cosine, 0], [1, 0, 0]], dtype)
    labels = np.array([0])
    value, dx, of_centers = loss_and_gradients(head(2), x, centers, labels)
    near, turned = at_angle(abs(theta - 1e-7), np.random.default_rng(0))
    limit = head(1).forward(
        of(turned[None]), near[None], Training(None, None, labels=labels)
    )[0]
    expected, _ = softmax_cross_entropy(np.array([[limit.item(), 0]]), labels)
    assert value == pytest.approx(expected, abs=1e-5)
    assert np.isfinite(dx).all() and np.isfinite(of_centers).all()
    assert value > 0 and np.abs(dx).max() <= SCALE


@pytest.mark.parametrize("theta", np.geomspace(1e-8, 1e-3, 6))
def test_gradients_stay_small_close_to_a_pole_in_float32(theta):
    rng = np.random.default_rng(0)
    for at in (theta, math.pi - theta):
        x, center = at_angle(at, rng, dtype=np.float32)
        seen = Training(None, None, labels=np.array([0]))
        of_centers = np.empty((1, 4), np.float32)
        arrays = of(center[None], of_centers)
        _, backward = head(1).forward(arrays, x[None], seen)
        dx = backward(np.ones((1, 1), np.float32))
        # the tangent itself is known to so many digits only
        most = 1 + 4 * float(np.finfo(np.float32).eps) / max(theta, 1.2e-7)
        assert np.linalg.norm(dx) <= most * SCALE * math.sin(MARGIN + theta) / 3
        bound = most * SCALE * math.sin(MARGIN + theta) / 0.2
        assert np.linalg.norm(of_centers) <= bound


@given(st.floats(0, 1.99), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_the_score_of_the_true_class_falls_with_the_angle(margin, seed):
    angles = np.linspace(0, math.pi, 100)
    pairs = [at_angle(theta, np.random.default_rng(seed)) for theta in angles]
    x, centers = map(np.array, zip(*pairs, strict=True))
    own = np.arange(100)
    seen = Training(None, None, labels=own)
    layer = head(100, margin=margin)
    scores = layer.forward(of(centers), x, seen)[0][own, own]
    assert (np.diff(scores) <= 1e-12).all()
    assert np.abs(np.diff(scores)).max() < 1.01 * SCALE * np.diff(angles).max()


def test_pytorch_metric_learning_gives_the_same_below_its_jump():
    """Its margin is in degrees; where angle and margin exceed pi it jumps, ours not."""
    rng = np.random.default_rng(3)
    x, centers = rng.normal(size=(20, 6)), rng.normal(size=(4, 6))
    labels = rng.integers(4, size=20)
    units = [a / np.linalg.norm(a, axis=1, keepdims=True) for a in (x, centers)]
    own = np.arccos(np.sum(units[0] * units[1][labels], axis=1))
    x, labels = x[own + MARGIN < math.pi], labels[own + MARGIN < math.pi]
    assert len(x) > 10
    for theirs, ours in (
        (ArcFaceLoss(4, 6, margin=math.degrees(MARGIN), scale=SCALE), head(4)),
        (
            CosFaceLoss(4, 6, margin=0.35, scale=SCALE),
            head(4, margin=0.35, margin_type="cosine"),
        ),
    ):
        theirs = theirs.double()
        theirs.W.data = torch.tensor(centers.T.copy())
        inputs = torch.tensor(x, requires_grad=True)
        loss = theirs(inputs, torch.tensor(labels))
        loss.backward()
        value, dx, of_centers = loss_and_gradients(ours, x, centers, labels)
        assert value == pytest.approx(loss.item(), rel=1e-10)
        np.testing.assert_allclose(dx, inputs.grad, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(of_centers, theirs.W.grad.T, rtol=1e-8, atol=1e-10)


def test_pytorch_metric_learning_jumps_and_this_does_not():
    just_below, just_beyond = math.pi - MARGIN - 1e-6, math.pi - MARGIN + 1e-6
    ours, theirs = [], []
    for theta in (just_below, just_beyond):
        x, center = at_angle(theta, np.random.default_rng(0))
        seen = Training(None, None, labels=np.array([0]))
        ours.append(head(1).forward(of(center[None]), x[None], seen)[0].item())
        loss = ArcFaceLoss(1, 4, margin=math.degrees(MARGIN), scale=SCALE)
        cosine = torch.tensor([math.cos(theta)], dtype=torch.float64)
        theirs.append(SCALE * loss.modify_cosine_of_target_classes(cosine).item())
    assert abs(ours[1] - ours[0]) < 1e-4
    assert theirs[1] - theirs[0] == pytest.approx(-0.117 * SCALE, abs=0.01)


@pytest.mark.parametrize("margin_type", ["angle", "cosine"])
def test_central_differences(differences, margin_type):
    rng = np.random.default_rng(4)
    x, centers = rng.normal(size=(6, 3)), rng.normal(size=(4, 3))
    labels = np.arange(6) % 4
    layer = head(4, margin_type=margin_type)
    _, dx, of_centers = loss_and_gradients(layer, x, centers, labels)

    def value(flat):
        parts = flat[:18].reshape(6, 3), flat[18:].reshape(4, 3)
        return loss_and_gradients(layer, *parts, labels)[0]

    numerical = differences(value, np.concatenate([x.ravel(), centers.ravel()]))
    exact = np.concatenate([dx.ravel(), of_centers.ravel()])
    np.testing.assert_allclose(exact, numerical, rtol=1e-6, atol=1e-8)


def test_margin_zero_is_normalised_softmax():
    rng = np.random.default_rng(5)
    x, centers = rng.normal(size=(6, 3)), rng.normal(size=(4, 3))
    labels = np.arange(6) % 4
    units = x / np.linalg.norm(x, axis=1, keepdims=True)
    directions = centers / np.linalg.norm(centers, axis=1, keepdims=True)
    expected, _ = softmax_cross_entropy(SCALE * units @ directions.T, labels)
    for margin_type in ("angle", "cosine"):
        layer = head(4, margin=0.0, margin_type=margin_type)
        value, *gradients = loss_and_gradients(layer, x, centers, labels)
        assert value == pytest.approx(expected, rel=1e-14)
    tiny = loss_and_gradients(head(4, margin=1e-12), x, centers, labels)
    assert tiny[0] == pytest.approx(expected, rel=1e-10)
    for a, b in zip(tiny[1:], gradients, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


def test_lengths_do_not_count():
    rng = np.random.default_rng(6)
    x, centers = rng.normal(size=(6, 3)), rng.normal(size=(4, 3))
    labels = np.arange(6) % 4
    value, dx, of_centers = loss_and_gradients(head(4), x, centers, labels)
    for a, b in ((1e-6, 1), (1, 1e6), (1e3, 1e-3)):
        other = loss_and_gradients(head(4), a * x, b * centers, labels)
        assert other[0] == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(a * other[1], dx, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(b * other[2], of_centers, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_of_zeros_is_at_a_right_angle_and_does_not_move(dtype):
    x, centers = np.zeros((1, 3), dtype), np.eye(3, dtype=dtype)
    layer = head(3)
    np.testing.assert_array_equal(layer.forward(of(centers), x, None)[0], 0)
    value, dx, of_centers = loss_and_gradients(layer, x, centers, np.array([1]))
    assert math.isfinite(value)
    np.testing.assert_array_equal(dx, 0)
    np.testing.assert_array_equal(of_centers, 0)


def test_only_training_has_a_margin():
    rng = np.random.default_rng(7)
    x, centers = rng.normal(size=(6, 3)), rng.normal(size=(4, 3))
    plain = head(4).forward(of(centers), x, None)[0]
    without = head(4, margin=0.0).forward(of(centers), x, None)[0]
    np.testing.assert_array_equal(plain, without)
    seen = Training(None, None, labels=np.zeros(6, int))
    trained = head(4).forward(of(centers), x, seen)[0]
    assert (trained[:, 0] < plain[:, 0]).all()
    np.testing.assert_array_equal(trained[:, 1:], plain[:, 1:])
    assert np.abs(plain).max() <= SCALE


def test_the_gradient_of_scores_is_left_as_it_was():
    rng = np.random.default_rng(8)
    x, centers = rng.normal(size=(6, 3)), rng.normal(size=(4, 3))
    seen = Training(None, None, labels=np.zeros(6, int))
    arrays = of(centers, np.empty_like(centers))
    _, backward = head(4).forward(arrays, x, seen)
    dy = rng.normal(size=(6, 4))
    before = dy.copy()
    assert backward(dy, needs_dx=False) is None
    np.testing.assert_array_equal(dy, before)


@pytest.mark.parametrize("margin_type", ["angle", "cosine"])
def test_images_are_flat_rows(margin_type):
    rng = np.random.default_rng(9)
    x, centers = rng.normal(size=(6, 4, 3, 2)), rng.normal(size=(4, 24))
    labels, layer = np.arange(6) % 4, head(4, margin_type=margin_type)
    value, dx, of_centers = loss_and_gradients(layer, x, centers, labels)
    expected = loss_and_gradients(layer, x.reshape(6, 24), centers, labels)
    assert value == expected[0]
    np.testing.assert_array_equal(dx, expected[1].reshape(x.shape))
    np.testing.assert_array_equal(of_centers, expected[2])
