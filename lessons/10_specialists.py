# %% [markdown]
# # 10 Specialists
# With 15,000 classes, one network cannot know every kind of mushroom. Section 5 of the paper trains
# a generalist for all classes, finds out which ones it confuses, and trains a small specialist for
# each such group, which takes all other classes for one: the dustbin. The answers are joined again
# case by case, by Eq. 5.

# %%
import unicodedata
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, errors, hard_targets, plots, train
from minikd.combination import active_specialists, combination_gradient, combine
from minikd.data import load_characters
from minikd.equations import softmax
from minikd.evaluate import log_loss
from minikd.experiments.record import full_run
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
data, test, names = characters.train, characters.test, np.array(characters.names)
N = len(names)

# %% [markdown]
# ## The generalist
# It is small for 321 classes. The Latin o, the Greek ο and the Cyrillic о are its mushrooms: the
# same shape, three names.

# %%
net = MLP([784, 64, 64, N], rng=1)
GENERALIST = Recipe(epochs=30, learning_rate=0.1, batch=100, warm_up=200, jitter=1)
train(net, data, hard_targets(), GENERALIST, progress="generalist")
v = net(test.x)
print(f"generalist: {errors(v, test.y)} of {len(test)} wrong, {log_loss(v, test.y):.3f} nats")

# %% [markdown]
# ## What it confuses
# Two classes that share the probability in many cases have columns of the covariance that are
# alike. Online K-means groups them, and no label is read. (The predictions are taken at T = 3. At
# T = 1, as in the paper, classes that are seldom confused have next to no covariance.)

# %%
q = softmax(net(data.x), T=3)
classes = cluster_classes(prediction_covariance(q), clusters=40, size=10, rng=0)
print("some of the 40 clusters:", *("".join(names[row]) for row in classes[:8]))

# %% [markdown]
# ## The dustbin
# Each specialist starts from the generalist's weights. Half of each of its batches are cases of its
# ten classes, half come from all others. So it meets its own far too often; afterwards its dustbin
# logit is raised by the logarithm of that oversampling, which is what Bayes' rule asks for. All
# forty are one stack.

# %%
y = specialist_labels(data.y, classes, N)
specialists = start_from(net, classes, seeds=range(40))
SPECIALIST = Recipe(epochs=2, learning_rate=0.1, batch=100, warm_up=50, jitter=1)
train(specialists, replace(data, y=y), hard_targets(), SPECIALIST, special=0.5)
u = specialists(test.x)
raised = dustbin_correction(y, size=10)
u[..., -1] += raised[:, None]
print(
    f"dustbins raised by {raised.mean():.1f} nats: 10 of 321 classes, met in half of the cases"
)

# %% [markdown]
# ## One answer
# A specialist is active where the generalist's most probable class is one of its own. Then q is
# what is nearest to all their answers at once,
# KL(pᵍ, q) + Σ KL(pᵐ, q), where a dustbin counts as the sum of its classes. Its gradient on the
# logits of q is q − p, once for each model; `combine` goes down it until nothing moves.

# %%
active = active_specialists(v, classes)
z = combine(v, u, classes, active)
gradient = combination_gradient(z, v, u, classes, active)
print(
    f"active: {active.sum(1).mean():.1f} on average; gradient left: {abs(gradient).max():.0e}"
)
print(f"together: {errors(z, test.y)} wrong, {log_loss(z, test.y):.3f} nats")
without = u - [*[0] * 10, 1] * raised[:, None, None]
uncorrected = combine(v, without, classes, active)
print(f"had the dustbins not been raised: {errors(uncorrected, test.y)} wrong")

# %% [markdown]
# ## The picture
# What specialists gain when there are more of them; and one case that they put right.

# %%
numbers = range(0, 41, 5)
wrong = [errors(combine(v, u, classes, active & (np.arange(40) < k)), test.y) for k in numbers]
mended = (z.argmax(1) == test.y) & (v.argmax(1) != test.y) & (active.sum(1) == 1)
case = np.flatnonzero(mended)[softmax(z)[mended, test.y[mended]].argmax()]
own = classes[active[case]][0]
shown = own[np.argsort(-softmax(z)[case, own])[:5]]
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5))
left.plot(numbers, 100 * (1 - np.divide(wrong, len(test))), "o-", color=GREEN)
left.set(xlabel="specialists in use", ylabel="test cases right (%)")
left.set_title(f"{wrong[0] - wrong[-1]} of {wrong[0]} errors fewer with 40 specialists")
places = np.arange(len(shown))
bars = {
    "generalist": (softmax(v)[case, shown], GREY),
    "specialist": (softmax(u[active[case]][0, case])[np.searchsorted(own, shown)], ORANGE),
    "Eq. 5": (softmax(z)[case, shown], BLUE),
}
for k, (words, (height, color)) in enumerate(bars.items()):
    right.bar(places + 0.27 * (k - 1), height, 0.27, color=color, label=words)
script = {c: f"{unicodedata.name(names[c]).split()[0].title()} {names[c]}" for c in range(N)}
right.set_xticks(places, [script[c].replace(" ", "\n") for c in shown])
right.set(ylabel="probability")
taken = script[v[case].argmax()]
right.set_title(f"{script[test.y[case]]}, taken for {taken}, is put right by a specialist")
right.legend()
figure.supxlabel("bundled printed characters, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/10_specialists.png"))

# %% [markdown]
# ## What the full run found
# Handwritten characters (EMNIST), five seeds. Beside it stand a mean of the generalist with copies
# of it that were trained on, and a mixture of experts, which lesson 12 explains.

# %%
full = plots.plot_record(full_run("specialists", "emnist"))
print("wrote", save_figure(full, "out/10_on_emnist.png"))

# %% [markdown]
# **The claim of this lesson**: with specialists that each train for less than a tenth of the epochs
# of the generalist, fewer cases are wrong and the log-loss is lower; and Eq. 5 is solved. (Bayes'
# rule asks for the correction; specialists so little trained hardly profit from it.)

# %%
assert errors(z, test.y) < 0.99 * errors(v, test.y)
assert log_loss(z, test.y) < log_loss(v, test.y)
assert abs(gradient).max() < 1e-3
assert SPECIALIST.epochs < GENERALIST.epochs / 10
