# %% [markdown]
# # 10 Specialists
# With 15,000 classes, one network cannot know every kind of mushroom. Section 5 of the paper first
# trains a *generalist* on all classes. Then it finds groups of classes that the generalist confuses,
# and trains a small *specialist* for each group. A specialist treats all other classes as a single
# one, its *dustbin*. For each case, Eq. 5 combines the answers of all networks into one.

# %%
import unicodedata
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, errors, hard_targets, train
from minikd.combination import active_specialists, combination_gradient, combine
from minikd.data import load_characters
from minikd.equations import softmax
from minikd.evaluate import log_loss
from minikd.experiments import full_run, plot_record
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
# It is small for 321 classes. Its mushrooms are characters such as the Latin o, the Greek ο and the
# Cyrillic о: three classes of the same shape. The *log-loss* is the mean of −log q of the right
# class; it is low if the right class gets much probability.

# %%
net = MLP([784, 64, 64, N], rng=1)
GENERALIST = Recipe(epochs=30, learning_rate=0.1, batch=100, warm_up=200, jitter=1)
train(net, data, hard_targets(), GENERALIST, progress="generalist")
v = net(test.x)
print(f"generalist: {errors(v, test.y)} of {len(test)} wrong, {log_loss(v, test.y):.3f} nats")

# %% [markdown]
# ## What it confuses
# If the generalist often splits the probability between two classes, these have similar columns in
# the covariance matrix of its predictions. Online K-means, which sees one column at a time, groups
# similar columns. It needs no labels. (We take the predictions at T = 3. At T = 1, as in the paper,
# classes that are rarely confused have almost no covariance.)

# %%
q = softmax(net(data.x), T=3)
classes = cluster_classes(prediction_covariance(q), clusters=40, size=10, rng=0)
print("some of the 40 clusters:", *("".join(names[row]) for row in classes[:8]))

# %% [markdown]
# ## The dustbin
# Each specialist starts from the generalist's weights. Half of each batch is drawn from its own ten
# classes, the other half from all the rest. So it sees its own classes far too often, and learns too
# small a logit for the dustbin. After training, we add the logarithm of the oversampling to that
# logit, as Bayes' rule requires. All forty specialists are one stack (lesson 06).

# %%
y = specialist_labels(data.y, classes, N)
specialists = start_from(net, classes, seeds=range(40))
SPECIALIST = Recipe(epochs=2, learning_rate=0.1, batch=100, warm_up=50, jitter=1)
train(specialists, replace(data, y=y), hard_targets(), SPECIALIST, special=0.5)
u = specialists(test.x)
raised = dustbin_correction(y, size=10)
u[..., -1] += raised[:, None]
print(f"dustbin logits raised by {raised.mean():.1f} on average")

# %% [markdown]
# ## One answer
# A specialist is *active* if the generalist's most probable class is one of its own. The combined
# answer is the q that minimizes KL(pᵍ, q) + Σ KL(pᵐ, q), where pᵍ is the generalist's answer and pᵐ
# that of each active specialist m (Eq. 5). To compare q with pᵐ, add up what q gives to the classes
# in the dustbin. For each network, the gradient on the logits of q has the form q − p. `combine`
# follows it until it is nearly 0. (The last line printed shows the errors without the correction of
# the dustbin logits. Specialists that are trained so briefly hardly need it.)

# %%
active = active_specialists(v, classes)
z = combine(v, u, classes, active)
gradient = combination_gradient(z, v, u, classes, active)
print(f"{active.sum(1).mean():.1f} active per case; largest gradient {abs(gradient).max():.0e}")
print(f"together: {errors(z, test.y)} wrong, {log_loss(z, test.y):.3f} nats")
without = u - [*[0] * 10, 1] * raised[:, None, None]
uncorrected = combine(v, without, classes, active)
print(f"without raising the dustbin logits: {errors(uncorrected, test.y)} wrong")
assert abs(errors(uncorrected, test.y) - errors(z, test.y)) < 0.02 * errors(z, test.y)

# %% [markdown]
# ## The picture
# On the left, what is gained as specialists are added; on the right, a case that one of them corrects.

# %%
numbers = range(0, 41, 5)
wrong = [errors(combine(v, u, classes, active & (np.arange(40) < k)), test.y) for k in numbers]
mended = (z.argmax(1) == test.y) & (v.argmax(1) != test.y) & (active.sum(1) == 1)
case = np.flatnonzero(mended)[softmax(z)[mended, test.y[mended]].argmax()]
own = classes[active[case]][0]
shown = own[np.argsort(-softmax(z)[case, own])[:5]]
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5))
left.plot(numbers, 100 * (1 - np.divide(wrong, len(test))), "o-", color=GREEN)
left.set(xlabel="specialists in use", ylabel="test cases right (%)")
left.set_title(f"40 specialists cut {wrong[0]} errors to {wrong[-1]}")
bars = (("generalist", softmax(v)[case, shown], GREY),
        ("specialist", softmax(u[active[case]][0, case])[np.searchsorted(own, shown)], ORANGE),
        ("combined, Eq. 5", softmax(z)[case, shown], BLUE))  # fmt: skip
for k, (label, height, color) in enumerate(bars):
    right.bar(np.arange(5) + 0.27 * (k - 1), height, 0.27, color=color, label=label)
script = {c: f"{unicodedata.name(names[c]).split()[0].title()} {names[c]}" for c in range(N)}
right.set_xticks(range(5), [script[c].replace(" ", "\n") for c in shown])
right.set(xlabel="class", ylabel="probability", ylim=(0, 1))
right.set_title(f"A {script[test.y[case]]} taken for a {script[v[case].argmax()]} is corrected")
right.legend()
image = right.inset_axes([0.5, 0.15, 0.4, 0.45])
image.imshow(test.x[case].reshape(28, 28), cmap="gray_r")
image.axis("off")
figure.supxlabel("bundled printed characters, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/10_specialists.png"))

# %% [markdown]
# ## What the full run found
# On handwritten characters (EMNIST), with a mixture of experts (lesson 12) and, as a control, copies
# of the generalist that were trained further on all classes.

# %%
full = plot_record(full_run("specialists", "emnist"))
print("wrote", save_figure(full, "out/10_on_emnist.png"))

# %% [markdown]
# **The claim of this lesson**: specialists, each trained for less than a tenth of the generalist's
# epochs, lower both the number of errors and the log-loss; and `combine` solves Eq. 5.

# %%
assert errors(z, test.y) < 0.99 * errors(v, test.y)
assert log_loss(z, test.y) < log_loss(v, test.y)
assert abs(gradient).max() < 1e-3
assert SPECIALIST.epochs < GENERALIST.epochs / 10
