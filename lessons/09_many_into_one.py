# %% [markdown]
# # 09 Many into one
# *Before this: lesson 05, where a student learns from one teacher.*
#
# Networks that differ in nothing but their initial weights make different errors. Averaged, ten of
# them do better than any one: an *ensemble*. But it costs ten times as much to run. Section 4 of the
# paper distils an ensemble of ten acoustic models into a single one. (An acoustic model tells which
# sound is spoken in each *frame*, a slice of a few milliseconds.) One network alone got 58.9 % of the
# frames right, the ensemble 61.1 %, and the distilled network 60.8 %: it kept most of what the
# ensemble had gained.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Dataset, Recipe, hard_targets, soft_targets, train
from minikd.claims import claim
from minikd.data import synthesize_speech
from minikd.data.speech import windows
from minikd.ensembles import arithmetic_mean, geometric_mean
from minikd.experiments import full_run, plot_record
from minikd.hmm import train_states
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, save_figure
from minikd.statistics import share_of_gain, standard_error

plt.style.use(HOUSE_STYLE)
speech = synthesize_speech(rng=0)  # drawn from a hidden Markov model: not real speech

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
MEMBERS = 10  # networks in the ensemble
T = (1.0, 2.0, 5.0, 10.0)  # temperatures, in rising order: a student for each
HARD_WEIGHT = 0.5  # of the labels, beside T² times the soft targets; one half in the paper
WIDTH = 64  # units in each of a network's three hidden layers, 10 or more
SEED = 99  # of the students' first weights

# %% [markdown]
# ## What the full run found
# On real speech, with eight hidden layers as in the paper; the record comes with minikd. What the two
# means are is explained below.

# %%
record = full_run("acoustic-ensemble", "speech")
print("wrote", save_figure(plot_record(record), "out/09_on_speech.png"))
best = np.mean(record["curves"]["distilled"], axis=0).argmax()
print("on real speech, the best student has (mean, T) =", record["config"]["students"][best])

# %% [markdown]
# ## Frames and states
# An *utterance* is a sequence of frames, twelve numbers each, together with the digits that were
# said. Each digit is modelled as a chain of three *states*: beginning, middle and end. Nobody has
# labelled which frame belongs to which state, so we estimate it. Cut each digit into equal parts,
# estimate what the frames of each state look like, find the likeliest path through the states, and
# repeat the last two steps until nothing changes. This is *Viterbi training* of a *hidden Markov
# model*: a chain of states that we cannot see, each of which gives out frames of its own kind.

# %%
model, paths = train_states(
    [u.frames for u in speech.train], [u.digits for u in speech.train], words=10, states=3
)
test_paths = [model.states_of(u.frames, u.digits) for u in speech.test]
first = speech.train[0]
print("said:", first.digits, "states of the first frames:", paths[0][:16].tolist())

# %% [markdown]
# A network sees one frame, the three before it and the three after it, and classifies its state.

# %%
data = Dataset(windows(speech.train, 3, 3), np.concatenate(paths), shape=(7, 12))
test = Dataset(windows(speech.test, 3, 3), np.concatenate(test_paths), shape=(7, 12))
print(f"{len(data)} training frames, {len(test)} test frames, 30 states")


def right(z):
    return 100 * (z.argmax(-1) == test.y).mean(-1)


# %% [markdown]
# ## Many networks, one stack
# A *stack* (lesson 06) holds networks of one shape and trains them all at once. Each learns exactly
# what it would learn alone.

# %%
SINGLE = Recipe(epochs=12, learning_rate=0.1, batch=128, warm_up=100)
sizes = [84, WIDTH, WIDTH, WIDTH, 30]
ensemble = MLP(sizes, rng=range(MEMBERS))
train(ensemble, data, hard_targets(), SINGLE, progress="ensemble")
v_test = ensemble(test.x)
singles = right(v_test)
print("each network alone (%):", singles.round(1))

# %% [markdown]
# ## Two ways to average
# The *arithmetic mean* averages the networks' probabilities of each class. The *geometric mean*
# averages their logarithms, and rescales the result so that it sums to 1. That is the softmax of the
# mean logits. The *standard error* says how far the average of so few networks may be off by chance.

# %%
together = right(geometric_mean(v_test))
error = standard_error(singles)
print(f"one network, on average: {singles.mean():.1f} ± {error:.1f} %; "
      f"geometric mean of {MEMBERS}: {together:.1f} %, "
      f"arithmetic: {right(arithmetic_mean(v_test)):.1f} %")  # fmt: skip

# %% [markdown]
# ## Distillation
# The student is a single network of the same size. It learns from the ensemble's geometric mean as
# *soft targets*, and from the labels, the *hard targets*, with half the weight, as in the paper. The
# students of all temperatures make a stack.

# %%
# A heavy weight makes long steps; above 4, a lower rate keeps them in bounds.
STUDENT = Recipe(epochs=30, learning_rate=0.05, batch=128, warm_up=100)
recipe = replace(STUDENT, learning_rate=STUDENT.learning_rate / max(1, HARD_WEIGHT / 4))
students = MLP(sizes, rng=[SEED] * len(T))
transfer = data.with_logits(geometric_mean(ensemble(data.x)))
train(students, transfer, soft_targets(T, hard_weight=HARD_WEIGHT), recipe, progress="students")
distilled = right(students(test.x))

# %% [markdown]
# The *control* shows what longer training alone would gain: a network of the same size, trained for as
# many epochs as the students, but on hard targets alone.

# %%
control = MLP(sizes, rng=SEED)
train(control, data, hard_targets(), STUDENT, progress="control")
longer = right(control(test.x))
gain = together - singles.mean()
kept = [share_of_gain(accuracy - singles.mean(), gain) for accuracy in distilled]
for t, accuracy, share in zip(T, distilled, kept, strict=True):
    print(f"T = {t:g}: {accuracy:.1f} % right, {share:.0f} % of the gain kept")
print(f"hard targets, as many epochs: {longer:.1f} %")

# %% [markdown]
# ## The picture

# %%
figure, axes = plt.subplots(figsize=(10, 4.5))
axes.axhline(together, color=BLUE, lw=1)
axes.axhline(singles.mean(), color=GREY, lw=1)
for height, words, color in (
    (together, f"ensemble of {MEMBERS}", BLUE), (singles.mean(), "one network, on average", GREY),
):  # fmt: skip
    axes.text(len(T) - 0.1, height, words, color=color, ha="right", va="bottom")
beside = np.linspace(-1.3, -0.7, MEMBERS)
axes.plot(beside, singles, ".", color=GREY, label="each network of the ensemble")
axes.plot(-1, longer, "^", color=ORANGE, label="control: one network, as many epochs")
axes.plot(
    range(len(T)), distilled, "o-", color=GREEN, label="one network, distilled from these"
)
axes.set(xticks=range(-1, len(T)), xlim=(-1.6, len(T) - 0.1), ylabel="test frames right (%)")
axes.set_xticklabels(["hard targets", *(f"T = {t:g}" for t in T)])
best = distilled.argmax()
title = f"An ensemble of {MEMBERS} changes the frames right by {gain:+.1f} points"
if gain > 0:
    title = f"An ensemble of {MEMBERS} gains {gain:.1f} points; one network distilled from it "
    title += f"at T = {T[best]:g} keeps {max(0, kept[best]):.0f} % of that"
axes.set_title(title)
axes.legend(loc="lower right")
figure.supxlabel("bundled stand-in for speech, not real speech", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/09_many_into_one.png"))

# %% [markdown]
# **The claim of this lesson**: an ensemble of ten networks gets more frames right than one network,
# by far more than chance. A single network that learns from it at T = 10 keeps most of that gain, and
# does better than one trained as long on hard targets. (Which T is best depends on the data: compare
# the line printed for real speech.)

# %%
claim(together > singles.mean() + 2 * error, "a gain of more than two standard errors",
      f"{gain:.2f} points, with a standard error of {error:.2f}",
      "What an average gains, it gains where its members err differently. One network alone has "
      "nothing to average.")  # fmt: skip
claim(kept[-1] > 50, f"more than half of the gain kept at T = {T[-1]:g}", f"{kept[-1]:.0f} %",
      "At a low T, and beside heavy labels, the student hears little of what the ensemble knows "
      "beyond the label.")  # fmt: skip
claim(distilled[-1] > longer, "more frames right than with hard targets and as many epochs",
      f"{distilled[-1]:.1f} % and {longer:.1f} %",
      "Without a gain to hand on, soft targets have to earn their keep as regularizers alone: "
      "lesson 11.")  # fmt: skip

# %% [markdown]
# ## Try
# - `MEMBERS = 2`, and then 5. How much of the gain do two networks bring?
# - `HARD_WEIGHT = 0`. Which temperature is the best then?
# - `WIDTH = 20`. Does an ensemble of small networks gain more? Does a small student keep it?
#
# ## To think about
# 1. The members start from different weights and see the same frames. What else could make them err
#    differently, and would you expect it to gain more?
# 2. Where do the two means differ: in a frame where nine networks agree and one is sure of something
#    else, or in a frame where all hesitate?
# 3. The ensemble is trained once and the student runs every day. When does distillation pay?
