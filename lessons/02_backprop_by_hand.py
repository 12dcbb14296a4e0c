# %% [markdown]
# # 02 Backpropagation by hand
# Nothing in this library differentiates for you. This lesson writes one forward and one
# backward pass with plain NumPy, line by line, and checks the result in three ways.
#
# The network has one hidden layer of rectified linear units:
#
# $$a = xW_1 + b_1, \quad h = \max(a, 0), \quad z = hW_2 + b_2$$
#
# and the cost of a case is the cross-entropy with its right class y: $C = -\log q_y$, where
# q = softmax(z). The cost of a batch is the sum over its cases (training divides it by their
# number).

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, gradcheck
from minikd.equations import hard_target_cost, hard_target_gradient, softmax
from minikd.plots import BLUE, HOUSE_STYLE, ORANGE, save_figure

plt.style.use(HOUSE_STYLE)
rng = np.random.default_rng(0)
x, y = rng.normal(size=(8, 6)), rng.integers(0, 3, 8)  # 8 cases, 6 inputs, 3 classes
net = MLP([6, 5, 3], rng=1, dtype=np.float64)
W1, b1, W2, b2 = net.parameters

# %% [markdown]
# ## Forward
# Rows are cases. Everything that the backward pass needs gets a name.

# %%
a = x @ W1 + b1  # (8, 5)
h = np.maximum(a, 0)  # (8, 5)
z = h @ W2 + b2  # (8, 3)
q = softmax(z)  # (8, 3)

# %% [markdown]
# ## Backward
# Write dz for ∂C/∂z, and so on. Begin at the end: $C = -z_y + \log \sum_j \exp z_j$, so
# $\partial C / \partial z_i = q_i - [i = y]$. Softmax and logarithm cancel, and dz = q − p,
# where p is 1 at the right class. (This is Eq. 2 of the paper at T = 1, with a hard target.)
# Then each line is one step of the chain rule. At a = 0 exactly, max(a, 0) has no derivative;
# we take 0 there.

# %%
p = np.eye(3)[y]
dz = q - p
dW2 = h.T @ dz  # z is linear in W2, with h as its factor
db2 = dz.sum(axis=0)  # b2 is added in every case
dh = dz @ W2.T  # z is linear in h too
da = dh * (a > 0)  # a unit that was off passes nothing on
dW1 = x.T @ da
db1 = da.sum(axis=0)

# %% [markdown]
# ## Check 1: the library does the same

# %%
logits, caches = net.forward(x)
by_library = net.backward(hard_target_gradient(logits, y), caches)
for ours, theirs in zip((dW1, db1, dW2, db2), by_library, strict=True):
    assert np.allclose(ours, theirs, rtol=1e-12, atol=1e-14)

# %% [markdown]
# ## Check 2: the complex step
# The textbook way to check a derivative, (f(x + ε) − f(x − ε)) / (2ε), is caught between two
# errors: about ε² f‴/6 if ε is large, and rounding divided by ε if it is small. Now step in the
# *imaginary* direction. Since f(x + iε) = f + iε f′ − ε² f″/2 − …, the imaginary part over ε is
# f′, and nothing was subtracted to get it: it is exact to rounding at ε = 1e-100 (Squire &
# Trapp 1998). The code must be analytic where it is tested: no abs, no conjugate.


# %%
def cost(W1, b1, W2, b2):
    moved = net.with_parameters([W1, b1, W2, b2])
    z, caches = moved.forward(x)
    dz = hard_target_gradient(z, y)
    return hard_target_cost(z, y), lambda dC: moved.backward(dC[:, None] * dz, caches)


assert gradcheck(cost, net.parameters, atol=1e-9, rtol=1e-9)

# %% [markdown]
# `gradcheck` takes its arguments as `torch.autograd.gradcheck` does. Use it on your own code:
# let your function give its value, and a function that turns ∂C/∂value into a gradient for
# each input.
#
# ## Check 3: every step size
# One weight, both kinds of difference:


# %%
def total(w):
    moved = W1.astype(complex)
    moved[0, 0] = w
    return cost(moved, b1, W2, b2)[0].sum()


w = W1[0, 0]
steps, tiny_steps = np.logspace(-16, -1, 76), np.logspace(-100, -1, 100)
central = [abs((total(w + e) - total(w - e)).real / (2 * e) - dW1[0, 0]) for e in steps]
imaginary = [abs(total(w + 1j * e).imag / e - dW1[0, 0]) for e in tiny_steps]

figure, axes = plt.subplots(figsize=(8, 4.5))
axes.loglog(tiny_steps, np.maximum(imaginary, 1e-17), color=BLUE, label="complex step")
axes.loglog(
    steps, np.maximum(central, 1e-17), color=ORANGE, ls="--", label="central difference"
)
axes.set(xlabel="step ε", ylabel="error (exact zeros drawn at 10⁻¹⁷)")
axes.set_title("Central differences lose digits; the complex step is exact to rounding")
axes.legend(loc="upper left")
print("wrote", save_figure(figure, "out/02_backprop_by_hand.png"))

# %% [markdown]
# **The claim of this lesson**: the gradients written by hand are the derivatives, to rounding.

# %%
exact = max(e for e, step in zip(imaginary, tiny_steps, strict=True) if step < 1e-8)
print(f"best central difference {min(central):.0e}, complex step {exact:.0e}")
assert exact < 1e-14
assert min(central) > 100 * exact
