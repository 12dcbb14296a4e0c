# %% [markdown]
# # 09 Many into one
# Networks that differ in nothing but their initial weights make different errors. Averaged, ten of
# them do better than any one: an *ensemble*. But it costs ten times as much to run. Section 4 of the
# paper distils an ensemble of ten acoustic models into a single one. (An acoustic model tells which
# sound is spoken in each *frame*, a slice of a few milliseconds.) One network alone got 58.9 % of the
# frames right, the ensemble 61.1 %, and the distilled network 60.8 %.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Dataset, Recipe, hard_targets, soft_targets, train
from minikd.data import synthesize_speech
from minikd.data.speech import windows
from minikd.ensembles import arithmetic_mean, geometric_mean
from minikd.experiments import full_run, plot_record
from minikd.hmm import train_states
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, save_figure

plt.style.use(HOUSE_STYLE)
speech = synthesize_speech(rng=0)  # drawn from a hidden Markov model: not real speech

# %% [markdown]
# ## What the full run found
# On real speech, with eight hidden layers as in the paper; the record comes with minikd.

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
# repeat the last two steps until nothing changes (Viterbi training of a hidden Markov model).

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
# ## Ten networks, one stack
# A stack (lesson 06) trains all ten at once, and each learns exactly what it would learn alone.

# %%
SINGLE = Recipe(epochs=12, learning_rate=0.1, batch=128, warm_up=100)
sizes = [84, 64, 64, 64, 30]
ensemble = MLP(sizes, rng=range(10))
train(ensemble, data, hard_targets(), SINGLE, progress="ten networks")
v_test = ensemble(test.x)
singles = right(v_test)
print("each network alone (%):", singles.round(1))

# %% [markdown]
# ## Two ways to average
# The *arithmetic mean* averages the ten probabilities of each class. The *geometric mean* averages
# their logarithms, and rescales the result so that it sums to 1. That is the softmax of the mean logits.

# %%
together = right(geometric_mean(v_test))
error = singles.std(ddof=1) / np.sqrt(10)  # standard error of the mean
print(f"one network, on average: {singles.mean():.1f} ± {error:.1f} %; "
      f"geometric mean of ten: {together:.1f} %, "
      f"arithmetic: {right(arithmetic_mean(v_test)):.1f} %")  # fmt: skip

# %% [markdown]
# ## Distillation
# The student is a single network of the same size. It learns from the ensemble's geometric mean, and
# from the hard targets with half the weight, as in the paper. Four temperatures make a stack of four.

# %%
T = (1.0, 2.0, 5.0, 10.0)
STUDENT = Recipe(epochs=30, learning_rate=0.05, batch=128, warm_up=100)
students = MLP(sizes, rng=[99] * 4)
transfer = data.with_logits(geometric_mean(ensemble(data.x)))
train(students, transfer, soft_targets(T, hard_weight=0.5), STUDENT, progress="students")
distilled = right(students(test.x))

# %% [markdown]
# The control is trained for as many epochs, but on hard targets alone.

# %%
control = MLP(sizes, rng=99)
train(control, data, hard_targets(), STUDENT, progress="control")
longer = right(control(test.x))
gain = together - singles.mean()
kept = (distilled - singles.mean()) / gain
for t, accuracy, share in zip(T, distilled, kept, strict=True):
    print(f"T = {t:g}: {accuracy:.1f} % right, {100 * share:.0f} % of the gain kept")
print(f"hard targets, as many epochs: {longer:.1f} %")

# %% [markdown]
# ## The picture

# %%
figure, axes = plt.subplots(figsize=(10, 4.5))
axes.axhline(together, color=BLUE, lw=1)
axes.axhline(singles.mean(), color=GREY, lw=1)
for height, words, color in (
    (together, "ensemble of ten", BLUE), (singles.mean(), "one network, on average", GREY),
):  # fmt: skip
    axes.text(3.9, height, words, color=color, ha="right", va="bottom")
axes.plot(
    np.linspace(-1.3, -0.7, 10), singles, ".", color=GREY, label="each of the ten networks"
)
axes.plot(-1, longer, "^", color=ORANGE, label="control: one network, as many epochs")
axes.plot(range(4), distilled, "o-", color=GREEN, label="one network, distilled from the ten")
axes.set(xticks=range(-1, 4), xlim=(-1.6, 3.9), ylabel="test frames right (%)")
axes.set_xticklabels(["hard targets", *(f"T = {t:g}" for t in T)])
best = distilled.argmax()
axes.set_title(
    f"Ten networks gain {gain:.1f} points; one network distilled from them at T = {T[best]:g} "
    f"keeps {100 * kept[best]:.0f} % of that"
)
axes.legend(loc="lower right")
figure.supxlabel("bundled stand-in for speech, not real speech", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/09_many_into_one.png"))

# %% [markdown]
# **The claim of this lesson**: an ensemble of ten networks gets more frames right than one network,
# by far more than chance. A single network that learns from it at T = 10 keeps most of that gain, and
# does better than one trained as long on hard targets. (Which T is best depends on the data: compare
# the line printed for real speech.)

# %%
assert together > singles.mean() + 2 * error
assert kept[-1] > 0.5
assert distilled[-1] > longer
