# %% [markdown]
# # 08 Only sevens and eights
# *Before this: lesson 07, where a student recognizes a digit that it never saw.*
#
# Lesson 07 removed one digit from the *transfer set*, the images that the student learns from. The
# paper also tried the opposite (Section 3): a transfer set of *nothing but* sevens and eights. On
# MNIST, the student had a test error of 47.3 %, and of 13.2 % once the biases of 7 and 8 were
# lowered by 7.6. (The *bias* of a class is the constant that the last layer adds to its logit.) It
# had learnt most of eight digits from what the teacher says of two others.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, hard_targets, load_glyphs, soft_targets, train
from minikd.claims import claim
from minikd.equations import softmax
from minikd.evaluate import errors, logits_over_views, sweep_bias
from minikd.experiments import full_run, plot_record
from minikd.experiments.unseen_figure import plot_confusion
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, save_figure

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0)  # printed digits, not handwriting
x, y = digits.test.x, digits.test.y

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
KEPT = (7, 8)  # the digits that the student sees: one to nine of them
T = 20.0  # the temperature of the soft targets
HARD_WEIGHT = 0.0  # of the labels, beside T² times the soft targets
WIDTH = 300  # units in each of the student's two hidden layers, 10 or more
SEED = 2  # of the student's first weights

KEPT = [c for c in range(10) if c in np.ravel(KEPT)][:9]  # at least one digit stays unseen
names_kept = " and ".join(map(str, KEPT))

# %% [markdown]
# ## What the full run found
# On MNIST, with the paper's networks; the record of that run comes with minikd.

# %%
record = full_run("sevens-and-eights")
for what, draw in (("sweep", plot_record), ("confusion", plot_confusion)):
    print("wrote", save_figure(draw(record), f"out/08_on_mnist_{what}.png"))

# %% [markdown]
# ## The teacher of lesson 05
# It is large, regularized, and trained on the labels of all digits. If you have run lesson 05 in
# this folder, the teacher is read from there.

# %%
TEACHER = Recipe(
    epochs=50, learning_rate=0.1, batch=100, warm_up=100,
    dropout=(0.0, 0.2, 0.5), max_norm=3.5, jitter=2,
)  # fmt: skip
teacher = MLP([784, 400, 400, 10], rng=1)
train(teacher, digits.train, hard_targets(), TEACHER,
      checkpoint="out/.kept", progress="teacher")  # fmt: skip
print(f"teacher: {errors(teacher(x), y)} errors of {len(y)}")

# %% [markdown]
# ## What the teacher says of a 7
# *Hard targets* are the labels: of a transfer set of sevens and eights, they can only say "7" and
# "8". *Soft targets*, the teacher's probabilities at a high temperature, say much more. To make
# them more reliable, the teacher also sees each image shifted by up to two pixels in each
# direction, and its logits are averaged over all shifts. Here are the other digits in the mean soft
# target of each digit that we keep, the likeliest first:

# %%
v = logits_over_views(teacher, digits.train, 2)
transfer, validation = digits.train.with_logits(v).split(1000, rng=4)
transfer = transfer.only(*KEPT)
for c in KEPT:
    p = softmax(transfer.only(c).v, T=T).mean(0)
    print(f"what else the {c}s look like:", *(k for k in p.argsort()[::-1] if k != c))

# %% [markdown]
# ## The student, and a control
# With two of ten digits, an epoch has far fewer steps than in lesson 07. 100 epochs make up for part
# of that. The *control* is what we compare the student with: the same network and images,
# but hard targets alone.

# %%
# A heavy weight makes long steps; above 10, a lower rate keeps them in bounds.
STUDENT = Recipe(epochs=100, learning_rate=0.02 / max(1, HARD_WEIGHT / 10),
                 batch=100, warm_up=100)  # fmt: skip
student = MLP([784, WIDTH, WIDTH, 10], rng=SEED)
train(student, transfer, soft_targets(T, hard_weight=HARD_WEIGHT), STUDENT, progress="student")

HARD = Recipe(epochs=15, learning_rate=0.1, batch=100)
control = MLP([784, WIDTH, WIDTH, 10], rng=SEED + 1)
train(control, transfer, hard_targets(), HARD, progress="control")

z = student(x)
before = errors(z, y)
print(f"student: {100 * before / len(y):.1f} % errors")

# %% [markdown]
# ## Lower the biases
# The student has only ever seen the digits that we keep, so it learns biases for them that are too
# high. As in lesson 07, we move them to where the student agrees best with the teacher on held-out
# images of all digits, without labels. The control gets the biases that are best for it on the test set.

# %%
biases = np.round(np.arange(-15, 15.05, 0.1), 6) + 0.0  # no -0.0
on_test = sweep_bias(z, y, KEPT, biases)
by_teacher = sweep_bias(student(validation.x), validation.v.argmax(-1), KEPT, biases)

lowered = z.copy()
lowered[:, KEPT] += by_teacher.best
after = errors(lowered, y)
print(f"biases {by_teacher.best:+.1f}: {100 * after / len(y):.1f} % errors")
best = 100 * on_test.errors.min() / len(y)
print(f"(the best on the test set is {on_test.best:+.1f}: {best:.1f} % errors)")

z_control = control(x)
control_sweep = sweep_bias(z_control, y, KEPT, biases)
z_control[:, KEPT] += control_sweep.best
print(f"control, its best biases: {100 * control_sweep.errors.min() / len(y):.1f} % errors")

# %% [markdown]
# ## The picture
# On the left, each digit as it is recognized; on the right, all errors as the biases move.

# %%
unseen = ~np.isin(y, KEPT)


def right(logits, cases):
    return 100 * (logits.argmax(-1) == y)[cases].mean()


figure, (left, sweep) = plt.subplots(1, 2, figsize=(12, 4.5))
for k, (name, logits, color) in enumerate((
    ("hard labels, best biases", z_control, GREY), ("distilled, as trained", z, ORANGE),
    (f"distilled, biases {by_teacher.best:+.1f}", lowered, GREEN),
)):  # fmt: skip
    per_class = [right(logits, y == c) for c in range(10)]
    left.bar(np.arange(10) + 0.27 * (k - 1), per_class, 0.27, color=color, label=name)
    print(
        f"{name}: {right(logits, unseen):.0f} % of the unseen digits right", np.round(per_class)
    )
for c in KEPT:
    left.axvspan(c - 0.5, c + 0.5, color="0.93", lw=0, zorder=0)
    left.text(c, 103, "seen", ha="center", color=GREY)
left.set(xticks=range(10), xlabel="class", ylabel="right (%)", ylim=(0, 110))
left.set_yticks(range(0, 101, 20))
left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
sweep.plot(biases, 100 * control_sweep.errors / len(y), color=GREY, label="hard labels")
sweep.plot(biases, 100 * on_test.errors / len(y), color=BLUE, label="distilled")
sweep.plot(0, 100 * before / len(y), "o", color=ORANGE, ms=8, label="as trained")
label = f"{by_teacher.best:+.1f}, chosen by the teacher"
sweep.plot(by_teacher.best, 100 * after / len(y), "^", color=GREEN, ms=8, label=label)
sweep.set(xlabel=f"added to the bias of {names_kept}", ylabel="test error (%)", ylim=(0, 100))
sweep.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
title = (
    f"It saw only {names_kept}, and gets {right(lowered, unseen):.0f} % of the other digits "
)
title += f"right; with hard labels, {right(z_control, unseen):.0f} %"
figure.suptitle(title, x=0.01, ha="left", weight="bold")
figure.supxlabel("bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/08_only_sevens_and_eights.png"))

# %% [markdown]
# **The claim of this lesson**: once the biases of 7 and 8 are lowered, the student recognizes far
# more of the eight digits that it never saw than a student of hard labels with the biases that are
# best for it.

# %%
claim(right(lowered, unseen) > 3 * right(z_control, unseen),
      "more than three times as many unseen digits right as by hard labels",
      f"{right(lowered, unseen):.0f} % and {right(z_control, unseen):.0f} %",
      "What the teacher says of unseen digits is in its small probabilities: at a low T, or beside "
      "strong labels, they hardly count.")  # fmt: skip
claim(before < 0.8 * len(y), "fewer than 80 % errors as trained",
      f"{100 * before / len(y):.0f} %",
      "A student that answers with nothing but the digits that it saw is wrong on all others.")  # fmt: skip
claim(after < 0.6 * before, "fewer than 60 % of these errors left with the biases moved",
      f"{100 * after / max(before, 1):.0f} %",
      "Biases cannot bring back an order that the student never learnt; and where few digits are "
      "missing, there is little to mend.")  # fmt: skip

# %% [markdown]
# ## Try
# - `KEPT = (1, 7)`. Both are little more than strokes. How much can the teacher say of the others?
# - `KEPT = (7,)`: a single digit, so all labels are the same. What is left to learn, and from what?
# - `T = 1`, and then `T = 100`. Which digits does the student lose first?
# - `HARD_WEIGHT = 8`: the labels say "no 3" of every image. Lesson 15 works out what that does.
#
# ## To think about
# 1. Which pairs of digits would you keep, if you could keep only two? Look at the lists printed above.
# 2. The same number is added to the biases of all digits that were seen. What could go wrong with
#    that, and what would you need in order to choose one for each?
# 3. Why does the student of hard labels get some unseen digits right once its biases are moved?
