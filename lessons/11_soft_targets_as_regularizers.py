# %% [markdown]
# # 11 Soft targets as regularizers
# A label says which class. A soft target says how much a case looks like each of them, and that
# is many numbers. Section 6 of the paper trained an acoustic model on 3 % of its data. With hard
# targets it got 44.5 % of the test frames right, and only because it was stopped early. With soft
# targets it got 57.0 %, nearly the 58.9 % of a model that had seen all of the data, and nobody had
# to stop it.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, hard_targets, load_glyphs, plots, soft_targets, train
from minikd.experiments.record import full_run
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, save_figure

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0, train=10_000)  # printed digits, not handwriting

# %% [markdown]
# ## What the full runs found
# On MNIST and on spoken digits, from the records that come with minikd.

# %%
for data in ("mnist", "speech"):
    record = full_run("three-percent", data)
    picture = save_figure(plots.plot_record(record), f"out/11_on_{data}.png")
    print("wrote", picture)

# %% [markdown]
# ## A network that has seen everything
# 1,000 training cases are set aside: they will say when to stop.

# %%
everything, held_out = digits.train.split(1000, rng=4)
ALL = Recipe(epochs=8, learning_rate=0.05, batch=50, warm_up=50)
teacher = MLP([784, 300, 300, 10], rng=1)
train(teacher, everything, hard_targets(), ALL)


def right(net, data):
    return 100 * (net(data.x).argmax(-1) == data.y).mean()


from_all = right(teacher, digits.test)
print(f"trained on all {len(everything)} cases: {from_all:.1f} % of the test cases right")

# %% [markdown]
# ## Three in a hundred
# The same cases twice: once with their labels, once with what the teacher says of them. The
# second set has no labels at all.

# %%
some = np.random.default_rng(0).permutation(len(everything))[: round(0.03 * len(everything))]
labelled = everything.take(some)
soft = labelled.with_logits(teacher(labelled.x)).unlabelled()
print(f"3 %: {len(labelled)} cases, {np.bincount(labelled.y).tolist()} of each digit")

# %% [markdown]
# Both networks start from the same weights and take as many steps. After each epoch they are
# asked three questions.

# %%
FEW = Recipe(epochs=100, learning_rate=0.02, batch=50, warm_up=50)
SETS = {"train": labelled, "held out": held_out, "test": digits.test}


def look(net, epoch):
    return [right(net, data) for data in SETS.values()]


of_hard, of_soft = (
    np.array(
        train(MLP([784, 300, 300, 10], rng=2), data, objective, FEW, observe=look).observed
    )
    for data, objective in ((labelled, hard_targets()), (soft, soft_targets(T=10.0)))
)

# %% [markdown]
# ## Stopping early
# Where the held-out cases are right most often, there one would have stopped. The paper's hard
# targets got worse after that. Here they do not: once all training cases are right, nothing is
# left that a label could say.

# %%
stop = {"hard": of_hard[:, 1].argmax(), "soft": of_soft[:, 1].argmax()}
for name, seen in (("hard", of_hard), ("soft", of_soft)):
    k = stop[name]
    print(
        f"{name} targets: {seen[k, 2]:.1f} % of the test cases after epoch {k + 1}, "
        f"{seen[-1, 2]:.1f} % at the end"
    )
best_hard, end_soft = of_hard[stop["hard"], 2], of_soft[-1, 2]
closed = (end_soft - best_hard) / (from_all - best_hard)
print(f"soft targets close {100 * closed:.0f} % of the gap")

# %% [markdown]
# ## The picture

# %%
figure, axes = plt.subplots(figsize=(9, 4.5))
epochs = np.arange(1, FEW.epochs + 1)
axes.axhline(from_all, color=BLUE, lw=1, label="all data, hard targets: test")
for name, seen, color in (("soft", of_soft, GREEN), ("hard", of_hard, ORANGE)):
    axes.plot(epochs, seen[:, 2], color=color, label=f"3 %, {name} targets: test")
    axes.plot(epochs, seen[:, 0], ":", color=color, label=f"3 %, {name} targets: training")
axes.plot(1 + stop["hard"], best_hard, "v", color=ORANGE, ms=9, label="stopped early")
axes.set(xscale="log", xlabel="epoch", ylabel="cases right (%)")
axes.xaxis.set_major_formatter("{x:g}")
axes.set_title(
    f"On 3 % of the data, soft targets close {100 * closed:.0f} % of the gap to all of it, "
    "and need no stop"
)
axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
figure.supxlabel("bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/11_soft_targets_as_regularizers.png"))

# %% [markdown]
# **The claim of this lesson**: from 3 % of the cases, soft targets tell at least half of what
# hard targets leave open, without any label of those cases, and training need not be stopped.

# %%
assert closed > 0.5
assert end_soft > of_soft[stop["soft"], 2] - 0.5
assert of_hard[-1, 0] > 99  # hard targets are learnt by heart
