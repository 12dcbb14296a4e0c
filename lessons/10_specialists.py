# %% [markdown]
# # 10 Specialists
# *Before this: lesson 09, where one student learns from many networks.*
#
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
from minikd.claims import claim
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
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
CLUSTERS = 40  # specialists, from 1 to 200
SIZE = 10  # classes of each specialist, from 2 to 40
ACTIVE = 1  # how many of the generalist's likeliest classes call specialists
EPOCHS = 2  # of a specialist; the generalist has 30
WIDTH = 64  # units in each of the two hidden layers, 20 or more
SEED = 1  # of the generalist's first weights

# %% [markdown]
# ## The generalist
# It is small for 321 classes. Its mushrooms are characters such as the Latin o, the Greek ο and the
# Cyrillic о: three classes of the same shape. The *log-loss* is the mean of −log q of the right
# class, in *nats*, the unit of natural logarithms. It is low if the right class gets much probability.

# %%
net = MLP([784, WIDTH, WIDTH, N], rng=SEED)
GENERALIST = Recipe(epochs=30, learning_rate=0.1, batch=100, warm_up=200, jitter=1)
train(net, data, hard_targets(), GENERALIST, progress="generalist")
v = net(test.x)
print(f"generalist: {errors(v, test.y)} of {len(test)} wrong, {log_loss(v, test.y):.3f} nats")

# %% [markdown]
# ## What it confuses
# If the generalist often splits the probability between two classes, these have similar columns in the
# *covariance matrix* of its predictions, which says for each pair of classes how far their
# probabilities rise and fall together. *Online K-means* groups similar columns: it sees one column at
# a time and moves the nearest of K centres towards it. It needs no labels. (We take the predictions at
# T = 3. At T = 1, as in the paper, classes that are rarely confused have almost no covariance.)

# %%
q = softmax(net(data.x), T=3)
classes = cluster_classes(prediction_covariance(q), clusters=CLUSTERS, size=SIZE, rng=0)
print(f"some of the {CLUSTERS} clusters:", *("".join(names[row]) for row in classes[:8]))

# %% [markdown]
# ## The dustbin
# Each specialist starts from the generalist's weights. Half of each batch is drawn from its own
# classes, the other half from all the rest. So it sees its own classes far too often, which is called
# *oversampling*, and learns too small a logit for the dustbin. After training, we add the logarithm of
# the oversampling to that logit, as Bayes' rule requires. All specialists are one stack (lesson 06).

# %%
y = specialist_labels(data.y, classes, N)
specialists = start_from(net, classes, seeds=range(CLUSTERS))
SPECIALIST = Recipe(epochs=EPOCHS, learning_rate=0.1, batch=100, warm_up=50, jitter=1)
train(specialists, replace(data, y=y), hard_targets(), SPECIALIST, special=0.5)
u = specialists(test.x)
raised = dustbin_correction(y, size=SIZE)
u[..., -1] += raised[:, None]
print(f"dustbin logits raised by {raised.mean():.1f} on average")

# %% [markdown]
# ## One answer
# A specialist is *active* if the generalist's most probable class is one of its own. KL(p, q) is the
# *Kullback-Leibler divergence*: how far q is from p, in nats; it is 0 if they are the same. The combined
# answer is the q that minimizes KL(pᵍ, q) + Σ KL(pᵐ, q), where pᵍ is the generalist's answer and pᵐ
# that of each active specialist m (Eq. 5). To compare q with pᵐ, add up what q gives to the classes
# in the dustbin. For each network, the gradient on the logits of q has the form q − p. `combine`
# follows it until it is nearly 0. (The last line printed shows the errors without the correction of
# the dustbin logits.)

# %%
active = active_specialists(v, classes, n=ACTIVE)
z = combine(v, u, classes, active)
gradient = combination_gradient(z, v, u, classes, active)
print(f"{active.sum(1).mean():.1f} active per case; largest gradient {abs(gradient).max():.0e}")
print(f"together: {errors(z, test.y)} wrong, {log_loss(z, test.y):.3f} nats")
without = u - [*[0] * SIZE, 1] * raised[:, None, None]
uncorrected = combine(v, without, classes, active, tolerance=1e-4)  # enough to count
print(f"without raising the dustbin logits: {errors(uncorrected, test.y)} wrong")

# %% [markdown]
# ## The picture
# On the left, what changes as specialists are added; on the right, a case that a specialist corrects,
# if there is one.

# %%
numbers = np.unique(np.linspace(0, CLUSTERS, 9).astype(int))
wrong = []
for k in numbers:
    in_use = active & (np.arange(CLUSTERS) < k)
    wrong += [errors(combine(v, u, classes, in_use, tolerance=1e-4), test.y)]
mended = (z.argmax(1) == test.y) & (v.argmax(1) != test.y) & active.any(1)
# The clearest is a case that a single specialist corrects; else we take what there is.
lone = mended & (active.sum(1) == 1)
some = next(which for which in (lone, mended, active.any(1), test.y >= 0) if which.any())
case = np.flatnonzero(some)[softmax(z)[some, test.y[some]].argmax()]
first = active[case].argmax()  # its first active specialist
own = classes[first]
shown = own[np.argsort(-softmax(z)[case, own])[:5]]
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5))
left.plot(numbers, 100 * (1 - np.divide(wrong, len(test))), "o-", color=GREEN)
left.set(xlabel="specialists in use", ylabel="test cases right (%)")
left.set_title(f"With {CLUSTERS} specialists, {wrong[0]} errors become {wrong[-1]}")
bars = (("generalist", softmax(v)[case, shown], GREY),
        ("specialist", softmax(u[first, case])[np.searchsorted(own, shown)], ORANGE),
        ("combined, Eq. 5", softmax(z)[case, shown], BLUE))  # fmt: skip
for k, (label, height, color) in enumerate(bars):
    right.bar(np.arange(len(shown)) + 0.27 * (k - 1), height, 0.27, color=color, label=label)
script = {c: f"{unicodedata.name(names[c]).split()[0].title()} {names[c]}" for c in range(N)}
right.set_xticks(range(len(shown)), [script[c].replace(" ", "\n") for c in shown])
right.set(xlabel="class", ylabel="probability", ylim=(0, 1))
before, after = (script[logits[case].argmax()] for logits in (v, z))
right.set_title(f"A {script[test.y[case]]}: the generalist says {before}, together {after}")
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
mistakes, losses = (
    (errors(v, test.y), errors(z, test.y)),
    (log_loss(v, test.y), log_loss(z, test.y)),
)
claim(mistakes[1] < 0.99 * mistakes[0], "at least 1 % fewer errors with specialists",
      f"{mistakes[0]} errors, then {mistakes[1]}",
      "A specialist helps only where it is active and knows more than the generalist.")  # fmt: skip
claim(losses[1] < losses[0], "a lower log-loss", f"{losses[0]:.3f} nats, then {losses[1]:.3f}",
      "A specialist that is trained long on few cases becomes too sure of itself, and log-loss "
      "punishes that.")  # fmt: skip
claim(abs(gradient).max() < 1e-3, "a gradient of Eq. 5 below 0.001", f"{abs(gradient).max():.0e}",
      "Where models contradict each other with near certainty, it takes more steps.")  # fmt: skip
claim(SPECIALIST.epochs < GENERALIST.epochs / 10, "less than a tenth of the generalist's epochs",
      f"{SPECIALIST.epochs} of {GENERALIST.epochs}",
      "Longer training costs more. Compare it with a generalist that is trained longer, too.")  # fmt: skip
claim(abs(errors(uncorrected, test.y) - mistakes[1]) < 0.02 * mistakes[1],
      "hardly another number of errors without the correction",
      f"{errors(uncorrected, test.y)} and {mistakes[1]}",
      "The longer specialists are trained on their own mix of cases, the more they come to believe "
      "in it.")  # fmt: skip

# %% [markdown]
# ## Try
# - `CLUSTERS = 10`, and then 150. Why does the curve flatten?
# - `ACTIVE = 3`: more specialists answer in each case. Is that better?
# - `EPOCHS = 20`, which takes longer. Look at both the errors and the log-loss.
# - `WIDTH = 400`: a generalist that confuses less. What is left for specialists to do?
#
# ## To think about
# 1. All specialists can be trained at the same time, on machines that never talk to each other. Which
#    part of this lesson makes that possible?
# 2. The clusters come from what the generalist confuses, not from labels. Could labels give better ones?
# 3. If three classes have the same shape, what is the best answer that any network can give?
