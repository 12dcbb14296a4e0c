# %% [markdown]
# # 17 Logits or probabilities?
# *Before this: lesson 04, where high temperatures lead to logit matching, and lesson 06 on narrow
# students.*
#
# A student can copy what its teacher says, the probabilities, or what the teacher computes before
# it says it, the *logits*. Soft targets at a temperature T lie between the two. At a low T, the
# teacher's probabilities are nearly 1 for its answer and 0 elsewhere: the student learns the answer
# and no more, which is *label matching*. At a high T it learns all logits alike: *logit matching*
# (Eq. 4). Kim et al. (2021), "Comparing Kullback-Leibler Divergence and Mean Squared Error Loss in
# Knowledge Distillation", arXiv:2105.08919, show both limits. In their experiments, matching logits
# did better than soft targets.
#
# What lies between is how much the *small* logits count, those of classes that the teacher finds
# unlikely. Hinton, Vinyals & Dean (2015, arXiv:1503.02531) say in Section 2.1 that a low T pays much
# less attention to logits far below the average. That may be good, since nothing in the training of
# the teacher holds them fast, so they could be noisy. Or it may be bad, since they may be useful.
# Which is it here?

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, TrainingDiverged, hard_targets, load_glyphs, soft_targets, train
from minikd.claims import claim
from minikd.equations import distillation_gradient, logit_matching_gradient
from minikd.evaluate import errors
from minikd.objectives import logit_matching
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, legend_above, save_figure
from minikd.statistics import mean_of

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0)  # printed digits, not handwriting
x, y = digits.test.x, digits.test.y

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
T = (0.5, 1, 2, 4, 10, 100)  # temperatures, one or more, each from 0.1 to 1000
MIDDLE = 4.0  # the temperature at which small logits are hidden from some students
NARROW, WIDE = 20, 100  # units in each of a student's two hidden layers, 1 or more
SEEDS = range(2, 6)  # of the students' first weights, one or more

# %% [markdown]
# ## Is it noise?
# Two teachers learn the same images from different first weights. What both say of an image is not
# the noise of one of them. For each test image we take the five classes that the first teacher finds
# least likely, and correlate the logits that both give to these five. Pure noise would give about 0.
# (Softmax ignores the mean of the logits, so we subtract it from each case, as in lesson 04.)

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
print(f"teacher: {errors(v, y)} errors of {len(y)}; its five smallest logits, and the other teacher's: "
      f"correlation {alike:.2f}")  # fmt: skip

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
T = np.unique([*T, MIDDLE]).astype(float)
each_T = np.repeat(T, K)
rates = RATE * np.maximum(1, 5 / each_T)


def learn(who, width, objective, data, rate, members=K):
    """Test logits of a stack of students, of shape (members / K, K, ...); untrained if that fails."""
    sizes, seeds = [784, width, width, N], [*SEEDS] * (members // K)
    stack = MLP(sizes, rng=seeds)
    try:
        train(stack, data, objective, Recipe(15, rate, batch=100, warm_up=100), progress=who)
    except TrainingDiverged as stopped:
        print(f"{who}: {stopped}. All of this stack are tested as they began.")
        stack = MLP(sizes, rng=seeds)
    return centred(stack(x)).reshape(-1, K, *v.shape)


students = {}
for name, width in (("narrow", NARROW), ("wide", WIDE)):
    students[name] = np.concatenate([
        learn(f"{name}, answers", width, hard_targets(), answers, 5 * RATE),
        learn(f"{name}, soft targets", width, soft_targets(each_T), transfer, tuple(rates), K * len(T)),
        learn(f"{name}, logits", width, logit_matching(), transfer, RATE / N),
    ])  # fmt: skip

wrong, names = {}, ["answers", *(f"T = {t:g}" for t in T), "logits"]
for name, z in students.items():
    wrong[name] = np.array([errors(each, y) for each in z])
    for row, called in enumerate(names):
        other = errors(z[row], v.argmax(-1)).mean()
        away = np.sqrt(((z[row] - v) ** 2).mean())
        print(f"{name}, {called:8}: {mean_of(wrong[name][row]).words(0)} errors, {other:.0f} answers "
              f"not the teacher's, logits off by {away:.1f}")  # fmt: skip

# %% [markdown]
# ## Where the gradient goes
# Take a wide student that has learnt the answers alone, and ask what soft targets would still teach
# it. How much of the size of T² times Eq. 2, T (q − p), falls on the five unlikely classes?

# %%
z = students["wide"][0, 0].astype(float)


def share_of_unlikely(gradient):
    sizes = abs(gradient)
    return 100 * np.take_along_axis(sizes, unlikely, -1).sum() / max(sizes.sum(), 1e-300)


shares = [share_of_unlikely(distillation_gradient(z, v.astype(float), T=t)) for t in T]
of_matching = share_of_unlikely(logit_matching_gradient(z, v.astype(float)))
for t, share in zip(T, shares, strict=True):
    print(f"T = {t:g}: {share:.1f} % of the gradient for the five least likely classes")
print(f"logit matching: {of_matching:.1f} %")

# %% [markdown]
# ## Hide the small logits
# Now the test. We raise all logits below the average to the average, so that they say nothing any
# more, and teach new students with that. If small logits are noise, the students get better.

# %%
hidden = transfer.with_logits(centred(np.maximum(v_train, 0)))
at = {f"T = {MIDDLE:g}": (soft_targets(MIDDLE), RATE * max(1, 5 / MIDDLE)),
      "logits": (logit_matching(), RATE / N)}  # fmt: skip
cost = {}
for name, width in (("narrow", NARROW), ("wide", WIDE)):
    for called, (objective, rate) in at.items():
        z = learn(f"{name}, {called}, hidden", width, objective, hidden, rate)
        cost[name, called] = mean_of(errors(z[0], y) - wrong[name][names.index(called)])
        print(f"{name}, {called}: hiding the small logits adds {cost[name, called].words(1, sign=True)} "
              f"errors ({cost[name, called].clearly})")  # fmt: skip

# %%
figure, (left, middle, right) = plt.subplots(
    1, 3, figsize=(14, 5), gridspec_kw={"width_ratios": (5, 4, 4)}
)
ends = T[0] / 2, 2 * T[-1]
for (name, counts), color, width in zip(wrong.items(), (ORANGE, BLUE), (NARROW, WIDE), strict=True):
    mean = counts.mean(1)
    left.plot(T, mean[1:-1], color=color, label=f"{width} units")
    left.plot(np.r_[ends[0], T, ends[1]], counts, "o", color=color, ms=4, alpha=0.5)
    left.plot(ends, mean[[0, -1]], "_", color=color, ms=22, mew=2)
left.set(xscale="log", yscale="log", xlabel="temperature T; a dot for each seed",
         ylabel=f"errors of {len(y)}")  # fmt: skip
left.set_xticks([ends[0], *T, ends[1]], labels=["answers", *(f"{t:g}" for t in T), "logits"],
                rotation=60)  # fmt: skip
ticks = [n for n in (50, 70, 100, 150, 200, 300, 500, 1000, 2000, 4000)
         if mean.min() / 2 < n < 1.2 * wrong["narrow"].max()]  # fmt: skip
left.set_yticks(ticks, labels=ticks)
left.minorticks_off()
best = {name: names[counts.mean(1).argmin()] for name, counts in wrong.items()}
legend_above(left, f"Fewest errors: narrow, {best['narrow']}; wide, {best['wide']}")
middle.plot(T, shares, "o-", color=GREEN, label="soft targets")
middle.axhline(of_matching, color=GREY, ls="--", label="logit matching")
middle.set(xscale="log", xlabel="temperature T", ylabel="share of the gradient (%)")
middle.set_ylim(0, max(1.2 * of_matching, 1.1 * max(shares)))
middle.set_xticks(T, labels=[f"{t:g}" for t in T], rotation=60)
middle.minorticks_off()
legend_above(middle, f"For the {LOW} least likely classes")
said = [f"{name},\n{called}" for name, called in cost]
right.bar(said, [each.value for each in cost.values()], color=(ORANGE, ORANGE, BLUE, BLUE),
          yerr=[2 * (each.error or 0) for each in cost.values()], capsize=4)  # fmt: skip
right.axhline(0, color=GREY, lw=1)
right.set(ylabel="errors added; bars of 2 standard errors")
right.set_title("When logits below the average are hidden")
change = mean_of(wrong["narrow"][-1] - wrong["narrow"][names.index(f"T = {MIDDLE:g}")])
gain = mean_of(wrong["wide"][0] - wrong["wide"][-1])
title = f"Logit matching: {gain.value:+.0f} right beside mere answers with {WIDE} units; "
title += f"{change.value:+.0f} errors beside T = {MIDDLE:g} with {NARROW}"
figure.suptitle(title, x=0.01, ha="left", weight="bold")
figure.supxlabel("bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/17_logits_or_probabilities.png"))

# %% [markdown]
# **The claim of this lesson**: T leads from the answers to the logits, by giving the small logits
# more of the gradient.
