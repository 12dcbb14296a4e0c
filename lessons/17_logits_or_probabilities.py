# %% [markdown]
# # 17 Logits or probabilities?
# *Before this: lesson 04, on matching logits at a high T, and lesson 06, on narrow students.*
#
# A student can copy what its teacher says, the probabilities, or what the teacher computes before
# it says it, the *logits*. Soft targets at a temperature T lie between the two. At a low T the
# teacher's probabilities are nearly 1 for its answer and 0 elsewhere, and the student learns the
# answer alone: *label matching*. At a high T it learns all logits alike: *logit matching* (Eq. 4).
# Kim et al. (2021), "Comparing Kullback-Leibler Divergence and Mean Squared Error Loss in Knowledge
# Distillation", arXiv:2105.08919, show both limits. In their experiments, logits did better.
#
# In between, T decides how much the *small* logits count, those of unlikely classes. Section 2.1 of
# Hinton, Vinyals & Dean (2015) says that a low T pays much less attention to logits far below the
# average. That may help, since nothing in the teacher's training holds them fast, so they could be
# noisy. Or it may harm, since they could be useful. Which is it here?

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, TrainingDiverged, hard_targets, load_glyphs, soft_targets, train
from minikd.claims import claim
from minikd.equations import distillation_gradient, logit_matching_gradient
from minikd.evaluate import errors
from minikd.objectives import logit_matching
from minikd.plots import BLUE, GREY, HOUSE_STYLE, ORANGE, save_figure, signed
from minikd.statistics import mean_of

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0)  # printed digits, not handwriting
x, y = digits.test.x, digits.test.y

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
T = (0.5, 1, 2, 4, 10, 100)  # temperatures, one or more, each from 0.1 to 1000
MIDDLE = 4.0  # one more, at which small logits are hidden from some students
NARROW, WIDE = 20, 100  # units in each of a student's two hidden layers, 1 or more
SEEDS = range(2, 6)  # of the students' first weights, one or more

# %% [markdown]
# ## Is it noise?
# Two teachers learn the same images from different first weights. What both say of an image is not
# the noise of one of them. For each test image, take the five classes that the first teacher finds
# least likely, and correlate the two teachers' logits there. Noise would give about 0. (Softmax
# ignores the mean of the logits, so we subtract it from each case, as in lesson 04.)

# %%
N, LOW = 10, 5  # classes, and how many of them count as unlikely


def centred(logits):
    return logits - logits.mean(-1, keepdims=True)


TEACHER = Recipe(20, 0.1, batch=100, warm_up=100, dropout=(0.0, 0.2, 0.5), jitter=2)
teachers = MLP([784, 300, 300, N], rng=[1, 2])
train(teachers, digits.train, hard_targets(), TEACHER, progress="two teachers")
v, v_of_other = centred(teachers(x))
unlikely = v.argsort(-1)[:, :LOW]
a, b = (centred(np.take_along_axis(each, unlikely, -1)) for each in (v, v_of_other))
alike = ((a * b).mean(-1) / (a.std(-1) * b.std(-1) + 1e-30)).mean()
print(f"teacher: {errors(v, y)} errors of {len(y)}; correlation of the five logits {alike:.2f}")

# %% [markdown]
# ## From answers to logits
# The first teacher teaches students of two widths, at each T and at both ends. Those of label
# matching learn its answers as hard targets. (A low T makes small gradients, T (q − p), so it gets
# a higher rate. Logit matching gets 1/N of the rate of a high T, as Eq. 4 asks.)

# %%
v_train = centred(teachers[0](digits.train.x))
transfer = digits.train.with_logits(v_train).unlabelled()
answers = replace(transfer, y=v_train.argmax(-1))
K, RATE = len(SEEDS), 0.02
MIDDLE = float(np.clip(MIDDLE, 0.1, 1000))
T = np.unique(np.clip(np.append(T, MIDDLE), 0.1, 1000))
each_T = np.repeat(T, K)
rates = tuple(RATE * np.maximum(1, 5 / each_T))


def learn(who, width, objective, data, rate, kinds=1):
    """Test logits of a stack of students, (kinds, K, ...); as they began, if training fails."""
    sizes, seeds = [784, width, width, N], [*SEEDS] * kinds
    stack, recipe = MLP(sizes, rng=seeds), Recipe(15, rate, batch=100, warm_up=100)
    try:
        train(stack, data, objective, recipe, progress=who)
    except TrainingDiverged as stopped:
        print(f"{who}: {stopped}. All of this stack are tested as they began.")
        stack = MLP(sizes, rng=seeds)
    return centred(stack(x)).reshape(kinds, K, *v.shape)


widths, students = {"narrow": NARROW, "wide": WIDE}, {}
for name, width in widths.items():
    students[name] = np.concatenate([
        learn(f"{name}, answers", width, hard_targets(), answers, 5 * RATE),
        learn(f"{name}, soft targets", width, soft_targets(each_T), transfer, rates, len(T)),
        learn(f"{name}, logits", width, logit_matching(), transfer, RATE / N),
    ])  # fmt: skip

wrong, names = {}, ["answers", *(f"T = {t:g}" for t in T), "logits"]
for name, z in students.items():
    wrong[name] = np.array([errors(each, y) for each in z])
    for row, called in enumerate(names):
        other = errors(z[row], v.argmax(-1)).mean()
        away = np.sqrt(((z[row] - v) ** 2).mean())
        print(f"{name}, {called:8}: {mean_of(wrong[name][row]).words(0)} errors, "
              f"{other:.0f} answers not the teacher's, logits off by {away:.1f}")  # fmt: skip

# %% [markdown]
# ## Where the gradient goes
# Take a wide student that has learnt the answers alone, and ask what soft targets would still teach
# it. How much of the size of T² times Eq. 2, T (q − p), falls on the five unlikely classes?

# %%
z = students["wide"][0, 0].astype(float)


def share_of_unlikely(gradient):
    size = abs(gradient) + 1e-300  # where T is very low, all may be 0
    return 100 * np.take_along_axis(size, unlikely, -1).sum() / size.sum()


shares = [share_of_unlikely(distillation_gradient(z, v.astype(float), T=t)) for t in T]
of_matching = share_of_unlikely(logit_matching_gradient(z, v.astype(float)))
said = [f"{share:.0f} % at T = {t:g}" for t, share in zip(T, shares, strict=True)]
print("share of these five:", *said, f"{of_matching:.0f} % by logit matching", sep="\n  ")

# %% [markdown]
# ## Hide the small logits
# We raise all logits below the average to the average, so that they say nothing any more, and teach
# new students with that. If small logits are noise, these students should be better.

# %%
hidden = transfer.with_logits(centred(np.maximum(v_train, 0)))
at = {f"T = {MIDDLE:g}": (soft_targets(MIDDLE), RATE * max(1, 5 / MIDDLE)),
      "logits": (logit_matching(), RATE / N)}  # fmt: skip
cost = {}
for name, width in widths.items():
    for called, (objective, rate) in at.items():
        z = learn(f"{name}, {called}, hidden", width, objective, hidden, rate)
        more = cost[name, called] = mean_of(errors(z[0], y) - wrong[name][names.index(called)])
        print(f"{name}, {called}, hidden: {more.words(1, sign=True)} errors ({more.clearly})")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5))
places, colors = np.r_[T[0] / 2, T, 2 * T[-1]], {"narrow": ORANGE, "wide": BLUE}
for name, counts in wrong.items():
    mean, color = counts.mean(1), colors[name]
    left.plot(T, mean[1:-1], color=color, label=f"{name}: {widths[name]} units")
    left.plot(places, counts, "o", color=color, ms=4, alpha=0.5)
    left.plot(places[[0, -1]], mean[[0, -1]], "_", color=color, ms=22, mew=2)
best = [names[counts.mean(1).argmin()] for counts in wrong.values()]
left.set_title(f"Fewest errors: {best[0]} (narrow), {best[1]} (wide)")
left.set(xscale="log", xlabel="temperature T", ylabel="test errors; a dot for each seed")
left.set_xticks(places, [name.removeprefix("T = ") for name in names], rotation=45)
left.minorticks_off()
left.set_ylim(bottom=0)
left.legend(loc="lower left")
right.bar([f"{name},\n{called}" for name, called in cost], [each.value for each in cost.values()],
          color=[colors[name] for name, _ in cost],
          yerr=[2 * (each.error or 0) for each in cost.values()], capsize=4)  # fmt: skip
right.axhline(0, color=GREY, lw=1)
right.set(ylabel="errors added (bars: 2 standard errors)", title="Small logits hidden")
gain = mean_of(wrong["wide"][0] - wrong["wide"][-1])
loss = mean_of(wrong["narrow"][-1] - wrong["narrow"][names.index(f"T = {MIDDLE:g}")])
missed = cost["narrow", f"T = {MIDDLE:g}"], cost["wide", "logits"]
title = f"Logit matching: {signed(-gain.value, 0)} errors against mere answers ({WIDE} units), "
title += f"{signed(loss.value, 0)} against T = {MIDDLE:g} ({NARROW} units)"
figure.suptitle(title, x=0.01, ha="left", weight="bold")
figure.supxlabel("bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/17_logits_or_probabilities.png"))

# %% [markdown]
# **The claim of this lesson**: as T grows, the gradient passes from the answers to all logits. The
# small ones are useful, not noise: they are missed where they are hidden, even by narrow students
# at a T in between. But matching them takes room. A wide student has it, and learns more from
# logits than from answers. A narrow one does better at that T. (Kim et al. found
# logits best of all. Here they are not; their networks are larger and learn from photographs.)

# %%
claim(alike > 0.5, "a correlation of small logits above 0.5", f"{alike:.2f}")
claim(shares[0] < 10 and abs(shares[-1] - of_matching) < 5,
      f"a share of small logits below 10 % at T = {T[0]:g}, near logit matching's at {T[-1]:g}",
      f"{shares[0]:.0f} %, then {shares[-1]:.0f} %; {of_matching:.0f} % by logit matching",
      "T is low or high only beside the logits, which span tens of units here.")  # fmt: skip
claim(gain.value > 8, "at least 8 errors fewer by logits than by answers, if a student is wide",
      gain.words(0), "A student without room for all logits has little use for them.")  # fmt: skip
claim(loss.value > 25, f"at least 25 errors more by logits than at T = {MIDDLE:g}, if it is narrow",
      loss.words(0), "A wider student has room, and a T may be too low or too high.")  # fmt: skip
claim(min(each.value for each in missed) > 5,
      f"more than 5 errors added by hiding: narrow at T = {MIDDLE:g}, wide by logits",
      " and ".join(each.words(0) for each in missed),
      "What a student cannot learn, or a low T hides anyway, it does not miss.")  # fmt: skip

# %% [markdown]
# ## Try
# - `NARROW = 10`. Which T is best now, and what becomes of logit matching?
# - `MIDDLE = 1`. How much do students miss the small logits there?
#
# ## To think about
# 1. Section 2.1 calls small logits "almost completely unconstrained". Why may two teachers agree on
#    them all the same?
# 2. A narrow student misses the small logits when they are hidden, and does better when they count
#    less. How can both be true?
