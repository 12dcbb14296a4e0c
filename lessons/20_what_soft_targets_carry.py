# %% [markdown]
# # 20 What do soft targets carry?
# *Before this: lesson 05, on soft targets; lesson 07, where a digit is missing.*
#
# A *soft target* is the teacher's answer to an image, as probabilities at a temperature T. It says
# how sure the teacher is, which classes are alike, and how much *this* image is like each of them.
# Which of these helps a student? We destroy one after the other. Furlanello et al. 2018,
# "Born-Again Neural Networks" (arXiv:1805.04770), asked the same: they permuted the probabilities
# of all classes but the largest, and they weighted images by the teacher's confidence. Yuan et al.
# 2020, "Revisiting Knowledge Distillation via Label Smoothing Regularization" (arXiv:1909.11723),
# hold that soft targets help not only by saying which classes are alike, but also as a
# *regularizer*: they keep a student from being too sure. *Label smoothing* does that without a
# teacher: it takes some probability from the label and spreads it evenly.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, hard_targets, load_glyphs, soft_targets, train
from minikd.claims import claim
from minikd.equations import softmax
from minikd.evaluate import errors, errors_per_class, sweep_bias, with_bias
from minikd.experiments import findings, full_run, plot_record
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, save_figure
from minikd.statistics import mean_of

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0)  # printed digits, not handwriting
x, y, N = digits.test.x, digits.test.y, 10  # N classes

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
OMITTED = 3  # the digit that is missing in the second half
T = 20.0  # the temperature of the soft targets, above 0
IMAGES = 2000  # of the 6,000 training images, for the students; 100 or more
SEEDS = range(5)  # of the students' first weights
WIDTH = 100  # units in each of a student's two hidden layers, 10 or more

# %% [markdown]
# ## A teacher, and what is left of its answers
# The teacher is that of lesson 15 (if you have run that lesson in this folder, it is read from
# there). The *wrong classes* of an image are all but its label.

# %%
TEACHER = Recipe(epochs=50, learning_rate=0.1, batch=100, warm_up=100,
                 dropout=(0.0, 0.2, 0.5), max_norm=3.5, jitter=2)  # fmt: skip
teacher = MLP([784, 400, 400, N], rng=1)
train(teacher, digits.train, hard_targets(), TEACHER,
      checkpoint="out/.kept", progress="teacher")  # fmt: skip
transfer = digits.train.take(np.random.default_rng(4).permutation(len(digits.train))[:IMAGES])
transfer = transfer.with_logits(teacher(transfer.x))
print(f"of {len(transfer)} images, the teacher gets {errors(transfer.v, transfer.y)} wrong; "
      f"of {len(y)} test images, {errors(teacher(x), y)}")  # fmt: skip

# %% [markdown]
# Each of these keeps a part of what the probabilities say:
#
# - (a) *real*: all of it.
# - (b) *class means*: the mean over the image's class. That says only which classes are alike.
# - (c) *permuted*: the wrong classes of each image swap their probabilities at random. That says
#   how sure the teacher is of this image, and nothing true of what it is like.
# - (d) *uniform*: the wrong classes of each image share their probability evenly. That says how
#   sure the teacher is, and nothing else: label smoothing with an amount for each image.
# - (e) *hard labels*: only the right class.


# %%
def class_means(p, wrong):
    kept, label = p.copy(), wrong.argmin(-1)
    for c in np.unique(label):
        kept[label == c] = p[label == c].mean(0)
    return kept


def permuted(p, wrong):
    kept, of_image = p.copy(), p[wrong].reshape(len(p), N - 1)
    kept[wrong] = np.random.default_rng(0).permuted(of_image, axis=1).ravel()
    return kept


def uniform(p, wrong):
    return np.where(wrong, (p * wrong).sum(-1, keepdims=True) / (N - 1), p)


KEEP = {"(a) real": lambda p, wrong: p, "(b) class means": class_means,
        "(c) permuted": permuted, "(d) uniform": uniform}  # fmt: skip
KINDS = [*KEEP, "(e) hard labels"]

# %% [markdown]
# ## From probabilities back to logits
# A data set holds logits. For given probabilities p we take v = T log p. Then exp(v / T) = p, and
# softmax divides that by its sum, which is 1. So at this T, and no other, the soft targets are p.


# %%
def what_is_left(data):
    p, wrong = softmax(data.v.astype(float), T), np.arange(N) != data.y[:, None]
    return np.array([keep(p, wrong) for keep in KEEP.values()])


def logits_of(p):
    return T * np.log(np.maximum(p, 1e-30))  # 0 has no logarithm


p = what_is_left(transfer)
back = np.abs(softmax(logits_of(p), T) - p).max()
print(f"to logits and back: {back:.0e} away at most. The first image, a {transfer.y[0]}, in %:")
for kind, each in zip(KEEP, p[:, 0], strict=True):
    print(f"{kind:16}", *(f"{100 * q:5.1f}" for q in each))

# %% [markdown]
# ## Students of each
# The students of (a) to (d) are one *stack*, networks that are trained at once; its members have
# soft targets of their own. Those of (e) learn labels, at T = 1 and a rate that suits it. All take
# the same number of steps. We do it twice: with all digits, and without one of them.


# %%
def answers(data):
    """The students' logits of the test images, (kinds, seeds, images, N)."""
    sizes, batch = [784, WIDTH, WIDTH, N], min(100, len(data))
    soft, hard = MLP(sizes, [*SEEDS] * len(KEEP)), MLP(sizes, [*SEEDS])
    v = np.repeat(logits_of(what_is_left(data)), len(SEEDS), axis=0)
    recipe = Recipe(-(-800 * batch // len(data)), 0.02, batch=batch, warm_up=100)
    train(soft, data.with_logits(v), soft_targets(T), recipe, progress="soft targets")
    recipe = replace(recipe, learning_rate=0.1)
    train(hard, data, hard_targets(), recipe, progress="hard labels")
    return np.concatenate([soft(x), hard(x)]).reshape(len(KINDS), len(SEEDS), len(y), N)


z = answers(transfer)
wrong = np.array([100 * errors(each, y) / len(y) for each in z])
print("test images wrong (%), all digits seen, and how many more than by (a)")
for kind, of in zip(KINDS, wrong, strict=True):
    print(f"{kind:16}", *(f"{mean_of(each).words():>14}" for each in (of, of - wrong[0])))

# %% [markdown]
# Now without a digit. As in lesson 07, it may be found only once its bias is raised. So we look
# twice: as trained, and with the bias that is best on the test set, which flatters all students.

# %%
z = answers(transfer.without(OMITTED))
biases, unseen = np.round(np.arange(-20, 40.05, 0.1), 6), (y == OMITTED).sum()
found, moved = np.zeros((2, len(KINDS), len(SEEDS)))
for at in np.ndindex(found.shape):
    best = sweep_bias(z[at], y, [OMITTED], biases).best
    missed = [errors_per_class(with_bias(z[at], OMITTED, b), y)[OMITTED] for b in (0.0, best)]
    found[at], moved[at] = 100 * (1 - np.array(missed) / unseen)
print(f"images of the unseen {OMITTED} found (%), as trained, then with the best bias")
for kind, *both in zip(KINDS, found, moved, strict=True):
    print(f"{kind:16}", *(f"{mean_of(of).words(1):>12}" for of in both))

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), sharey=True)
rows = np.arange(len(KINDS))
for axes, values, color, label in (
    (left, wrong, BLUE, "a dot for each seed; the ring is their mean"),
    (right, found, ORANGE, "as trained"),
    (right, moved, GREEN, "with its best bias"),
):
    axes.plot(values, rows, ".", color=color, ms=7, alpha=0.6)
    axes.plot(values.mean(-1), rows, "o", color=color, ms=12, mfc="none", mew=2, label=label)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
left.set_yticks(rows, labels=KINDS)
left.set(xlabel="all digits seen: test images wrong (%)", xlim=(0, None), ylim=(4.5, -0.5))
right.set(xlabel=f"no {OMITTED} seen: images of a {OMITTED} found (%)", xlim=(-3, 103))
means = [f"{each.mean():.0f} %" for each in moved]
title = f"An unseen {OMITTED} with its best bias: real soft targets find {means[0]}, "
title += f"class means {means[1]},\nuniform ones {means[3]}, labels {means[4]}"
figure.suptitle(title, x=0.01, ha="left", weight="bold")
figure.supxlabel("bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/20_what_soft_targets_carry.png"))

# %% [markdown]
# **The claim of this lesson**: soft targets carry all three. Even if they say only how sure the
# teacher is, (d), they save many errors of hard labels, as a regularizer does. False likeness, (c),
# undoes that. Which classes are alike, (b), is most of what an unseen digit needs once its bias is
# moved. What is said of each image, (a), saves most errors, and alone finds the digit as trained.

# %%
claim(back < 1e-9, "logits that give back their probabilities", f"{back:.0e} off",
      "What is below 1e-30 is not kept.")  # fmt: skip
fewer = [mean_of(100 * (of - wrong[0]) / of) for of in wrong[1:]]
claim(min(of.value for of in fewer) > 10, "at least 10 % fewer errors by (a) than by any other",
      ", ".join(f"{of.words(0)} % ({of.clearly})" for of in fewer),
      "The more images, the less each of them has to say.")  # fmt: skip
smooth, false = (mean_of(100 * (1 - wrong[3] / wrong[k])) for k in (4, 2))
claim(min(smooth.value, false.value) > 15, "at least 15 % fewer by (d) than by (e) and by (c)",
      f"{smooth.words(0)} % ({smooth.clearly}) and {false.words(0)} % ({false.clearly})",
      "At a low T the wrong classes have little to share.")  # fmt: skip
alike = mean_of(moved[1] - moved[2:].max(0))
claim(alike.value > 20, "20 points more of the unseen digit by (b) than by (c), (d) and (e)",
      f"{alike.words(0)} with its bias ({alike.clearly})", "Is any class like it?")  # fmt: skip
claim(found[0].mean() > 15 and found[1:].mean(-1).max() < 5,
      "over 15 % found as trained by (a), and under 5 % by all others",
      f"{found[0].mean():.1f} %, and {found[1:].mean(-1).max():.1f} % at most",
      "At a low T the bias falls further (lesson 07).")  # fmt: skip

# %%
print("on MNIST, larger networks:", *findings(full_run("what-carries")), sep="\n- ")
save_figure(plot_record(full_run("what-carries")), "out/20_on_mnist.png")

# %% [markdown]
# ## Try
# - `IMAGES = 6000`, and then 300. When does it matter most what is said of each image?
# - `T = 2`. What is left of the differences?
#
# ## To think about
# 1. How can a student of (d) find an unseen digit at all?
# 2. Give each image its own confidence and the likeness of its class. What do you expect?
