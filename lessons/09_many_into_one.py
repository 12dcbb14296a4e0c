# %% [markdown]
# # 09 Many into one
# Ten networks that differ in nothing but their initial weights make different errors. Together
# they do better than each, and cost ten times as much. Section 4 of the paper distils ten
# acoustic models into one: they got 58.9 % of the frames of speech right one by one, 61.1 %
# together, and the one that learnt from them 60.8 %.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Dataset, Recipe, hard_targets, plots, soft_targets, train
from minikd.data import synthesize_speech
from minikd.data.speech import windows
from minikd.ensembles import arithmetic_mean, geometric_mean
from minikd.experiments.record import full_run
from minikd.hmm import train_states
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, save_figure

plt.style.use(HOUSE_STYLE)
speech = synthesize_speech(rng=0)  # drawn from a hidden Markov model: not real speech

# %% [markdown]
# ## What the full run found
# Real speech, eight hidden layers as in the paper, from the record that comes with minikd.

# %%
full = plots.plot_record(full_run("acoustic-ensemble", "speech"))
print("wrote", save_figure(full, "out/09_on_speech.png"))

# %% [markdown]
# ## Frames and states
# An utterance is a row of frames, twelve numbers each, and the digits that were said. Each digit
# is a chain of three states. Which frame belongs to which state nobody has written down: it is
# found by cutting evenly, estimating what the frames of each state look like, looking for the best
# path, and so on until nothing changes (Viterbi re-estimation).

# %%
model, paths = train_states(
    [u.frames for u in speech.train], [u.digits for u in speech.train], words=10, states=3
)
test_paths = [model.states_of(u.frames, u.digits) for u in speech.test]
first = speech.train[0]
print("said:", first.digits, "states of the first frames:", paths[0][:16].tolist())

# %% [markdown]
# A network sees a frame with three before and three after it, and is asked for its state.

# %%
data = Dataset(windows(speech.train, 3, 3), np.concatenate(paths), shape=(7, 12))
test = Dataset(windows(speech.test, 3, 3), np.concatenate(test_paths), shape=(7, 12))
print(f"{len(data)} frames to learn from, {len(test)} to be tested on, 30 states")


def right(z):
    return 100 * (z.argmax(-1) == test.y).mean(-1)


# %% [markdown]
# ## Ten networks, one stack
# A stack trains all ten at once; member k is what it would be alone.

# %%
SINGLE = Recipe(epochs=12, learning_rate=0.1, batch=128, warm_up=100)
sizes = [84, 64, 64, 64, 30]
ensemble = MLP(sizes, rng=range(10))
train(ensemble, data, hard_targets(), SINGLE, progress="ten networks")
v_test = ensemble(test.x)
singles = right(v_test)
print("each:", singles.round(1))

# %% [markdown]
# ## Two means
# The arithmetic mean of ten distributions is what a mixture of them says. The geometric mean is
# the softmax of the mean logits, whatever the temperature: the logarithm of a product is a sum.

# %%
together = {
    "arithmetic": right(arithmetic_mean(v_test)),
    "geometric": right(geometric_mean(v_test)),
}
error = singles.std(ddof=1) / np.sqrt(10)
print(f"one, on average: {singles.mean():.1f} ± {error:.1f} %; together: {together}")

# %% [markdown]
# ## Distilled
# One network of the same size, trained on the mean of the ten with half as much weight on the hard
# targets, as in the paper. Four temperatures are four members of a stack.

# %%
T = (1.0, 2.0, 5.0, 10.0)
STUDENT = Recipe(epochs=30, learning_rate=0.05, batch=128, warm_up=100)
students = MLP(sizes, rng=[99] * 4)
transfer = data.with_logits(geometric_mean(ensemble(data.x)))
train(students, transfer, soft_targets(T, hard_weight=0.5), STUDENT, progress="students")
distilled = right(students(test.x))

# %% [markdown]
# A control: hard targets alone, for as many epochs.

# %%
control = MLP(sizes, rng=99)
train(control, data, hard_targets(), STUDENT, progress="control")
longer = right(control(test.x))
kept = (distilled - singles.mean()) / (together["geometric"] - singles.mean())
for t, accuracy, share in zip(T, distilled, kept, strict=True):
    print(f"T = {t:g}: {accuracy:.1f} % right, {100 * share:.0f} % of the gain kept")
print(f"hard targets for as long: {longer:.1f} %")

# %% [markdown]
# ## The picture

# %%
figure, axes = plt.subplots(figsize=(9, 4.5))
axes.plot(np.linspace(-1.3, -0.7, 10), singles, ".", color=GREY, label="each of the ten")
axes.axhline(singles.mean(), color=GREY, lw=1)
axes.axhline(together["geometric"], color=BLUE, lw=1, label="ten together")
axes.plot(range(4), distilled, "o-", color=GREEN, label="distilled from them")
axes.plot(-1, longer, "^", color=ORANGE, label="hard targets, as many epochs")
axes.set(xticks=range(-1, 4), xlim=(-1.6, 3.5), ylabel="frames right (%)")
axes.set_xticklabels(["hard targets", *(f"T = {t:g}" for t in T)])
axes.set_title(
    f"At T = 10, one network keeps {100 * kept[-1]:.0f} % of what ten gain together "
    f"({together['geometric'] - singles.mean():.1f} % of the frames)"
)
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
figure.supxlabel("bundled stand-in for speech, not real speech", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/09_many_into_one.png"))

# %% [markdown]
# **The claim of this lesson**: ten networks together get more frames right than one, by far more
# than chance, and one network that learns from their mean at T = 10, which does best here, keeps
# most of that. (On real speech T = 1 does best.)

# %%
assert together["geometric"] > singles.mean() + 2 * error
assert kept[-1] > 0.5
assert distilled[-1] > longer
