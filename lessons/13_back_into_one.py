# %% [markdown]
# # 13 Back into one
# *Before this: lesson 09, where a student learns from an ensemble, and lesson 10, on specialists.*
#
# A generalist with forty specialists is a *cumbersome model*, as the paper calls it: accurate, but
# expensive to run. That is where distillation began. Can such a model be distilled back into a single
# network? The paper leaves that open (Section 8). This lesson tries it.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, errors, hard_targets, soft_targets, train
from minikd.claims import claim
from minikd.combination import combine
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
data, test, N = characters.train, characters.test, len(characters.names)

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
T = 2.0  # the temperature of the soft targets
HARD_WEIGHT = 0.5  # of the labels, beside T² times the soft targets
CLUSTERS = 40  # specialists, from 1 to 200
SIZE = 10  # classes of each specialist, from 2 to 40
WIDTH = 64  # units in each of the two hidden layers, 20 or more
SEED = 2  # of the students' first weights

# %% [markdown]
# ## Generalist and specialists
# The *generalist* knows all 321 classes; each *specialist* tells apart a few that the generalist
# confuses, and puts all others into one, its *dustbin*. They are trained as in lesson 10.

# %%
SIZES = [784, WIDTH, WIDTH, N]
GENERALIST = Recipe(epochs=30, learning_rate=0.1, batch=100, warm_up=200, jitter=1)
generalist = MLP(SIZES, rng=1)
train(generalist, data, hard_targets(), GENERALIST, progress="generalist")

covariance = prediction_covariance(softmax(generalist(data.x), T=3))
classes = cluster_classes(covariance, clusters=CLUSTERS, size=SIZE, rng=0)
labels = specialist_labels(data.y, classes, N)
stack = start_from(generalist, classes, seeds=range(CLUSTERS))
SPECIALIST = Recipe(epochs=2, learning_rate=0.1, batch=100, warm_up=50, jitter=1)
train(stack, replace(data, y=labels), hard_targets(), SPECIALIST, special=0.5)


def together(x):
    """The answer of Eq. 5, the one nearest to all of theirs, as logits."""
    u = stack(x)
    u[..., -1] += dustbin_correction(labels, size=SIZE)[:, None]
    return combine(generalist(x), u, classes)


# %% [markdown]
# ## One network from all of them
# For each training case, Eq. 5 combines the answers of all networks. The student is a new network of
# the generalist's size. It learns from the combined answers as soft targets, and from the hard targets
# with half the weight, as in Section 4.
#
# Suppose this student beats the generalist. Is that thanks to the specialists? Not necessarily: soft
# targets alone may do it. So a second student, the *control*, learns from the *generalist alone*. Only
# what the first student gains beyond the second comes from the specialists. The two are one stack
# (lesson 06), and start from the same weights.

# %%
STUDENT = Recipe(epochs=30, learning_rate=0.05, batch=100, warm_up=200, jitter=1)
# A heavy weight makes long steps; above 4, a lower rate keeps them in bounds.
recipe = replace(STUDENT, learning_rate=STUDENT.learning_rate / max(1, HARD_WEIGHT / 4))
students = MLP(SIZES, rng=[SEED, SEED])
transfer = data.with_logits(np.stack([together(data.x), generalist(data.x)]))
train(students, transfer, soft_targets(T, hard_weight=HARD_WEIGHT), recipe, progress="students")

# %% [markdown]
# A second control learns from hard targets alone, for as many epochs.

# %%
alone = MLP(SIZES, rng=SEED)
train(alone, data, hard_targets(), STUDENT, progress="hard targets")

# %% [markdown]
# The test compares answers and log-loss, the mean of −log q of the right class:

# %%
from_both, from_generalist = students(test.x)
answers = {
    "generalist": generalist(test.x),
    "generalist with specialists": together(test.x),
    "student of generalist and specialists": from_both,
    "student of the generalist alone": from_generalist,
    "student of hard targets": alone(test.x),
}
right = {who: 100 * (1 - errors(z, test.y) / len(test)) for who, z in answers.items()}
loss = {who: log_loss(z, test.y) for who, z in answers.items()}
for who in answers:
    print(f"{who:>37}: {right[who]:.1f} % right, log-loss {loss[who]:.3f} nats")

# %% [markdown]
# ## The picture
# Every bar is a comparison with the generalist; to the right is better.

# %%
names = list(answers)[1:]
more_right = [right[who] - right["generalist"] for who in names]
less_loss = [loss["generalist"] - loss[who] for who in names]
figure, axes = plt.subplots(1, 2, figsize=(12, 4.2), sharey=True)
for ax, gains, label, digits in (
    (axes[0], more_right, "more test cases right than the generalist (points)", 1),
    (axes[1], less_loss, "lower log-loss than the generalist (nats)", 3),
):
    bars = ax.barh(names, gains, color=(BLUE, GREEN, ORANGE, GREY), height=0.6)
    ax.bar_label(bars, fmt=f"%+.{digits}f", padding=4)
    ax.axvline(0, color="k", lw=1)
    ax.margins(x=0.2)
    ax.set(xlabel=label)
axes[0].invert_yaxis()
_, both, control, _ = more_right
figure.suptitle(
    f"A student of the generalist alone: {control:+.1f} points against the generalist; "
    f"with the specialists too, {both:+.1f}", x=0.01, ha="left", weight="bold",
)  # fmt: skip
figure.supxlabel("bundled printed characters, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/13_back_into_one.png"))

# %% [markdown]
# ## What the full run found
# On handwritten characters (EMNIST, 62 classes), five seeds. Compare the distance between the first two
# students with the error bars.

# %%
full = plot_record(full_run("specialists-into-one", "emnist"))
print("wrote", save_figure(full, "out/13_on_emnist.png"))

# %% [markdown]
# **The claim of this lesson**: a single network distilled from generalist and specialists beats the
# generalist, in answers and in log-loss. But a student of the generalist alone gains most of that,
# too: here the soft targets did it, not the specialists. Without this control, one would have
# believed the opposite.

# %%
claim(right["student of generalist and specialists"] > right["generalist"],
      "more cases right by the student than by the generalist",
      f"{both:+.1f} points", "A heavy weight on labels makes soft targets small beside them.")  # fmt: skip
claim(right["generalist"] > right["student of hard targets"],
      "fewer cases right by the student of hard targets", f"{more_right[3]:+.1f} points",
      "The same labels once more have little to give; the first weights decide the rest.")  # fmt: skip
claim(less_loss[1] > 0, "a lower log-loss than the generalist's", f"{-less_loss[1]:+.3f} nats",
      "A student of very soft targets learns an order of classes, and may be unsure at T = 1.")  # fmt: skip
claim(control > 0.5 * both, "more than half of the gain without any specialist",
      f"{control:+.1f} of {both:+.1f} points",
      "Any gain came with the specialists. Would it, with other first weights?")  # fmt: skip
claim(less_loss[2] > 0.5 * less_loss[1], "more than half of the gain in log-loss without them",
      f"{less_loss[2]:+.3f} of {less_loss[1]:+.3f} nats",
      "What the specialists know of probabilities may be handed on where their answers are not.")  # fmt: skip

# %% [markdown]
# ## Try
# - `SEED = 3`, and then 4. How much do the bars move by chance alone?
# - `HARD_WEIGHT = 0`, or `T = 5`. Does either hand on more of what the specialists know?
# - `CLUSTERS = 100`. Better teachers: does the student notice?
#
# ## To think about
# 1. Which control would you have left out, if the first student had come out as you had hoped?
# 2. The specialists are right on training cases that the student sees with their labels anyway. On which
#    cases could they tell it something new?
# 3. Why can soft targets of a network make a student better than that network?
