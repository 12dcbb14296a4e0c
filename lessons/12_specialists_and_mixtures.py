# %% [markdown]
# # 12 Specialists and mixtures
# *Before this: lesson 10, where specialists learn apart from each other.*
#
# A *mixture of experts* (Jacobs et al. 1991) is an older way to divide a task among networks. A *gate*
# decides for each case how much weight each *expert* gets, and gate and experts learn together.
# Section 7 of the paper compares specialists (lesson 10) with it. What an expert learns depends on
# what the other experts can do at that moment, so no expert can be trained on its own. Specialists
# can: the few classes that each of them tells apart are fixed before they are trained.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, errors, gradcheck, hard_targets, train
from minikd.claims import claim
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
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
EXPERTS = 8  # networks in the mixture, beside its gate; two or more
CLUSTERS = 40  # specialists, from 1 to 200
SIZE = 10  # classes of each specialist, from 2 to 40
WIDTH = 64  # units in each of the two hidden layers, 20 or more
SEED = 1  # of the generalist's first weights

EXPERTS = max(2, EXPERTS)  # with one, the gate has nothing to choose

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
# ## A mixture of experts
# We train it on printed characters of 321 classes. Gate and experts have hidden layers of the same
# size as the *generalist*, one network for all classes, which is trained on the same cases for as many
# epochs.

# %%
SIZES = [784, WIDTH, WIDTH, N]
RECIPE = Recipe(epochs=30, learning_rate=0.1, batch=100, warm_up=200, jitter=1)
experts = Mixture(
    MLP([784, WIDTH, WIDTH, EXPERTS], rng=0), MLP(SIZES, rng=range(1, EXPERTS + 1))
)
train(experts, data, hard_targets(), RECIPE, progress="mixture")

generalist = MLP(SIZES, rng=SEED)
train(generalist, data, hard_targets(), RECIPE, progress="generalist")

# %% [markdown]
# ## The specialists
# They are trained as in lesson 10. With a machine for each, all could be trained at the same time without
# ever exchanging a number. The experts of a mixture would have to exchange answers in every step.

# %%
v = generalist(test.x)
covariance = prediction_covariance(softmax(generalist(data.x), T=3))
classes = cluster_classes(covariance, clusters=CLUSTERS, size=SIZE, rng=0)
labels = specialist_labels(data.y, classes, N)
specialists = start_from(generalist, classes, seeds=range(CLUSTERS))
SPECIALIST = Recipe(epochs=2, learning_rate=0.1, batch=100, warm_up=50, jitter=1)
train(specialists, replace(data, y=labels), hard_targets(), SPECIALIST, special=0.5)
u = specialists(test.x)
u[..., -1] += dustbin_correction(labels, size=SIZE)[:, None]


def right(z):
    return 100 * (1 - errors(z, test.y) / len(test))


one, many, mixed = right(v), right(combine(v, u, classes)), right(experts(test.x))
epochs = {"specialists": RECIPE.epochs + CLUSTERS * SPECIALIST.epochs,
          "mixture": (1 + EXPERTS) * RECIPE.epochs}  # fmt: skip
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
         f"generalist and {CLUSTERS} specialists\n{epochs['specialists']} epochs in all",
         f"mixture of {EXPERTS} experts\n{epochs['mixture']} epochs in all")  # fmt: skip
bars = left.barh(names, (one, many, mixed), color=(GREY, GREEN, ORANGE), height=0.6)
left.bar_label(bars, fmt="%.1f", padding=4)
left.invert_yaxis()
left.margins(x=0.1)
left.set(xlabel="test cases right (%)")
places = range(1, EXPERTS + 1)
second.bar((-0.7, *places), (100, *share), color=[GREY] + EXPERTS * [ORANGE])
second.set_xticks((-0.7, *places), ["generalist", *places])
second.set(xlabel="expert of the mixture", ylabel="share of the training data (%)")
second.set_title(f"The expert that gets most gets {share[0]:.0f} % of the data")
figure.suptitle(
    f"The generalist gets {one:.1f} % right, with specialists {many:.1f} %; "
    f"a mixture of experts gets {mixed:.1f} %", x=0.01, ha="left", weight="bold",
)  # fmt: skip
figure.supxlabel("bundled printed characters, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/12_specialists_and_mixtures.png"))

# %% [markdown]
# **The claim of this lesson**: on these data, specialists improve on the generalist, and a mixture of
# experts falls behind it, though its networks are trained for more epochs in all.

# %%
claim(many > one, "more cases right with specialists than without",
      f"{many:.1f} % and {one:.1f} %",
      "Few specialists, or large ones, have little to add to what they started from.")  # fmt: skip
claim(one > mixed, "fewer cases right by the mixture than by the generalist",
      f"{mixed:.1f} % and {one:.1f} %",
      "The fewer experts share the data, the more of it each one sees: a single one would see all, "
      "as the generalist does.")  # fmt: skip
claim(epochs["mixture"] > epochs["specialists"], "more epochs in all for the mixture",
      f"{epochs['mixture']} and {epochs['specialists']}",
      "Few experts, or many specialists, turn the comparison round: ask what a gain has cost.")  # fmt: skip
claim(share[0] < 50, "no expert with half of the data", f"{share[0]:.0f} %",
      "The gate may come to prefer one expert, which then learns most and is preferred still "
      "more.")  # fmt: skip

# %% [markdown]
# ## Try
# - `EXPERTS = 2`, and then 16. How does the share of each expert change, and the mixture with it?
# - `CLUSTERS = 100`. Do more specialists go on helping?
# - `WIDTH = 200`. Does the mixture suffer less when each expert is larger?
#
# ## To think about
# 1. With ten times as many training images, would the mixture catch up? What would each expert see then?
# 2. The expert that explains a case best learns most from it. How could that go wrong at the beginning?
# 3. A gate could also be trained to choose among finished specialists. What would be lost?
