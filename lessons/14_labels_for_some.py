# %% [markdown]
# # 14 Labels for some
# Images are cheap, labels are not. Section 2 of the paper: "When the correct labels are known for
# all or some of the transfer set, this method can be significantly improved by also training the
# distilled model to produce the correct labels." Here the labels are known for 1, 10 and 100 % of
# the transfer set. How much do they help a student that has a teacher, and one that has none?

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, hard_targets, load_glyphs, soft_targets, train
from minikd.equations import distillation_gradient
from minikd.evaluate import errors
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, save_figure
from minikd.statistics import mean_of

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0)  # printed digits, not handwriting

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
# hard term of the cost is left out, and the soft term stays. (With the same seed, the 1 % are a
# part of the 10 %.)

# %%
some = transfer.keep_labels(0.1)
print(some, "of the first ten cases:", some.y[:10])

T, w = 4.0, 4.0
z = np.zeros_like(some.v)  # a student that knows nothing yet
both = distillation_gradient(z, some.v, some.y, T, w)
soft = distillation_gradient(z, some.v, T=T)
assert (both == soft)[~some.labelled].all()
assert (both != soft)[some.labelled].all()

# %% [markdown]
# ## Three kinds of students
# (a) learns the labels of the labelled images and sees no others; (b) learns soft targets and sees
# no label; (c) does both. Five seeds each: every seed draws other initial weights and other labels.
# All take the same number of steps. The students of (c) are one stack; its members have labels of
# their own. The mean of the cost is over all images of a batch, with or without a label.

# %%
SHARES, SEEDS = (0.01, 0.1, 1.0), range(5)
masks = np.array([[transfer.keep_labels(s, rng=k).labelled for k in SEEDS] for s in SHARES])
SIZES, STUDENT = [784, 100, 100, 10], Recipe(30, learning_rate=0.02, batch=100, warm_up=100)

with_both = MLP(SIZES, [k for _ in SHARES for k in SEEDS])  # one for each row of masks
some = transfer.keep_labels(masks.reshape(15, -1))
train(with_both, some, soft_targets(T, w), STUDENT, progress="soft targets and labels")
with_soft = MLP(SIZES, SEEDS)
train(with_soft, transfer.unlabelled(), soft_targets(T), STUDENT, progress="soft targets")

c, b, a = wrong(with_both).reshape(3, 5), wrong(with_soft), np.zeros((3, 5))
for i, k in np.ndindex(3, 5):
    few, alone = transfer.take(masks[i, k]), MLP(SIZES, k)
    batch = min(100, len(few))
    epochs = 1500 * batch // len(few)
    train(alone, few, hard_targets(), Recipe(epochs, 0.1, batch=batch, warm_up=50))
    a[i, k] = wrong(alone)
for i, share in enumerate(SHARES):
    gain = mean_of(b - c[i])
    print(f"{100 * share:3.0f} % of the labels: (a) {a[i].mean():.1f} %, (b) {b.mean():.1f} %, "
          f"(c) {c[i].mean():.1f} % wrong; labels help by {gain.words()} ({gain.clearly})")  # fmt: skip

# %% [markdown]
# ## Where the labels help
# Take the images of the transfer set that the teacher gets wrong. Students of soft targets repeat
# most of its mistakes. Where a student is told the label, it learns it. Where it is not told, the
# labels of other images hardly help.

# %%
right = (with_both(transfer.x).argmax(-1) == transfer.y).reshape(3, 5, -1)
told = [100 * right[i][masks[i] & mistaken].mean() for i in range(3)]
not_told = [100 * right[i][~masks[i] & mistaken].mean() for i in range(2)]
repeats = 100 * (with_soft(transfer.x).argmax(-1) == transfer.y)[:, mistaken].mean()

figure, (left, bars) = plt.subplots(1, 2, figsize=(12, 5))
percent = 100 * np.array(SHARES)
for values, color, marker, label in (
    (a, ORANGE, "s", "(a) labels alone, no teacher"),
    (np.tile(b, (3, 1)), BLUE, "o", "(b) soft targets alone, no label"),
    (c, GREEN, "^", "(c) soft targets, and labels where they are known"),
):
    left.plot(percent, values.mean(1), color=color)
    left.plot(percent, values, marker, color=color, ms=5, alpha=0.5)
    left.plot([], [], f"{marker}-", color=color, label=label)
left.axhline(wrong(teacher), color=GREY, ls="--", label="the teacher")
left.set(xscale="log", yscale="log", xlabel="images of the transfer set with a label (%)",
         ylabel="test images wrong (%); a mark for each seed")  # fmt: skip
left.set_xticks(percent, labels=["1", "10", "100"])
left.set_yticks([3, 5, 10, 20, 50], labels=[3, 5, 10, 20, 50])
left.minorticks_off()
left.legend(loc="upper right")
names = ["(b)\nno label", *(f"(c) {each:.0f} %\nnot told" for each in percent[:2])]
names += [f"(c) {each:.0f} %\ntold" for each in percent]
drawn = bars.bar(names, [repeats, *not_told, *told], color=[BLUE, *[GREY] * 2, *[GREEN] * 3])
bars.bar_label(drawn, fmt="%.0f")
bars.set(ylabel="right by the student (%)", ylim=(0, 110))
bars.set_title(f"The {mistaken.sum()} transfer images that the teacher gets wrong")
title = f"Soft targets: {b.mean():.1f} % wrong, with 10 % of the labels {c[1].mean():.1f} %, "
title += f"with all {c[2].mean():.1f} %. 10 % of the labels alone: {a[1].mean():.0f} %"
figure.suptitle(title, x=0.01, ha="left", weight="bold")
figure.supxlabel("bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/14_labels_for_some.png"))

# %% [markdown]
# **The claim of this lesson**: a student with a teacher needs few labels or none; without one it
# needs many. A label corrects the teacher where it is wrong, and hardly anywhere else: so 1 %
# of the labels change next to nothing, and all of them make the student better than its teacher.
# Then labels alone are nearly as good.

# %%
assert a[0].mean() > 40 > 15 < a[1].mean()
assert b.mean() < 0.5 * a[1].mean()
assert abs(b.mean() - c[0].mean()) < 0.5 < b.mean() - c[2].mean()
assert (c[2] < wrong(teacher)).all()
assert c[2].mean() - 0.5 < a[2].mean() < b.mean()
assert min(told) > 90
assert max(not_told) < repeats + 10
