"""
=============================
Backpropagation, step by step
=============================

A loss depends on weights through many small steps. Backpropagation visits these steps
from the last to the first. At each step, it computes the gradient of the loss with
respect to the inputs of the step: the derivative of the step times the gradient with
respect to its output. This is the chain rule.

This example computes it by hand, for graphs that are small enough to check on paper,
and for a network of two layers on scikit-learn's handwritten digits. It checks the
gradient by :func:`skvision.inspection.gradient_check`, and compares the training with
:class:`skvision.MLPBackprop`.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from sklearn.datasets import load_digits

from skvision import MLPBackprop
from skvision.inspection import gradient_check, numerical_gradient

BLUE, ORANGE, GRAY = "#08519c", "#d55e00", "#57606a"

# %%
# How graphs are drawn
# --------------------
# Inputs are letters, and operations are circles. To the right of each is a wire. The
# value of the output is shown above the wire, and the gradient below it, which is the
# derivative of the result of the whole graph with respect to this value.


def written(value):
    """Return a number or the rows of an array as text."""
    rows = np.atleast_2d(value)
    return "\n".join("   ".join(f"${v:.4g}$" for v in row) for row in rows)


def draw(axes, nodes, links, wire=1.0, margin=0.4):
    """Draw a graph; nodes are (x, y, label, value, gradient), links pairs of names."""
    targets = {target for _, target in links}
    for source, target in links:
        (x0, y0), (x1, y1) = nodes[source][:2], nodes[target][:2]
        axes.plot([x0 + wire, x1], [y0, y1], color=GRAY, linewidth=1, zorder=1)
    for name, (x, y, label, value, gradient) in nodes.items():
        axes.plot([x, x + wire], [y, y], color=GRAY, linewidth=1, zorder=1)
        is_operation = name in targets and label
        if is_operation:
            circle = plt.Circle((x, y), 0.3, facecolor="white", edgecolor=GRAY)
            axes.add_patch(circle).set_zorder(2)
        start = x + (0.3 if is_operation else 0)
        middle = (start + x + wire) / 2
        axes.text(middle, y + 0.07, written(value), color=BLUE, ha="center")
        axes.text(
            middle, y - 0.07, written(gradient), color=ORANGE, ha="center", va="top"
        )
        side = {"ha": "center"} if is_operation else {"ha": "right"}
        axes.text(x - (not is_operation) * 0.1, y, label, va="center", **side)
    xs, ys = np.array([node[:2] for node in nodes.values()]).T
    axes.set(xlim=(xs.min() - 0.5, xs.max() + wire + 0.2), aspect="equal")
    axes.set_ylim(ys.min() - margin, ys.max() + margin)
    axes.axis("off")


def explain(figure):
    """Add a legend below the figure."""
    marks = [
        Line2D([], [], color=color, marker="s", linestyle="none")
        for color in (BLUE, ORANGE)
    ]
    names = ["above a wire: value", "below a wire: gradient of the result by it"]
    figure.legend(marks, names, loc="outside lower center", ncols=2)


# %%
# A circuit
# ---------
# The function is :math:`f = (x + y) \, z`. The forward pass, from left to right,
# computes the sum and then the product. The backward pass goes from right to left. The
# gradient of f with respect to itself is 1. A product passes the gradient to each
# factor, times the other factor, and a sum passes it on unchanged.

x, y, z = -2.0, 5.0, -4.0
s = x + y
f = s * z

df = 1.0
ds, dz = z * df, s * df
dx, dy = ds, ds
print(f"circuit: f = {f:g}, gradients x {dx:g}, y {dy:g}, z {dz:g}, x + y {ds:g}")
assert (f, dx, dy, dz, ds) == (-12, -4, -4, 3, -4)

# %%
# Central differences give the same result by changing each input slightly to both
# sides. They need two values of f for each input, so they are only used for checks.
# Backpropagation computes all gradients by one forward and one backward pass.

differences = numerical_gradient(lambda v: (v[0] + v[1]) * v[2], [x, y, z])
print(f"circuit: by central differences {differences.round(6)}")
assert np.allclose(differences, [dx, dy, dz])

figure, axes = plt.subplots(figsize=(6.5, 4.2), layout="compressed")
draw(
    axes,
    {
        "x": (0, 2.2, "$x$", x, dx),
        "y": (0, 0.8, "$y$", y, dy),
        "z": (0, -0.6, "$z$", z, dz),
        "s": (2.2, 1.5, "$+$", s, ds),
        "f": (4.4, 0.5, r"$\times$", f, df),
    },
    [("x", "s"), ("y", "s"), ("s", "f"), ("z", "f")],
)
axes.set_title("$f = (x + y) \\, z$")
explain(figure)
plt.show()

# %%
# Three gates
# -----------
# The gradient at the output of a gate is 2, and its inputs are 3 and -2. A sum passes
# the gradient to both inputs. A maximum passes it to the larger input only, because a
# small change of the other one has no effect. A product passes the gradient to each
# input, times the other input.

a, b, arriving = 3.0, -2.0, 2.0
gates = {
    "sum": ("$+$", a + b, (arriving, arriving)),
    "maximum": ("max", max(a, b), (arriving * (a > b), arriving * (b > a))),
    "product": (r"$\times$", a * b, (arriving * b, arriving * a)),
}
functions = {"sum": np.sum, "maximum": np.max, "product": np.prod}

figure, row = plt.subplots(1, 3, figsize=(11, 2.8), layout="compressed")
for axes, (name, (label, value, (da, db))) in zip(row, gates.items(), strict=True):
    print(f"{name}: value {value:g}, gradients {da:g} and {db:g}")
    differences = numerical_gradient(functions[name], [a, b])
    assert np.allclose(arriving * differences, [da, db])
    draw(
        axes,
        {
            "a": (0, 1.4, "$a$", a, da),
            "b": (0, 0, "$b$", b, db),
            "out": (2.2, 0.7, label, value, arriving),
        },
        [("a", "out"), ("b", "out")],
    )
    axes.set_title(name)
explain(figure)
plt.show()

# %%
# A value used twice
# ------------------
# The function is :math:`f = x y + x`. There are two paths from x to f with different
# gradients: -2 through the product and 1 through the sum. The gradient of x is their
# sum. A common mistake is to write ``dx = ...`` a second time instead of ``dx += ...``,
# which loses one of them.

x, y = 3.0, -2.0
p = x * y
f = p + x

df = 1.0
dp, dx_by_sum = df, df
dx_by_product, dy = y * dp, x * dp
dx = dx_by_product + dx_by_sum
print(f"used twice: gradient of x {dx_by_product:g} + {dx_by_sum:g} = {dx:g}")
assert (f, dx, dy) == (-3, -1, 3)

figure, axes = plt.subplots(figsize=(7.5, 3.4), layout="compressed")
draw(
    axes,
    {
        "y": (0, 1.6, "$y$", y, dy),
        "x": (0, 0, "$x$", x, dx),
        "to p": (1.7, 0.5, "", x, dx_by_product),
        "to f": (1.7, -0.5, "", x, dx_by_sum),
        "p": (3.8, 1.2, r"$\times$", p, dp),
        "f": (5.9, 0.3, "$+$", f, df),
    },
    [
        ("y", "p"),
        ("x", "to p"),
        ("x", "to f"),
        ("to p", "p"),
        ("p", "f"),
        ("to f", "f"),
    ],
)
axes.set_title("$f = x \\, y + x$")
explain(figure)
plt.show()

# %%
# A neuron
# --------
# A neuron is the sigmoid of a weighted sum, :math:`f = 1 / (1 + e^{-(w_0 x_0 + w_1 x_1
# + w_2)})`. It is a chain of operations, each of which has a simple derivative.

w0, w1, w2 = 2.0, -3.0, -3.0
x0, x1 = -1.0, -2.0

p0, p1 = w0 * x0, w1 * x1
s = p0 + p1
z = s + w2
m = -z
e = np.exp(m)
d = e + 1
f = 1 / d

df = 1.0
dd = -1 / d**2 * df  # 1/x
de = dd  # + 1
dm = e * de  # exp
dz = -dm  # times -1
ds, dw2 = dz, dz
dp0, dp1 = ds, ds
dw0, dx0 = x0 * dp0, w0 * dp0
dw1, dx1 = x1 * dp1, w1 * dp1

print(f"neuron: f = {f:.4f}")
for name, gradient in {"1/x": dd, "+ 1": de, "exp": dm, "times -1": dz}.items():
    print(f"neuron: backwards through {name:9} {gradient:7.4f}")
print(f"neuron: gradient of w {np.array([dw0, dw1, dw2]).round(4)}")
print(f"neuron: gradient of x {np.array([dx0, dx1]).round(4)}")
assert np.allclose([dd, de, dm, dz], [-0.5344, -0.5344, -0.1966, 0.1966], atol=1e-4)
assert np.allclose([dw0, dw1, dw2], [-0.1966, -0.3932, 0.1966], atol=1e-4)
assert np.allclose([dx0, dx1], [0.3932, -0.5898], atol=1e-4)

# %%
# The last four steps are the sigmoid. They could be a single step with the derivative f
# (1 - f).

print(f"neuron: slope of the sigmoid f (1 - f) = {f * (1 - f):.4f}")
assert np.isclose(f * (1 - f), dz)

figure, axes = plt.subplots(figsize=(11.5, 4.9), layout="compressed")
draw(
    axes,
    {
        "w0": (0, 4.8, "$w_0$", w0, dw0),
        "x0": (0, 3.6, "$x_0$", x0, dx0),
        "w1": (0, 2.4, "$w_1$", w1, dw1),
        "x1": (0, 1.2, "$x_1$", x1, dx1),
        "w2": (0, 0.0, "$w_2$", w2, dw2),
        "p0": (1.8, 4.2, r"$\times$", p0, dp0),
        "p1": (1.8, 1.8, r"$\times$", p1, dp1),
        "s": (3.6, 3.0, "$+$", s, ds),
        "z": (5.3, 1.8, "$+$", z, dz),
        "m": (7.0, 1.8, r"$\times\!-\!1$", m, dm),
        "e": (8.7, 1.8, "exp", e, de),
        "d": (10.4, 1.8, "$+1$", d, dd),
        "f": (12.1, 1.8, "$1/x$", f, df),
    },
    [
        ("w0", "p0"),
        ("x0", "p0"),
        ("w1", "p1"),
        ("x1", "p1"),
        ("p0", "s"),
        ("p1", "s"),
        ("s", "z"),
        ("w2", "z"),
        ("z", "m"),
        ("m", "e"),
        ("e", "d"),
        ("d", "f"),
    ],
    wire=1.2,
)
axes.set_title("a neuron: the sigmoid of $w_0 x_0 + w_1 x_1 + w_2$")
explain(figure)
plt.show()

# %%
# Matrices
# --------
# The function is :math:`f = \|W x\|^2`. A gradient has the shape of its variable, and
# shapes usually determine the formula: the gradient of W is a 2 x 2 matrix, and it is
# computed from the gradient of q and from x, which are vectors of length 2.

W = np.array([[0.1, 0.5], [-0.3, 0.8]])
x = np.array([0.2, 0.4])
q = W @ x
f = q @ q

dq = 2 * q  # in q q, q is used twice
dW = np.outer(dq, x)
dx = W.T @ dq
for name, value, gradient in [("W", W, dW), ("x", x, dx), ("q", q, dq)]:
    print(f"matrices: {name} {value.shape}, gradient {gradient.round(3).tolist()}")
    assert gradient.shape == value.shape
print(f"matrices: f = {f:.3f}")
assert np.allclose(f, 0.116) and np.allclose(q, [0.22, 0.26])
assert np.allclose(dW, [[0.088, 0.176], [0.104, 0.208]])
assert np.allclose(dx, [-0.112, 0.636])
assert gradient_check(lambda W: ((W @ x) @ (W @ x), dW), W)

figure, axes = plt.subplots(figsize=(8, 4.4), layout="compressed")
draw(
    axes,
    {
        "W": (0, 2.0, "$W$", W, dW),
        "x": (0, 0, "$x$", x[:, None], dx[:, None]),
        "q": (2.7, 1, "$W x$", q[:, None], dq[:, None]),
        "f": (4.9, 1, r"$\|\,\|^2$", f, 1),
    },
    [("W", "q"), ("x", "q"), ("q", "f")],
    wire=1.4,
    margin=0.8,
)
axes.set_title(r"$f = \|W x\|^2$")
explain(figure)
plt.show()

# %%
# A network
# ---------
# The network has two layers: 64 pixels, 32 rectified units and 10 scores. The loss is
# the cross-entropy of the softmax plus a penalty on the weights. Rows are images, and
# products such as ``X.T @ d_hidden`` sum over the images. The gradient with respect to
# the scores is simple: the probabilities, less 1 for the true class.

digits = load_digits()
X, y = digits.data[:300] / 16 - 0.3, digits.target[:300]
rows, ALPHA = np.arange(len(X)), 1e-3


def loss_and_gradients(W1, b1, W2, b2, forget_the_slope=False):
    """Return the loss of the network, and its gradients in the same order."""
    hidden = np.maximum(0, X @ W1 + b1)
    scores = hidden @ W2 + b2
    probabilities = np.exp(scores)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    loss = -np.log(probabilities[rows, y]).mean()
    loss += ALPHA / 2 * ((W1**2).sum() + (W2**2).sum())

    d_scores = probabilities / len(X)
    d_scores[rows, y] -= 1 / len(X)
    d_hidden = d_scores @ W2.T
    if not forget_the_slope:
        d_hidden *= hidden > 0
    dW1, db1 = X.T @ d_hidden + ALPHA * W1, d_hidden.sum(axis=0)
    dW2, db2 = hidden.T @ d_scores + ALPHA * W2, d_scores.sum(axis=0)
    return loss, (dW1, db1, dW2, db2)


rng = np.random.default_rng(0)
start = [
    rng.normal(scale=np.sqrt(2 / 64), size=(64, 32)),
    np.zeros(32),
    rng.normal(scale=np.sqrt(2 / 32), size=(32, 10)),
    np.zeros(10),
]

# %%
# Is it right?
# ------------
# :func:`~skvision.inspection.gradient_check` compares up to 100 derivatives of each
# array with central differences. A second check has an intentional mistake: it omits
# the derivative of the rectifier, so that gradients pass through inactive units.


def check(i, forget_the_slope=False):
    """Check the gradient with respect to array i."""

    def function(array):
        arrays = [*start[:i], array, *start[i + 1 :]]
        loss, gradients = loss_and_gradients(*arrays, forget_the_slope)
        return loss, gradients[i]

    return gradient_check(function, start[i], random_state=0)


checks = [check(i) for i in range(4)]
for name, result in zip(["W1", "b1", "W2", "b2"], checks, strict=True):
    print(f"network: {name}, {len(result.errors)} derivatives, ", end="")
    print(f"largest relative error {result.worst_error:.1g}")
    assert result.passed
forgetful = check(0, forget_the_slope=True)
print(f"slope forgotten, W1: {forgetful}")
assert not forgetful.passed

# %%
# Descent
# -------
# Each step of gradient descent uses all images. The network with the mistake is also
# trained.

RATE, STEPS = 0.5, 100


def descend(forget_the_slope=False):
    """Return the loss before each step, and the arrays after the last one."""
    arrays, losses = start, []
    for _ in range(STEPS):
        loss, gradients = loss_and_gradients(*arrays, forget_the_slope)
        losses.append(loss)
        arrays = [a - RATE * g for a, g in zip(arrays, gradients, strict=True)]
    return np.array(losses), arrays


by_hand, arrays = descend()
with_mistake, _ = descend(forget_the_slope=True)
print(f"by hand: loss {by_hand[0]:.4f} at first, {by_hand[-1]:.4f} at last")
print(f"slope forgotten: loss {with_mistake[-1]:.4f} at last")

# %%
# :class:`~skvision.MLPBackprop` gives the same result from the same initial weights.
# Plain gradient descent is ``"sgd"`` without momentum and with one batch of all images.

model = MLPBackprop(
    (32,),
    weight_init=[start[0], start[2]],
    standardize=False,
    alpha=ALPHA,
    solver="sgd",
    momentum=0,
    learning_rate_init=RATE,
    batch_size=len(X),
    shuffle=False,
    max_iter=STEPS,
    n_iter_no_change=STEPS,
).fit(X, y)
difference = np.abs(model.loss_curve_ - by_hand).max()
print(f"MLPBackprop: losses differ by {difference:.1g} at most", end=", ")
difference_of_weights = max(
    np.abs(model.coefs_[0] - arrays[0]).max(), np.abs(model.coefs_[1] - arrays[2]).max()
)
print(f"weights after the last step by {difference_of_weights:.1g}")
assert difference < 1e-10 and difference_of_weights < 1e-10

# %%
# On the right, the loss of the network with the mistake also decreases, but more
# slowly. A decreasing loss does not imply that the gradient is correct; the check on
# the left detects the mistake.

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
for result, label, style in [
    (forgetful, "slope forgotten", {"color": ORANGE, "marker": "x"}),
    (checks[0], "correct", {"color": BLUE, "marker": "."}),
]:
    left.scatter(result.numerical, result.analytic, label=label, **style)
left.axline((0, 0), slope=1, color="0.7", linewidth=1, zorder=0)
left.set_aspect("equal", adjustable="datalim")
left.set(xlabel="by central differences", ylabel="by backpropagation")
left.set_title("gradient by 100 of the first weights")
step = np.arange(STEPS)
right.plot(with_mistake, color=ORANGE, linestyle="--", label="slope forgotten")
right.plot(by_hand, color=BLUE, label="by hand")
right.plot(
    step[::5],
    model.loss_curve_[::5],
    color="black",
    marker="o",
    fillstyle="none",
    linestyle="none",
    label="MLPBackprop",
)
right.set(xlabel="steps", ylabel="loss before the step", ylim=(0, None))
right.set_title("loss on the training images")
for axes in (left, right):
    axes.grid(alpha=0.3)
    axes.legend()
plt.show()
