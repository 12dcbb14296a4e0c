# %% [markdown]
# # 11 Soft targets as regularizers
# *Before this: lesson 05, where a student learns from soft targets, and lesson 09.*
#
# A label, a *hard target*, only says which class a case belongs to. A *soft target*, the teacher's
# probabilities at a high temperature T, also says how much the case looks like every other class. So
# a few cases with soft targets may teach as much as many with labels. Section 6 of the paper trained
# an acoustic model on 3 % of its data. With hard targets, it got 44.5 % of the test frames right, and
# only with *early stopping*, which ends training when the accuracy on held-out data is highest. From
# there on the model *overfits*: it learns its training cases by heart, and gets worse on others. What
# holds it back from that is a *regularizer*. With soft targets it got 57.0 % without early stopping,
# nearly the 58.9 % of a model trained on all data.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, hard_targets, load_glyphs, soft_targets, train
from minikd.claims import claim
from minikd.experiments import full_run, plot_record
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, save_figure
from minikd.statistics import share_of_gain

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0, train=10_000)  # printed digits, not handwriting

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
SHARE = 0.03  # of the training cases that the two networks get, from 0.001 to 1
T = 10.0  # the temperature of the soft targets
RATE = 0.02  # the learning rate of both networks, up to 0.05
WIDTH = 300  # units in each of the two hidden layers, 20 or more
SEED = 2  # of the first weights of both

few = f"{100 * SHARE:g} %"

# %% [markdown]
# ## What the full runs found
# On MNIST and on spoken digits; the records of these runs come with minikd.

# %%
for data in ("mnist", "speech"):
    record = full_run("three-percent", data)
    picture = save_figure(plot_record(record), f"out/11_on_{data}.png")
    print("wrote", picture)

# %% [markdown]
# ## A network trained on all data
# It is the teacher. 1,000 training cases are held out to decide later when to stop.

# %%
everything, held_out = digits.train.split(1000, rng=4)
ALL = Recipe(epochs=8, learning_rate=0.05, batch=50, warm_up=50)
teacher = MLP([784, WIDTH, WIDTH, 10], rng=1)
train(teacher, everything, hard_targets(), ALL)


def right(net, data):
    return 100 * (net(data.x).argmax(-1) == data.y).mean()


from_all = right(teacher, digits.test)
print(f"trained on all {len(everything)} cases: {from_all:.1f} % of the test cases right")

# %% [markdown]
# ## A few percent of the data
# The same cases form two training sets: one with their labels, one with the teacher's soft targets
# and no labels.

# %%
some = np.random.default_rng(0).permutation(len(everything))[: round(SHARE * len(everything))]
labelled = everything.take(some)
soft = labelled.with_logits(teacher(labelled.x)).unlabelled()
print(
    f"{few}: {len(labelled)} cases, {np.bincount(labelled.y, minlength=10).tolist()} of each digit"
)

# %% [markdown]
# A network is trained on each, from the same initial weights and for as many steps. (Of more cases,
# fewer epochs make about as many steps.) After each epoch we measure the accuracy, the share of
# cases that are right, on three sets: training, held-out and test.

# %%
FEW = Recipe(
    epochs=round(min(200, max(1, 3 / SHARE))), learning_rate=RATE, batch=50, warm_up=50
)
SETS = {"train": labelled, "held out": held_out, "test": digits.test}


def look(net, epoch):
    return [right(net, data) for data in SETS.values()]


of_hard, of_soft = (
    np.array(
        train(
            MLP([784, WIDTH, WIDTH, 10], rng=SEED), data, objective, FEW, observe=look
        ).observed
    )
    for data, objective in ((labelled, hard_targets()), (soft, soft_targets(T)))
)

# %% [markdown]
# ## Early stopping
# We stop after the epoch with the highest accuracy on the held-out cases. In the paper, the network
# of hard targets got worse after that. Does it here? Once a network gets all training cases right, their
# labels have little more to teach.

# %%
stop = {"hard": of_hard[:, 1].argmax(), "soft": of_soft[:, 1].argmax()}
for name, seen in (("hard", of_hard), ("soft", of_soft)):
    k = stop[name]
    print(
        f"{name} targets: {seen[k, 2]:.1f} % of the test cases after epoch {k + 1}, "
        f"{seen[-1, 2]:.1f} % at the end"
    )
best_hard, end_soft = of_hard[stop["hard"], 2], of_soft[-1, 2]
closed = share_of_gain(end_soft - best_hard, from_all - best_hard)
print(f"soft targets close {closed:.0f} % of the gap to the network trained on all data")

# %% [markdown]
# ## The picture

# %%
figure, axes = plt.subplots(figsize=(10, 4.5))
epochs = np.arange(1, len(of_hard) + 1)
axes.axhline(from_all, color=BLUE, lw=1, label="hard targets, all data: test")
for name, seen, color in (("soft", of_soft, GREEN), ("hard", of_hard, ORANGE)):
    axes.plot(epochs, seen[:, 0], ":", color=color, label=f"{name} targets, {few}: training")
    axes.plot(epochs, seen[:, 2], color=color, label=f"{name} targets, {few}: test")
axes.plot(1 + stop["hard"], best_hard, "v", color=ORANGE, ms=9, label="early stopping")
axes.set(xscale="log", xlabel="epoch", ylabel="cases right (%)", ylim=(0, 105))
axes.xaxis.set_major_formatter("{x:g}")
axes.set_title(
    f"From {few} of the data: {best_hard:.0f} % right with hard targets, "
    f"{end_soft:.0f} % with soft targets; from all data, {from_all:.0f} %"
)
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
figure.supxlabel("bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/11_soft_targets_as_regularizers.png"))

# %% [markdown]
# **The claim of this lesson**: training on 3 % of the data loses accuracy, and soft targets win much
# of that back, without a single label. They need no early stopping. Hard targets are learnt by heart:
# nearly all training cases are right, and far fewer test cases. Unlike in the paper, that network stays
# where it is, and gets no worse.

# %%
claim(closed > 40, "more than 40 % of the gap closed by soft targets", f"{closed:.0f} %",
      "At a low T a soft target says little more than its label; and where nearly all cases are "
      "there, hardly a gap is left.")  # fmt: skip
claim(end_soft > of_soft[stop["soft"], 2] - 0.5, "no need to stop early with soft targets",
      f"{end_soft:.1f} % at the end and {of_soft[stop['soft'], 2]:.1f} % with early stopping",
      "Soft targets of very few cases can be learnt by heart, too.")  # fmt: skip
claim(of_hard[-1, 0] > 99 > best_hard + 10,
      "more than 99 % of the training cases right by hard targets, and less than 89 % of the test cases",
      f"{of_hard[-1, 0]:.1f} % and {best_hard:.1f} %",
      "The more cases there are, the harder they are to learn by heart, and the less it hurts.")  # fmt: skip
claim(abs(of_hard[-1, 2] - best_hard) < 1, "a change of less than 1 point after early stopping",
      f"{of_hard[-1, 2] - best_hard:+.1f}",
      "What held-out cases say of the best epoch is only roughly true of the test cases.")  # fmt: skip

# %% [markdown]
# ## Try
# - `SHARE = 0.01`, and then 0.3. Where do soft targets help most?
# - `T = 1`. How much of the gap does a soft target close that is nearly a label?
# - `WIDTH = 1000`. Does a larger network overfit more, by hard targets and by soft ones?
#
# ## To think about
# 1. The network of soft targets has seen 3 % of the images. What has it learnt from the others all the
#    same, and how did that reach it?
# 2. Early stopping needs held-out labels. How would you choose T, if you have no labels to spare?
# 3. A regularizer such as dropout knows nothing of the task. What does a soft target know?
