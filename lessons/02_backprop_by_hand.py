# %% [markdown]
# # 02 Backpropagation by hand
# *Before this: lesson 01, where softmax turns logits into probabilities.*
#
# A network learns by small steps that lower a *cost*, a number that says how wrong it is. To know
# which way to step, it needs the *gradient*: the derivative of the cost with respect to each weight
# and bias. *Backpropagation* computes it, layer by layer, from the last to the first.
#
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
# $C = -\log q_y$, and the less probability the right class gets, the higher the cost. Several cases
# together are a *batch*; its cost is the sum over them. (Training divides that by their number.)

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, GradcheckError, gradcheck
from minikd.claims import claim
from minikd.equations import hard_target_cost, hard_target_gradient, softmax
from minikd.plots import BLUE, HOUSE_STYLE, ORANGE, save_figure

plt.style.use(HOUSE_STYLE)

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
CASES, INPUTS, HIDDEN, CLASSES = 8, 6, 5, 3  # each 1 or more, and 2 classes or more
FACTOR = 1.0  # on the gradient of W1; any other number is a mistake, and should be noticed
SEED = 0  # of the cases; the weights have the next one

# %%
rng = np.random.default_rng(SEED)
x, y = rng.normal(size=(CASES, INPUTS)), rng.integers(0, CLASSES, CASES)
net = MLP([INPUTS, HIDDEN, CLASSES], rng=SEED + 1, dtype=np.float64)  # biases of 0
W1, b1, W2, b2 = net.parameters

# %% [markdown]
# ## Forward
# Each row is a case. Every array that the backward pass needs gets a name.

# %%
a = x @ W1 + b1  # (8, 5), if you changed nothing
h = np.maximum(a, 0)  # (8, 5)
z = h @ W2 + b2  # (8, 3)
q = softmax(z)  # (8, 3)

# %% [markdown]
# ## Backward
# Write dz for ∂C/∂z, and so on. Start at the end: $C = -z_y + \log \sum_j \exp z_j$. The first
# term has the derivative $-p_i$ with respect to $z_i$, the second $e^{z_i} / \sum_j e^{z_j} = q_i$. So
# dz = q − p. (This is Eq. 2 of the paper at T = 1, with a hard target.) From here on, each line is
# one step of the chain rule. For one case, $z_k = \sum_j h_j W_{jk} + b_k$. So $\partial C / \partial
# W_{jk} = h_j \, dz_k$, and over the cases these are added, which is `h.T @ dz`. In the same way,
# $dh_j = \sum_k W_{jk} \, dz_k$, which is `dz @ W2.T`. At a = 0, max(a, 0) has no derivative; we take 0.

# %%
p = np.eye(CLASSES)[y]
dz = q - p
dW2 = h.T @ dz  # z is linear in W2, with the factor h
db2 = dz.sum(axis=0)  # every case has the same b2
dh = dz @ W2.T  # z is linear in h too
da = dh * (a > 0)  # a unit that is off passes no gradient on
dW1 = FACTOR * (x.T @ da)
db1 = da.sum(axis=0)

# %% [markdown]
# ## Check 1: the library computes the same

# %%
logits, caches = net.forward(x)
by_library = net.backward(hard_target_gradient(logits, y), caches)
largest = max(np.abs(theirs).max() for theirs in by_library)
apart = max(np.abs(ours - theirs).max() / largest
            for ours, theirs in zip((dW1, db1, dW2, db2), by_library, strict=True))  # fmt: skip
print(f"largest difference, as a share of the largest derivative: {apart:.0e}")

# %% [markdown]
# ## Check 2: the complex step
# The textbook check of a derivative is the *central difference* (f(x + ε) − f(x − ε)) / (2ε). If ε
# is large, its error is about ε² f‴/6. If ε is small, the subtraction loses digits, and the
# rounding error is divided by ε. Now take a step in the *imaginary* direction instead. Since
# f(x + iε) = f + iε f′ − ε² f″/2 − …, the imaginary part divided by ε is f′, up to about ε² f‴/6,
# which vanishes for a tiny ε. Nothing is subtracted, so no digits are lost, even at ε = 1e-100 (Squire
# & Trapp 1998).
#
# The code must be *analytic* where it is tested: made of functions that have a power series, such as
# sums, products and exp, but not abs or a complex conjugate. A ReLU is not analytic at its kink, a = 0.
# Yet a complex step may pass it. The real part of a decides which branch is taken, a or 0, and a
# step in the imaginary direction cannot change that choice. Each branch is analytic. So the result is
# the derivative of the branch that the real part chooses, and away from the kink that is the
# derivative of max(a, 0), exactly. At the kink there is none, and one would get that of one side.
#
# `gradcheck` takes a function that returns its value, here a cost for each case, and a second function,
# `backward`. That one gets dC, how much each case's cost counts, and gives the gradient on each input.


# %%
def cost(W1, b1, W2, b2):
    moved = net.with_parameters([W1, b1, W2, b2])
    z, caches = moved.forward(x)
    dz = hard_target_gradient(z, y)

    def backward(dC):
        dW1, *others = moved.backward(dC[:, None] * dz, caches)
        return FACTOR * dW1, *others

    return hard_target_cost(z, y), backward


try:
    passed = gradcheck(cost, net.parameters, atol=1e-9, rtol=1e-9)
    print("gradcheck: all gradients are right")
except GradcheckError as mistake:
    passed = False
    print("gradcheck:", mistake)

# %% [markdown]
# `gradcheck` works on any NumPy code, so you can use it on your own. Where code is not analytic, it
# notices, and takes differences instead; and if a gradient is wrong, it says what the mistake may be.
# Set `FACTOR = 2` to see it.
#
# ## Check 3: every step size
# Here are both methods for a single weight:


# %%
def total(w):
    moved = W1.astype(complex)
    moved[0, 0] = w
    return cost(moved, b1, W2, b2)[0].sum()


w, true = W1[0, 0], (x.T @ da)[0, 0]
steps, tiny_steps = np.logspace(-16, -1, 76), np.logspace(-100, -1, 100)
central = [abs((total(w + e) - total(w - e)).real / (2 * e) - true) for e in steps]
imaginary = [abs(total(w + 1j * e).imag / e - true) for e in tiny_steps]
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
claim(bool(apart < 1e-12) and passed, "the gradients by hand to be the library's, and to pass the check",
      f"a difference of {apart:.0e}, and {'a pass' if passed else 'a mistake found'}",
      "The network still runs with a wrong gradient, and may even learn. Only a check tells.")  # fmt: skip
claim(bool(exact < 1e-14 * max(1, abs(true))), "an error of the complex step that is mere rounding",
      f"{exact:.0e}", "Larger sums are rounded more often: their errors add up.")  # fmt: skip
claim(bool(min(central) > 100 * exact), "no central difference nearly as good as the complex step",
      f"{min(central):.0e} and {exact:.0e}",
      "If the weight leads to a unit that is off in all cases, its derivative is 0, and both methods "
      "get that right. On a cost of many cases, rounding may also favour a difference by luck.")  # fmt: skip

# %% [markdown]
# ## Try
# - `FACTOR = -1`, 0.5 or 1.001. What does `gradcheck` say of each?
# - 1000 cases instead of 8. Which of the errors grow?
# - `SEED = 1`, 2, 3 and so on. Does the best step of the central difference stay the same?
#
# ## To think about
# 1. Why does the backward pass begin at the end? What would it cost to go the other way, one weight at
#    a time?
# 2. The curve of central differences is lowest somewhere in the middle. What pushes it up on the left,
#    and what on the right?
# 3. A unit that is off passes no gradient on. Can it ever be on again?
