# %% [markdown]
# # 12 Specialists and mixtures
# A *mixture of experts* (Jacobs et al. 1991) is an older way to divide a task among networks. A *gate*
# decides for each case how much weight each *expert* gets, and gate and experts learn together.
# Section 7 of the paper compares specialists (lesson 10) with it. What an expert learns depends on
# what the other experts can do at that moment, so no expert can be trained on its own. Specialists
# can: their classes are fixed before they are trained.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, errors, gradcheck, hard_targets, train
from minikd.combination import combine
from minikd.data import load_characters
from minikd.equations import hard_target_gradient, softmax
from minikd.mixture import Mixture, mixture_backward, mixture_forward
from minikd.plots import GREEN, GREY, HOUSE_STYLE, ORANGE, save_figure
from minikd.specialists import (
    cluster_classes,
    dustbin_correction,
    prediction_covariance,
    specialist_labels,
    start_from,
)

plt.style.use(HOUSE_STYLE)
characters = load_characters(rng=0)  # printed Latin, Greek and Cyrillic: not handwriting
data, test, N = characters.train, characters.test, len(characters.names)

# %% [markdown]
# ## The gradient
# The answer of a mixture is the weighted mean q = Σₖ gₖ pₖ. The gate gives the weights g = softmax(a),
# expert k the probabilities pₖ = softmax(zₖ). The gradient was derived by hand, so we check it:

# %%
rng = np.random.default_rng(0)
a, z = rng.normal(size=(5, 3)), rng.normal(size=(3, 5, 4))  # 5 cases, 3 experts, 4 classes


def mixture(a, z):
    log_q, cache = mixture_forward(a, z)
    return log_q, lambda dout: mixture_backward(dout, cache)


assert gradcheck(mixture, (a, z))

# %% [markdown]
# For a case with the label y, the gradient is g − h on the logits of the gate, and hₖ (pₖ − [i = y])
# on those of expert k, where [i = y] is 1 for the right class and 0 for the others. The posterior
# hₖ = gₖ pₖ(y) / q(y) is the share of expert k in the probability of the right class. So the expert
# that explains a case best learns most from it, and then explains it even better.

# %%
y = rng.integers(0, 4, 5)
log_q, cache = mixture_forward(a, z)
da, dz = mixture_backward(hard_target_gradient(log_q, y), cache)
g, p = softmax(a), softmax(z)
h = g.T * p[:, np.arange(5), y] / np.exp(log_q)[np.arange(5), y]
assert np.allclose(da, g - h.T)
assert np.allclose(dz, h[..., None] * (p - np.eye(4)[y]))

# %% [markdown]
# ## A mixture of eight experts
# We train it on printed characters of 321 classes. Gate and experts have hidden layers of the same
# size as the generalist, which is trained on the same cases for as many epochs.

# %%
SIZES = [784, 64, 64, N]
RECIPE = Recipe(epochs=30, learning_rate=0.1, batch=100, warm_up=200, jitter=1)
experts = Mixture(MLP([784, 64, 64, 8], rng=0), MLP(SIZES, rng=range(1, 9)))
train(experts, data, hard_targets(), RECIPE, progress="mixture")

generalist = MLP(SIZES, rng=1)
train(generalist, data, hard_targets(), RECIPE, progress="generalist")

# %% [markdown]
# ## Forty specialists
# They are trained as in lesson 10. With forty machines, all could be trained at the same time without
# ever exchanging a number. The experts of a mixture would have to exchange answers in every step.

# %%
v = generalist(test.x)
covariance = prediction_covariance(softmax(generalist(data.x), T=3))
classes = cluster_classes(covariance, clusters=40, size=10, rng=0)
labels = specialist_labels(data.y, classes, N)
specialists = start_from(generalist, classes, seeds=range(40))
SPECIALIST = Recipe(epochs=2, learning_rate=0.1, batch=100, warm_up=50, jitter=1)
train(specialists, replace(data, y=labels), hard_targets(), SPECIALIST, special=0.5)
u = specialists(test.x)
u[..., -1] += dustbin_correction(labels, size=10)[:, None]


def right(z):
    return 100 * (1 - errors(z, test.y) / len(test))


one, many, mixed = right(v), right(combine(v, u, classes)), right(experts(test.x))
epochs = {"specialists": RECIPE.epochs + 40 * SPECIALIST.epochs, "mixture": 9 * RECIPE.epochs}
print("epochs of training, added up over all networks:", epochs)

# %% [markdown]
# ## What an expert sees
# Why might the mixture fall behind? The gate divides the training cases among the experts: its mean
# weight for an expert is about the share of the data that this expert learns from. The generalist
# learns from all of the data, and the specialists start from the generalist.

# %%
share = 100 * np.sort(softmax(experts.gate(data.x)).mean(0))[::-1]
print("share of each expert (%):", share.round(1))

# %% [markdown]
# ## The picture

# %%
figure, (left, second) = plt.subplots(1, 2, figsize=(12, 4.2))
names = (f"generalist\n{RECIPE.epochs} epochs",
         f"generalist and 40 specialists\n{epochs['specialists']} epochs in all",
         f"mixture of 8 experts\n{epochs['mixture']} epochs in all")  # fmt: skip
bars = left.barh(names, (one, many, mixed), color=(GREY, GREEN, ORANGE), height=0.6)
left.bar_label(bars, fmt="%.1f", padding=4)
left.invert_yaxis()
left.margins(x=0.1)
left.set(xlabel="test cases right (%)")
second.bar((-0.7, *range(1, 9)), (100, *share), color=[GREY] + 8 * [ORANGE])
second.set_xticks((-0.7, *range(1, 9)), ["generalist", *range(1, 9)])
second.set(xlabel="expert of the mixture", ylabel="share of the training data (%)")
second.set_title(f"No expert gets more than {share[0]:.0f} % of the data")
figure.suptitle(
    f"Specialists lift the generalist from {one:.1f} to {many:.1f} % right; "
    f"a mixture of experts gets {mixed:.1f} %", x=0.01, ha="left", weight="bold",
)  # fmt: skip
figure.supxlabel("bundled printed characters, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/12_specialists_and_mixtures.png"))

# %% [markdown]
# **The claim of this lesson**: on these data, specialists improve on the generalist, and a mixture of
# experts falls behind it, though its networks are trained for more epochs in all.

# %%
assert many > one > mixed
assert epochs["mixture"] > epochs["specialists"]
assert share[0] < 50
