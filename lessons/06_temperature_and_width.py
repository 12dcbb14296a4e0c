# %% [markdown]
# # 06 Temperature and width
# *Before this: lesson 05, where a student learns from a teacher's soft targets; lesson 04 for high T.*
#
# Which temperature is best? Section 3 of the paper tried many on MNIST. For students with 300 or
# more units in each of two hidden layers, all temperatures above 8 did about equally well. With only
# 30 units, temperatures from 2.5 to 4 were clearly better than any above or below. This lesson
# repeats that on the bundled printed digits, not handwriting; its narrow students are narrower still.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, TrainingDiverged, hard_targets, load_glyphs, soft_targets, train
from minikd.claims import claim
from minikd.equations import soft_target_cost, softmax
from minikd.evaluate import errors
from minikd.experiments import findings, full_run, plot_record
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, legend_above, save_figure

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0)
x, y = digits.test.x, digits.test.y

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
T = np.array([1, 2, 2.5, 3, 4, 6, 8, 12, 20, 40])  # temperatures, one or more, each above 0
NARROW, WIDE = 10, 300  # units in each of a student's two hidden layers, 1 or more
SEEDS = [2, 4002, 8002, 12002, 16002]  # of the narrow students; a wide one has the first

# %% [markdown]
# ## What the full run found
# On MNIST, with the paper's widths; the record of that run comes with minikd.

# %%
record = full_run("temperature-width")
print("on MNIST:", *findings(record), sep="\n- ")
print("wrote", save_figure(plot_record(record), "out/06_on_mnist.png"))

# %% [markdown]
# ## The teacher of lesson 05
# If you have run that lesson in this folder, its teacher is read from the file.

# %%
TEACHER = Recipe(
    epochs=50, learning_rate=0.1, batch=100, warm_up=100,
    dropout=(0.0, 0.2, 0.5), max_norm=3.5, jitter=2,
)  # fmt: skip
teacher = MLP([784, 400, 400, 10], rng=1)
train(teacher, digits.train, hard_targets(), TEACHER,
      checkpoint="out/.kept", progress="teacher")  # fmt: skip
v = teacher(digits.train.x)
transfer, validation = digits.train.with_logits(v).split(1000, rng=4)

# %% [markdown]
# ## Sixty students in two runs
# That many, if you changed nothing: at each of ten temperatures one wide student and five narrow ones,
# because a single narrow student may have lucky initial weights. They learn from five sixths of the
# training images, the *transfer set*; the others are held out. They need not be trained one by one. An
# `MLP` made from a list of seeds is a *stack* of networks: its weights have one more axis, in front,
# with an entry for each network, and `x @ W` multiplies them all. Each network has a temperature of
# its own, and learns exactly what it would learn alone.

# %%
T = np.sort(np.atleast_1d(T))
STUDENT = Recipe(epochs=15, learning_rate=0.02, batch=100, warm_up=100)
each = len(SEEDS)


def learn(who, width, seeds, temperatures):
    """A stack of students, trained; as they began, if the training of one fails."""
    stack = MLP([784, width, width, 10], rng=seeds)
    print(f"weights of the first layer of {stack}: {stack.parameters[0].shape}")
    try:
        train(stack, transfer, soft_targets(temperatures), STUDENT, progress=who)
    except TrainingDiverged as stopped:
        print(f"{who}: {stopped}. All of this stack are tested as they began.")
        stack = MLP([784, width, width, 10], rng=seeds)
    return stack


narrow = learn("narrow", NARROW, SEEDS * len(T), np.repeat(T, each))
wide = learn("wide", WIDE, SEEDS[:1] * len(T), T)

z_narrow, z_wide = narrow(x), wide(x)  # (50, 4000, 10) and (10, 4000, 10)
errors_narrow, errors_wide = errors(z_narrow, y).reshape(-1, each), errors(z_wide, y)
spare = min(1, each - 1)  # with one seed alone, sd is 0, and says nothing
mean, sd = errors_narrow.mean(-1), errors_narrow.std(-1, ddof=spare)
for row in zip(T, mean, sd, errors_wide, strict=True):
    print("T = {:4g}: narrow {:5.1f} ± {:5.1f} errors, wide {:3d}".format(*row))

# %% [markdown]
# ## Choosing T without labels
# The test set must not be used to choose T. Instead, we take the temperature whose students agree
# best with the teacher on held-out images. That needs no label and no test image.

# %%
says = validation.v.argmax(-1)
by_teacher = (
    T[errors(narrow(validation.x), says).reshape(-1, each).mean(-1).argmin()],
    T[errors(wide(validation.x), says).argmin()],
)
best = T[mean.argmin()], T[errors_wide.argmin()]
print(f"best on the test set: T = {best[0]:g} (narrow), {best[1]:g} (wide); "
      f"chosen by the teacher: {by_teacher[0]:g}, {by_teacher[1]:g}")  # fmt: skip

# %% [markdown]
# ## Why
# Suppose the student's logits equal the teacher's, except that one is off by a small d. To the cost,
# multiplied by T², that adds about ½ p (1 − p) d², where p is the soft target of that class. So
# p (1 − p) is the weight that the cost gives to a logit. Rank the teacher's logits in each case, and
# see how the weight is shared. At a low temperature, nearly all of it falls on the top logits; at a
# high one, all logits get about the same (lesson 04), even those far below the top, which may be
# noise (Section 2.1). A narrow student cannot match every logit. At T = 40 it wastes effort on the
# bottom ones, and at T = 1 it learns little more than the label.

# %%
v_test = teacher(x)


def attention(t):
    """Share of the weight that falls on the teacher's largest logit, the second largest, …"""
    p = np.sort(softmax(v_test, t), axis=-1)[:, ::-1]
    weight = (p * (1 - p)).mean(0)
    return weight / weight.sum()


one, d = v_test[:1].astype(float), 1e-2 * np.eye(10)  # off by 0.01 in one logit, in ten ways
cost = soft_target_cost(one + d, one, 4.0) - soft_target_cost(one, one, 4.0)
p = softmax(one, 4.0)[0]
np.testing.assert_allclose(4.0**2 * cost, 0.5 * p * (1 - p) * 0.01**2, rtol=0.01)
top_two = {t: attention(t)[:2].sum() for t in (1, 4, 40)}

# %% [markdown]
# ## The picture

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5))
left.plot(T, mean, "o-", color=ORANGE, label=f"{NARROW} units: mean ± sd of {each}")
left.fill_between(T, mean - sd, mean + sd, color=ORANGE, alpha=0.15, lw=0)
left.plot(T, errors_wide, "s-", color=BLUE, label=f"{WIDE} units: one student")
left.set(xscale="log", yscale="log", xlabel="temperature T", ylabel=f"errors of {len(y)}")
left.set_xticks(T, labels=[f"{t:g}" if t != 2.5 else "" for t in T])
least, most = min(mean.min(), errors_wide.min()), max(mean.max(), errors_wide.max())
ticks = [n for n in (10, 20, 50, 100, 200, 500, 1000, 2000, 4000) if least / 2 < n < 2 * most]
left.set_yticks(ticks, labels=ticks)
left.minorticks_off()
title = f"{NARROW} units do best at T = {best[0]:g}, {WIDE} units at T = {best[1]:g}"
legend_above(left, title)
for k, (t, color) in enumerate(((1, BLUE), (4, ORANGE), (40, GREEN))):
    at = np.arange(1, 11) + 0.27 * (k - 1)
    right.bar(at, attention(t), 0.27, color=color, label=f"T = {t}")
right.set(
    xticks=range(1, 11), xlabel="rank of the teacher's logit", ylabel="share of the weight"
)
title = f"The top two logits get {100 * top_two[1]:.0f} % of the weight at T = 1, "
right.set_title(title + f"{100 * top_two[40]:.0f} % at T = 40")
right.legend()
figure.supxlabel("bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/06_temperature_and_width.png"))

# %% [markdown]
# **The claim of this lesson**: a narrow student does best at a temperature in between, and clearly
# worse at T = 1 and at T = 40. A wide one does far better at any temperature above 8 than at T = 1.

# %%
claim(bool(2 <= best[0] <= 8), "narrow students that do best between T = 2 and T = 8", f"T = {best[0]:g}",
      "How wide a student must be to match all logits depends on the data. And only the temperatures "
      "that were tried can win.")  # fmt: skip
for end in sorted({0, len(T) - 1}):
    worse = errors_narrow[end] - errors_narrow[mean.argmin()]
    error = worse.std(ddof=spare) / np.sqrt(each)  # the standard error of the mean
    claim(bool(worse.mean() > 2 * error),
          f"narrow students clearly worse at T = {T[end]:g} than at their best T",
          f"{worse.mean():+.1f} ± {error:.1f} errors",
          "The best T cannot be worse than itself, and a few seeds show only large differences.")  # fmt: skip
high = errors_wide[T > 8]
claim(bool(high.size and T[0] <= 1 and high.max() < 0.5 * errors_wide[0]),
      "wide students with less than half the errors of T = 1 at all T above 8",
      f"{errors_wide[0]} at T = {T[0]:g}, and at most {high.max()} above 8" if high.size
      else f"{errors_wide[0]} at T = {T[0]:g}, and no temperature above 8",
      "It takes a student wide enough to match all logits, and temperatures on both sides.")  # fmt: skip
claim(bool(top_two[1] > 0.8 > top_two[4] > 0.4 > 0.3 > top_two[40]),
      "most of the weight on the top two logits at T = 1, and less than 30 % at T = 40",
      ", ".join(f"{100 * share:.0f} % at T = {t}" for t, share in top_two.items()))  # fmt: skip

# %% [markdown]
# ## Try
# - `NARROW = 20`, then 40. Where does the best temperature move?
# - `T = np.array([1, 100, 1000])`. Do wide students still do well?
# - `SEEDS = [2]`. What would you have concluded from a single student at each T?
#
# ## To think about
# 1. The best temperature is lower for a narrow student. Explain it with the right-hand picture.
# 2. The teacher chose T by how often the students agree with it. When could that choice be a bad one?
# 3. Each temperature had the same learning rate. Is that fair to all of them? (See T² in lesson 03.)
