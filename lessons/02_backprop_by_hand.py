# %% [markdown]
# # 02 Backpropagation by hand
# minikd has no automatic differentiation: every gradient in it was derived by hand. This lesson
# writes one forward and one backward pass in plain NumPy, line by line, and checks the gradients
# in three ways.
#
# The network has one hidden layer of *rectified linear units* (ReLU), max(a, 0):
#
# $$a = xW_1 + b_1, \quad h = \max(a, 0), \quad z = hW_2 + b_2, \quad q = \mathrm{softmax}(z)$$
#
# A *case* is one input with its label, the right class y. Its cost is the *cross-entropy* of target
# and output, $C = -\sum_i p_i \log q_i$. The target p is hard: 1 for class y, 0 for the others. So
# $C = -\log q_y$, and the less probability the right class gets, the higher the cost. The cost of a
# batch is the sum over its cases. (Training divides that by their number.)

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, gradcheck
from minikd.equations import hard_target_cost, hard_target_gradient, softmax
from minikd.plots import BLUE, HOUSE_STYLE, ORANGE, save_figure

plt.style.use(HOUSE_STYLE)
rng = np.random.default_rng(0)
x, y = rng.normal(size=(8, 6)), rng.integers(0, 3, 8)  # 8 cases, 6 inputs, 3 classes
net = MLP([6, 5, 3], rng=1, dtype=np.float64)  # random weights, biases of 0
W1, b1, W2, b2 = net.parameters

# %% [markdown]
# ## Forward
# Each row is a case. Every array that the backward pass needs gets a name.

# %%
a = x @ W1 + b1  # (8, 5)
h = np.maximum(a, 0)  # (8, 5)
z = h @ W2 + b2  # (8, 3)
q = softmax(z)  # (8, 3)

# %% [markdown]
# ## Backward
# Write dz for ∂C/∂z, and so on. Start at the end: $C = -z_y + \log \sum_j \exp z_j$. The first
# term has the derivative $-p_i$ with respect to $z_i$, the second $q_i$. So dz = q − p. (This is
# Eq. 2 of the paper at T = 1, with a hard target.) From here on, each line is one step of the
# chain rule. At a = 0, max(a, 0) has no derivative; we take 0 there.

# %%
p = np.eye(3)[y]
dz = q - p
dW2 = h.T @ dz  # z is linear in W2, with the factor h
db2 = dz.sum(axis=0)  # every case has the same b2
dh = dz @ W2.T  # z is linear in h too
da = dh * (a > 0)  # a unit that is off passes no gradient on
dW1 = x.T @ da
db1 = da.sum(axis=0)

# %% [markdown]
# ## Check 1: the library computes the same

# %%
logits, caches = net.forward(x)
by_library = net.backward(hard_target_gradient(logits, y), caches)
for ours, theirs in zip((dW1, db1, dW2, db2), by_library, strict=True):
    assert np.allclose(ours, theirs, rtol=1e-12, atol=1e-14)

# %% [markdown]
# ## Check 2: the complex step
# The textbook check of a derivative is the *central difference* (f(x + ε) − f(x − ε)) / (2ε). If ε
# is large, its error is about ε² f‴/6. If ε is small, the subtraction loses digits, and the
# rounding error is divided by ε. Now take a step in the *imaginary* direction instead. Since
# f(x + iε) = f + iε f′ − ε² f″/2 − …, the imaginary part divided by ε is f′. Nothing is
# subtracted, so no digits are lost, even at ε = 1e-100 (Squire & Trapp 1998). The code must be
# analytic where it is tested: no abs, no complex conjugate.


# %%
def cost(W1, b1, W2, b2):
    moved = net.with_parameters([W1, b1, W2, b2])
    z, caches = moved.forward(x)
    dz = hard_target_gradient(z, y)
    return hard_target_cost(z, y), lambda dC: moved.backward(dC[:, None] * dz, caches)


assert gradcheck(cost, net.parameters, atol=1e-9, rtol=1e-9)

# %% [markdown]
# `gradcheck` takes a function that returns two things: its value, and a function that turns
# ∂C/∂value into the gradient of each input. It works on any NumPy code, so you can use it on your
# own. Where code is not analytic, it notices, and takes differences instead; and if a gradient is
# wrong, it says what the mistake may be. Try it: leave out the 1/B, or a sum.
#
# ## Check 3: every step size
# Here are both methods for a single weight:


# %%
def total(w):
    moved = W1.astype(complex)
    moved[0, 0] = w
    return cost(moved, b1, W2, b2)[0].sum()


w = W1[0, 0]
steps, tiny_steps = np.logspace(-16, -1, 76), np.logspace(-100, -1, 100)
central = [abs((total(w + e) - total(w - e)).real / (2 * e) - dW1[0, 0]) for e in steps]
imaginary = [abs(total(w + 1j * e).imag / e - dW1[0, 0]) for e in tiny_steps]
exact = max(e for e, step in zip(imaginary, tiny_steps, strict=True) if step < 1e-8)

figure, axes = plt.subplots(figsize=(9, 4.5))
axes.loglog(
    tiny_steps, np.maximum(imaginary, 1e-17), "o", color=BLUE, ms=4, label="complex step"
)
axes.loglog(steps, np.maximum(central, 1e-17), color=ORANGE, label="central difference")
axes.set_xticks([1e-100, 1e-80, 1e-60, 1e-40, 1e-20, 1])
axes.set(xlabel="step ε", ylabel="error of the derivative (exact zeros at 10⁻¹⁷)")
axes.set_title(
    f"The best central difference is off by {min(central):.0e}, "
    f"the complex step by at most {exact:.0e} below ε = 1e-8"
)
axes.legend(loc="upper left")
print("wrote", save_figure(figure, "out/02_backprop_by_hand.png"))

# %% [markdown]
# **The claim of this lesson**: the gradients written by hand are the true derivatives, up to
# rounding. Only the complex step is accurate enough to show that.

# %%
assert exact < 1e-14
assert min(central) > 100 * exact
