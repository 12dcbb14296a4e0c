# %% [markdown]
# # 12 Specialists and mixtures
# A mixture of experts (Jacobs et al. 1991) is the older way to share a task out: a gate says for
# each case how much each expert is to be trusted, and all learn together. Section 7 of the paper
# sets the specialists beside it. What an expert is for changes as long as the others learn, so
# nothing of a mixture can be trained apart.

# %%
import time
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, errors, gradcheck, hard_targets, train
from minikd.combination import combine
from minikd.data import load_characters
from minikd.equations import hard_target_gradient, softmax
from minikd.mixture import Mixture, mixture_backward, mixture_forward
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, save_figure
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
# q = Σₖ gₖ pₖ, with the gate g = softmax(a) and the experts pₖ = softmax(zₖ). By hand, and checked:

# %%
rng = np.random.default_rng(0)
a, z = rng.normal(size=(5, 3)), rng.normal(size=(3, 5, 4))  # 5 cases, 3 experts, 4 classes


def mixture(a, z):
    log_q, cache = mixture_forward(a, z)
    return log_q, lambda dout: mixture_backward(dout, cache)


print("gradient right:", gradcheck(mixture, (a, z)))

# %% [markdown]
# With a label y, the gate learns from g − h and expert k from hₖ (pₖ − [i = y]). The posterior
# hₖ = gₖ pₖ(y) / q(y) says how far expert k explains the case: whoever explains it better learns
# more of it, and so explains it still better.

# %%
y = rng.integers(0, 4, 5)
log_q, cache = mixture_forward(a, z)
da, dz = mixture_backward(hard_target_gradient(log_q, y), cache)
g, p = softmax(a), softmax(z)
h = g.T * p[:, np.arange(5), y] / np.exp(log_q)[np.arange(5), y]
assert np.allclose(da, g - h.T)
assert np.allclose(dz, h[..., None] * (p - np.eye(4)[y]))

# %% [markdown]
# ## A mixture on printed characters
# Eight experts and a gate, each as large as the generalist, on the same cases for as many epochs.

# %%
SIZES = [784, 64, 64, N]
RECIPE = Recipe(epochs=30, learning_rate=0.1, batch=100, warm_up=200, jitter=1)
seconds, z_of = {}, {}
start = time.perf_counter()
experts = Mixture(MLP([784, 64, 64, 8], rng=0), MLP(SIZES, rng=range(1, 9)))
train(experts, data, hard_targets(), RECIPE, progress="mixture")
seconds["mixture"], z_of["mixture"] = time.perf_counter() - start, experts(test.x)

# %% [markdown]
# ## Generalist and specialists on the same
# As in lesson 10. The specialists' groups are fixed before they learn, so each could be trained by
# itself, at the same time as all others, on forty machines. A mixture too can be spread over
# machines, but they would have to talk in every step: nothing of it can be trained apart.

# %%
start = time.perf_counter()
generalist = MLP(SIZES, rng=1)
train(generalist, data, hard_targets(), RECIPE, progress="generalist")
seconds["generalist"], z_of["generalist"] = time.perf_counter() - start, generalist(test.x)

start = time.perf_counter()
covariance = prediction_covariance(softmax(generalist(data.x), T=3))
classes = cluster_classes(covariance, clusters=40, size=10, rng=0)
labels = specialist_labels(data.y, classes, N)
stack = start_from(generalist, classes, seeds=range(40))
SPECIALIST = Recipe(epochs=2, learning_rate=0.1, batch=100, warm_up=50, jitter=1)
train(stack, replace(data, y=labels), hard_targets(), SPECIALIST, special=0.5)
seconds["specialists"] = time.perf_counter() - start
u = stack(test.x)
u[..., -1] += dustbin_correction(labels, size=10)[:, None]
z_of["specialists"] = combine(z_of["generalist"], u, classes)

right = {who: 100 * (1 - errors(z, test.y) / len(test)) for who, z in z_of.items()}
at_once = (
    seconds["generalist"] + seconds["specialists"] / 40
)  # a fortieth of their stack's time
print("seconds, one after the other:", {who: round(s, 1) for who, s in seconds.items()})
print(f"with 40 specialists at once: {at_once:.1f} seconds")

# %% [markdown]
# ## What an expert sees
# The gate shares the cases out, and each expert learns from its share. With forty cases of a class
# in all, a share is little. A generalist sees all of them, and a specialist starts from there.

# %%
gate = softmax(experts.gate(data.x))
share = gate.mean(0)
print(f"shares of the experts: {np.sort(share)[::-1].round(2)}")

# %% [markdown]
# ## The picture

# %%
figure, (left, second) = plt.subplots(1, 2, figsize=(11, 4.5))
total = seconds["generalist"] + seconds["specialists"]
points = {
    "generalist": (seconds["generalist"], right["generalist"], GREY, "o"),
    "with specialists, one after the other": (total, right["specialists"], GREEN, "o"),
    "with specialists, all at once": (at_once, right["specialists"], GREEN, "^"),
    "mixture of experts": (seconds["mixture"], right["mixture"], ORANGE, "s"),
}
for words, (s, accuracy, color, marker) in points.items():
    left.plot(s, accuracy, marker, color=color, ms=9, label=words)
left.set(xlabel="seconds of training", ylabel="test cases right (%)", xlim=(0, None))
behind = right["generalist"] - right["mixture"]
left.set_title(f"The mixture is {behind:.1f} points behind the generalist")
left.legend(loc="best")
second.bar(range(8), np.sort(share)[::-1], color=BLUE)
second.set(xlabel="expert", ylabel="mean share that the gate gives")
second.set_title(f"The largest share is {share.max():.2f} of all cases")
figure.supxlabel("bundled printed characters, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/12_specialists_and_mixtures.png"))

# %% [markdown]
# **The claim of this lesson**: here specialists gain on the generalist, and the mixture falls behind
# it, though gate and experts together are trained for more epochs than generalist and specialists.

# %%
assert right["specialists"] > right["generalist"] > right["mixture"]
assert 9 * RECIPE.epochs > RECIPE.epochs + 40 * SPECIALIST.epochs
