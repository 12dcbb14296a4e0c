# %% [markdown]
# # 14 Labels for some
# *Before this: lesson 05, where a student learns from a teacher, and lesson 03, on T².*
#
# Images are cheap, labels are not. Section 2 of the paper: "When the correct labels are known for
# all or some of the transfer set, this method can be significantly improved by also training the
# distilled model to produce the correct labels." The *transfer set* is what the student learns from.
# Here the labels are known for 1, 10 and 100 % of it. How much do they help a student that has a
# teacher, and one that has none?

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, hard_targets, load_glyphs, soft_targets, train
from minikd.claims import claim
from minikd.equations import distillation_gradient
from minikd.evaluate import errors
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, save_figure
from minikd.statistics import mean_of

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0)  # printed digits, not handwriting

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
SHARES = (0.01, 0.1, 1.0)  # of the images, those with a label; in rising order
SEEDS = range(5)  # of the first weights, and of which labels are known
T = 4.0  # the temperature of the soft targets
HARD_WEIGHT = 4.0  # of the labels, beside T² times the soft targets
WIDTH = 100  # units in each of a student's two hidden layers, 10 or more

# %% [markdown]
# ## A teacher that makes mistakes
# The teacher learns from 1,000 labelled images. The transfer set has 5,000 *other* images. So the
# teacher is wrong on some of them, and a label there can say something new.

# %%
own, transfer = digits.train.split(5000, rng=4)
TEACHER = Recipe(40, 0.1, batch=50, warm_up=50, dropout=(0.0, 0.2, 0.5), jitter=2)
teacher = MLP([784, 300, 300, 10], rng=1)
train(teacher, own, hard_targets(), TEACHER, progress="teacher")
transfer = transfer.with_logits(teacher(transfer.x))
mistaken = transfer.v.argmax(-1) != transfer.y


def wrong(net):
    return 100 * np.asarray(errors(net(digits.test.x), digits.test.y)) / len(digits.test)


print(f"teacher: {wrong(teacher):.1f} % of the test images wrong, "
      f"and {mistaken.sum()} images of the transfer set")  # fmt: skip

# %% [markdown]
# ## A label that is not known is −1
# `keep_labels(0.1)` keeps a tenth of the labels of each class. The others become −1. There, the
# *hard* term of the cost, of the labels, is left out, and the *soft* term, of the teacher's answers,
# stays. (With the same seed, the 1 % are a part of the 10 %.)

# %%
some = transfer.keep_labels(0.1)
print(some, "of the first ten cases:", some.y[:10])

z = np.zeros_like(some.v)  # a student that knows nothing yet
both = distillation_gradient(z, some.v, some.y, T, HARD_WEIGHT)
soft = distillation_gradient(z, some.v, T=T)
changed = (both != soft).any(-1)
print(f"the labels change the gradient of {changed[some.labelled].mean():.0%} of the labelled cases, "
      f"and of {changed[~some.labelled].mean():.0%} of the others")  # fmt: skip

# %% [markdown]
# ## Three kinds of students
# (a) learns the labels of the labelled images and sees no others; (b) learns soft targets and sees
# no label; (c) does both. Every seed draws other initial weights and other labels. All take the same
# number of steps. The students of (c) are one *stack*, networks that are trained at once; its members
# have labels of their own. The mean of the cost is over all images of a batch, with or without a label.

# %%
L, K = len(SHARES), len(SEEDS)
masks = np.array([[transfer.keep_labels(s, rng=k).labelled for k in SEEDS] for s in SHARES])
SIZES, STUDENT = [784, WIDTH, WIDTH, 10], Recipe(30, learning_rate=0.02, batch=100, warm_up=100)
# A heavy weight makes long steps; above 10, a lower rate keeps them in bounds.
recipe = replace(STUDENT, learning_rate=STUDENT.learning_rate / max(1, HARD_WEIGHT / 10))

with_both = MLP(SIZES, [k for _ in SHARES for k in SEEDS])  # one for each row of masks
some = transfer.keep_labels(masks.reshape(L * K, -1))
train(with_both, some, soft_targets(T, HARD_WEIGHT), recipe, progress="soft targets and labels")
with_soft = MLP(SIZES, SEEDS)
train(with_soft, transfer.unlabelled(), soft_targets(T), STUDENT, progress="soft targets")

c, b, a = wrong(with_both).reshape(L, K), wrong(with_soft), np.zeros((L, K))
for i, k in np.ndindex(L, K):
    few, alone = transfer.take(masks[i, k]), MLP(SIZES, SEEDS[k])
    batch = min(100, len(few))
    epochs = 1500 * batch // len(few)
    train(alone, few, hard_targets(), Recipe(epochs, 0.1, batch=batch, warm_up=50))
    a[i, k] = wrong(alone)
for i, share in enumerate(SHARES):
    gain = mean_of(b - c[i])
    print(f"{100 * share:3g} % of the labels: (a) {a[i].mean():.1f} %, (b) {b.mean():.1f} %, "
          f"(c) {c[i].mean():.1f} % wrong; labels help by {gain.words()} ({gain.clearly})")  # fmt: skip

# %% [markdown]
# ## Where the labels help
# Take the images of the transfer set that the teacher gets wrong. Students of soft targets repeat
# most of its mistakes. Where a student is told the label, it learns it. Where it is not told, the
# labels of other images hardly help.

# %%
percent = 100 * np.array(SHARES)
right = (with_both(transfer.x).argmax(-1) == transfer.y).reshape(L, K, -1)


def of_mistaken(which):
    """Right answers to these images (%), for each share of labels that has any."""
    hits = {each: right[i][which[i] & mistaken] for i, each in enumerate(percent)}
    return {each: 100 * hit.mean() for each, hit in hits.items() if len(hit)}


told, not_told = of_mistaken(masks), of_mistaken(~masks)
repeats = 100 * (with_soft(transfer.x).argmax(-1) == transfer.y)[:, mistaken].mean()

figure, (left, bars) = plt.subplots(1, 2, figsize=(12, 5))
for values, color, marker, label in (
    (a, ORANGE, "s", "(a) labels alone, no teacher"),
    (np.tile(b, (L, 1)), BLUE, "o", "(b) soft targets alone, no label"),
    (c, GREEN, "^", "(c) soft targets, and labels where they are known"),
):
    left.plot(percent, values.mean(1), color=color)
    left.plot(percent, values, marker, color=color, ms=5, alpha=0.5)
    left.plot([], [], f"{marker}-", color=color, label=label)
left.axhline(wrong(teacher), color=GREY, ls="--", label="the teacher")
left.set(xscale="log", yscale="log", xlabel="images of the transfer set with a label (%)",
         ylabel="test images wrong (%); a mark for each seed")  # fmt: skip
left.set_xticks(percent, labels=[f"{each:g}" for each in percent])
left.set_yticks([3, 5, 10, 20, 50], labels=[3, 5, 10, 20, 50])
left.minorticks_off()
left.legend(loc="upper right")
names = ["(b)\nno label", *(f"(c) {each:g} %\nnot told" for each in not_told)]
names += [f"(c) {each:g} %\ntold" for each in told]
colors = [BLUE, *[GREY] * len(not_told), *[GREEN] * len(told)]
drawn = bars.bar(names, [repeats, *not_told.values(), *told.values()], color=colors)
bars.bar_label(drawn, fmt="%.0f")
bars.set(ylabel="right by the student (%)", ylim=(0, 110))
bars.set_title(f"The {mistaken.sum()} transfer images that the teacher gets wrong")
among = "/".join(f"{each:g}" for each in percent)
title = f"Soft targets: {b.mean():.1f} % wrong. With {among} % of the labels: "
title += "/".join(f"{each:.1f}" for each in c.mean(1))
title += " %; labels alone: " + "/".join(f"{each:.1f}" for each in a.mean(1)) + " %"
figure.suptitle(title, x=0.01, ha="left", weight="bold")
figure.supxlabel("bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/14_labels_for_some.png"))

# %% [markdown]
# **The claim of this lesson**: a student with a teacher needs few labels or none; without one it
# needs many. A label corrects the teacher where it is wrong, and hardly anywhere else: so 1 %
# of the labels change next to nothing, and all of them make the student better than its teacher.
# Then labels alone are nearly as good.

# %%
first, last, teachers = f"{percent[0]:g} %", f"{percent[-1]:g} %", wrong(teacher)
claim(a[0].mean() > 40, f"more than 40 % wrong with {first} of the labels alone", f"{a[0].mean():.1f} %",
      "A few more labels of each class make a student without a teacher much better.")  # fmt: skip
claim(b.mean() < 0.5 * a[L // 2].mean(),
      f"at most half the errors of {percent[L // 2]:g} % of the labels, by soft targets alone",
      f"{b.mean():.1f} % and {a[L // 2].mean():.1f} %",
      "A teacher is worth some number of labels. Here you have passed it.")  # fmt: skip
claim(abs(b.mean() - c[0].mean()) < 0.5, f"a change of less than 0.5 points by {first} of the labels",
      f"{c[0].mean() - b.mean():+.2f}",
      "Many labels, or heavy ones, pull a student away from its teacher, for better or worse.")  # fmt: skip
claim(b.mean() - c[-1].mean() > 0.5 and (c[-1] < teachers).all(),
      f"at least 0.5 points fewer wrong with {last} of the labels, and fewer than by the teacher",
      f"{b.mean() - c[-1].mean():.2f} points; {c[-1].max():.1f} % wrong at most, teacher {teachers:.1f} %",
      "A label helps where the teacher is wrong, if it is known there and weighs enough.")  # fmt: skip
claim(c[-1].mean() - 0.5 < a[-1].mean() < b.mean(),
      f"{last} of the labels alone nearly as good, and better than soft targets alone",
      f"{a[-1].mean():.1f} %, {c[-1].mean():.1f} % and {b.mean():.1f} %",
      "While labels are few, soft targets do what labels cannot.")  # fmt: skip
claim(min(told.values(), default=100) > 90 and max(not_told.values(), default=0) < repeats + 10,
      "the labels learnt where they are told, and little elsewhere",
      f"{min(told.values(), default=100):.0f} % right at least where told, "
      f"{max(not_told.values(), default=0):.0f} % at most elsewhere; {repeats:.0f} % without any label",
      "A light weight is not enough to contradict a teacher that is sure.")  # fmt: skip

# %% [markdown]
# ## Try
# - `HARD_WEIGHT = 0.5`, and then 30. What does a student do with a label that its teacher contradicts?
# - `SHARES = (0.1, 0.3, 1.0)`. How many labels are as good as this teacher?
# - `T = 20`. Do the labels need more weight beside softer targets?
#
# ## To think about
# 1. You may have 50 of the 5,000 images labelled. Which would you choose?
# 2. Why do the labels of some images hardly mend the teacher's mistakes on others?
# 3. The teacher learnt from images that the transfer set does not have. What if the two were the same?
