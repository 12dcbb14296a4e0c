# %% [markdown]
# # 13 Back into one
# A generalist with forty specialists is cumbersome, and cumbersome models are where the paper began.
# Whether they can be distilled back into one large network, it leaves open (Section 8). Here it is
# tried.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, errors, hard_targets, plots, soft_targets, train
from minikd.combination import combine
from minikd.data import load_characters
from minikd.equations import softmax
from minikd.evaluate import log_loss
from minikd.experiments.record import full_run
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, PURPLE, save_figure
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
# ## Generalist and specialists
# As in lesson 10.

# %%
SIZES = [784, 64, 64, N]
GENERALIST = Recipe(epochs=30, learning_rate=0.1, batch=100, warm_up=200, jitter=1)
generalist = MLP(SIZES, rng=1)
train(generalist, data, hard_targets(), GENERALIST, progress="generalist")

covariance = prediction_covariance(softmax(generalist(data.x), T=3))
classes = cluster_classes(covariance, clusters=40, size=10, rng=0)
labels = specialist_labels(data.y, classes, N)
stack = start_from(generalist, classes, seeds=range(40))
SPECIALIST = Recipe(epochs=2, learning_rate=0.1, batch=100, warm_up=50, jitter=1)
train(stack, replace(data, y=labels), hard_targets(), SPECIALIST, special=0.5)


def together(x):
    """The answer of Eq. 5, as logits."""
    u = stack(x)
    u[..., -1] += dustbin_correction(labels, size=10)[:, None]
    return combine(generalist(x), u, classes)


# %% [markdown]
# ## One network from all of them
# Eq. 5 is solved for each training case. Its q are the soft targets, with half as much weight on the
# hard ones, as in Section 4. The student is a fresh network of the generalist's size.
#
# A control decides what this shows. A student of the *generalist alone* learns from soft targets
# too, and that alone may make it better than its teacher. What the specialists bring is what the
# first student has beyond the second. The two are one stack, and start from the same weights.

# %%
T = 2.0
STUDENT = Recipe(epochs=30, learning_rate=0.05, batch=100, warm_up=200, jitter=1)
students = MLP(SIZES, rng=[2, 2])
transfer = data.with_logits(np.stack([together(data.x), generalist(data.x)]))
train(students, transfer, soft_targets(T, hard_weight=0.5), STUDENT, progress="students")

# %% [markdown]
# And a second one: hard targets alone, for as long.

# %%
alone = MLP(SIZES, rng=2)
train(alone, data, hard_targets(), STUDENT, progress="hard targets")

# %%
from_both, from_generalist = students(test.x)
answers = {
    "generalist": (generalist(test.x), GREY),
    "with specialists": (together(test.x), BLUE),
    "one, from both": (from_both, GREEN),
    "one, from the generalist alone": (from_generalist, ORANGE),
    "one, hard targets": (alone(test.x), PURPLE),
}
right = {who: 100 * (1 - errors(z, test.y) / len(test)) for who, (z, _) in answers.items()}
loss = {who: log_loss(z, test.y) for who, (z, _) in answers.items()}
for who in answers:
    print(f"{who:>30}: {right[who]:.1f} % right, {loss[who]:.3f} nats")

# %% [markdown]
# ## The picture

# %%
figure, axes = plt.subplots(1, 2, figsize=(11, 4), sharey=True)
for ax, values, words in (
    (axes[0], right, "test cases right (%)"),
    (axes[1], loss, "log-loss (nats)"),
):
    for place, (who, (_, color)) in enumerate(answers.items()):
        ax.plot(values[who], -place, "o", ms=9, color=color)
    ax.set(xlabel=words, ylim=(-4.5, 0.5))
    ax.locator_params(axis="x", nbins=6)
    ax.grid(axis="x", lw=0.5)
axes[0].set_yticks(range(0, -5, -1), list(answers))
gains = [right[who] - right["generalist"] for who in list(answers)[2:4]]
figure.suptitle(
    f"From both {gains[0]:+.1f} points, from the generalist alone {gains[1]:+.1f}",
    x=0.01,
    ha="left",
)
figure.supxlabel("bundled printed characters, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/13_back_into_one.png"))

# %% [markdown]
# ## What the full run found
# Handwritten characters (EMNIST, 62 classes), five seeds: look at how far the network from both lies
# from the one of the generalist alone, beside the bars.

# %%
full = plots.plot_record(full_run("specialists-into-one", "emnist"))
print("wrote", save_figure(full, "out/13_on_emnist.png"))

# %% [markdown]
# **The claim of this lesson**: one network distilled from generalist and specialists is better than
# the generalist, in answers and in log-loss. But most of that, or all, it would have gained from the
# generalist alone: soft targets did it, not specialists. So the control is what an experiment like
# this needs most.

# %%
assert right["one, from both"] > right["generalist"] > right["one, hard targets"]
assert loss["one, from both"] < loss["generalist"]
gained = loss["generalist"] - loss["one, from both"]
assert loss["generalist"] - loss["one, from the generalist alone"] > 0.5 * gained
