# %% [markdown]
# # 05 Teacher and student
# *Before this: lesson 01 for soft targets, lesson 03 for T² and learning rates.*
#
# Section 3 of the paper begins with three numbers on MNIST, a set of handwritten digits. A large,
# strongly regularized *teacher* makes 67 errors on the 10,000 test images. A smaller *student*, trained
# on the labels without any regularization, makes 146. The same student on the teacher's *soft targets*,
# its probabilities at T = 20, makes 74. This lesson shows what minikd found on MNIST, and then trains
# all three step by step on the bundled printed digits, which are not handwriting.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import (
    MLP,
    Recipe,
    TrainingDiverged,
    hard_targets,
    load_glyphs,
    load_mnist,
    soft_targets,
    train,
)
from minikd.claims import claim
from minikd.equations import softmax
from minikd.evaluate import errors
from minikd.experiments import full_run, plot_record
from minikd.experiments.teacher_student import plot_wrong
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, save_figure
from minikd.statistics import paired_test

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0)
x, y = digits.test.x, digits.test.y

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
T = 20.0  # the temperature of the soft targets, above 0
HARD_WEIGHT = 0.0  # of the labels, beside T² times the soft targets; 0 or more
WIDTH = 300  # units in each of the student's two hidden layers, 1 or more
SEED = 2  # of the student's first weights

# %% [markdown]
# ## What the full run found
# On MNIST, with the paper's networks; the record of that run comes with minikd. If you have MNIST,
# you also get the images that each network gets wrong.

# %%
record = full_run("teacher-student")

print("wrote", save_figure(plot_record(record), "out/05_on_mnist.png"))
try:
    print("wrote", save_figure(plot_wrong(record, load_mnist().test), "out/05_wrong.png"))
except FileNotFoundError:
    print("the images that each network gets wrong need MNIST: minikd data mnist")

# %% [markdown]
# ## The teacher
# Regularization keeps a network from learning its training images by heart. Here it has three parts:
# *dropout* switches units off at random, *max-norm* limits the length of each hidden unit's incoming
# weights, and *jitter* shifts the images at random by up to two pixels. None of this happens once
# training is over. (The trained teacher is kept in a folder, where lessons 06 to 08 find it.)

# %%
TEACHER = Recipe(
    epochs=50, learning_rate=0.1, batch=100, warm_up=100,
    dropout=(0.0, 0.2, 0.5), max_norm=3.5, jitter=2,
)  # fmt: skip
teacher = MLP([784, 400, 400, 10], rng=1)
train(teacher, digits.train, hard_targets(), TEACHER,
      checkpoint="out/.kept", progress="teacher")  # fmt: skip
v = teacher(digits.train.x)

# %% [markdown]
# ## The student, trained twice
# Both times it is the same network, with the same initial weights and the same images. The first
# time it learns the labels (*hard targets*), until it gets every training image right. The second time
# it learns the teacher's soft targets, at a lower learning rate and for longer (lesson 03), and sees no
# label. (The paper adds the soft targets to the labels. `HARD_WEIGHT` does that, and lesson 15 shows
# what labels do then.) An *epoch* is one pass through all training images.

# %%
ALONE = Recipe(epochs=20, learning_rate=0.1, batch=100)
STUDENT = Recipe(epochs=40, learning_rate=0.02, batch=100, warm_up=100)


def learn(who, data, objective, recipe):
    """The student, trained; as it began, if training fails."""
    net = MLP([784, WIDTH, WIDTH, 10], rng=SEED)
    try:
        train(net, data, objective, recipe, progress=who)
    except TrainingDiverged as stopped:
        print(f"{who}: {stopped}. It is tested as it began.")
        net = MLP([784, WIDTH, WIDTH, 10], rng=SEED)
    return net


alone = learn("student alone", digits.train, hard_targets(), ALONE)
transfer = digits.train.with_logits(v)
if HARD_WEIGHT == 0:
    transfer = transfer.unlabelled()
distilled = learn("student distilled", transfer, soft_targets(T, HARD_WEIGHT), STUDENT)

z = {"teacher": teacher(x), "alone": alone(x), "distilled": distilled(x)}
by_heart = errors(alone(digits.train.x), digits.train.y)  # 0: the labels have no more to teach
count = {name: errors(logits, y) for name, logits in z.items()}
print(", ".join(f"{name}: {n} errors of {len(y)}" for name, n in count.items()))
print(f"the student alone gets {by_heart} training images of {len(digits.train)} wrong")

# %% [markdown]
# ## Could that be luck?
# Both students are tested on the same images. Those that both get right, or both wrong, do not tell
# which student is better. Only those count where one is right and the other wrong. If the students
# were equally good, each of these would be the toss of a fair coin (McNemar's test). The p-value is
# the probability of a result at least as one-sided.

# %%
wrong = {name: logits.argmax(-1) != y for name, logits in z.items()}
p_value = paired_test(wrong["distilled"], wrong["alone"])
print(f"only the student alone is wrong on {(wrong['alone'] & ~wrong['distilled']).sum()} images, "
      f"only the distilled one on {(wrong['distilled'] & ~wrong['alone']).sum()}: "
      f"p = {p_value:.0e}")  # fmt: skip

# %% [markdown]
# ## What the teacher tells the student
# Take the training 2 that looks most like a 3 to the teacher. The label says "2", and at T = 1 the
# teacher says little else. At a higher T it also says which other digits the image resembles, and which
# it does not. That is what the student learns from.

# %%
twos = np.flatnonzero(digits.train.y == 2)
like_a_3 = twos[(v[twos, 3] - v[twos].max(-1)).argmax()]

figure = plt.figure(figsize=(12, 5))
left, right = figure.subfigures(1, 2)
axes = left.subplots()
for k, (t, color) in enumerate(((1, BLUE), (4, ORANGE), (T, GREEN))):
    at, p = np.arange(10) + 0.27 * (k - 1), softmax(v[like_a_3], t)
    axes.bar(at, p, 0.27, color=color, label=f"T = {t:g}")
axes.set(xticks=range(10), xlabel="class", ylabel="teacher's probability", ylim=(0, 1))
p = 100 * softmax(v[like_a_3], np.array([[1], [T]]))[:, 3]
title = f"What the teacher says of a 2: {p[0]:.0f} % a 3 at T = 1, {p[1]:.0f} % at T = {T:g}"
axes.set_title(title)
axes.legend(loc="upper right")
image = axes.inset_axes([0.4, 0.35, 0.4, 0.6])
image.imshow(digits.train.x[like_a_3].reshape(28, 28), cmap="gray_r")
image.axis("off")
rows = (
    ("only the student alone is wrong", "alone", wrong["alone"] & ~wrong["distilled"]),
    ("only the distilled student is wrong", "distilled", wrong["distilled"] & ~wrong["alone"]),
    ("teacher and distilled student are wrong", "distilled", wrong["distilled"] & wrong["teacher"]),
)  # fmt: skip
for row, (title, who, which) in zip(right.subfigures(3, 1), rows, strict=True):
    row.suptitle(f"{title}: {which.sum()} images", x=0.02, ha="left", fontsize=11)
    for axes, case in zip(row.subplots(1, 6), np.flatnonzero(which)[:6], strict=False):
        axes.imshow(x[case].reshape(28, 28), cmap="gray_r")
        axes.set_title(f"says {z[who][case].argmax()}, is {y[case]}", loc="center", fontsize=9)
    for axes in row.axes:
        axes.axis("off")
title = "Errors of the student: {alone} by labels, {distilled} by soft targets; the teacher makes {teacher}"
figure.suptitle(title.format(**count), x=0.01, ha="left", weight="bold")
figure.supxlabel("bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/05_teacher_and_student.png"))

# %% [markdown]
# **The claim of this lesson**: without a single label and without any other regularization, a
# student of soft targets makes far fewer errors than the same student trained on the labels.

# %%
claim(by_heart == 0, "no training image wrong by the student alone", f"{by_heart}",
      "Too small a network cannot learn all images by heart: it is held back by its size, and "
      "regularization is not what it lacks.")  # fmt: skip
claim(count["teacher"] < count["distilled"] < 0.6 * count["alone"],
      "a distilled student with more errors than its teacher, and fewer than 60 % of those alone",
      "{distilled}; teacher {teacher}, alone {alone}".format(**count),
      "Soft targets at T = 1 are nearly labels, and below that the student hardly moves. Strong labels "
      "drown what the teacher says. And a student that is too narrow can follow neither.")  # fmt: skip
claim(p_value < 1e-6, "a difference that luck does not explain, p < 1e-6", f"p = {p_value:.0e}",
      "The smaller a difference, the more test images it takes to tell it from luck.")  # fmt: skip
claim(softmax(v[like_a_3], 1)[2] > 0.7, "a teacher more than 70 % sure of this 2 at T = 1",
      f"{100 * softmax(v[like_a_3], 1)[2]:.0f} %")  # fmt: skip

# %% [markdown]
# ## Try
# - `T = 1`. What is left of the gain, and where does it come from?
# - `WIDTH = 20`. Which of the two students loses more?
# - `HARD_WEIGHT = 10`. Do labels help a student that has a good teacher?
# - Another `SEED`. By how much do the errors vary, and is that more than the difference?
#
# ## To think about
# 1. The student alone is right on every training image. What could it still learn from them?
# 2. The distilled student had twice as many epochs. How would you find out whether that, and not the
#    soft targets, is what helped?
# 3. Where student and teacher are both wrong, do they tend to give the same wrong answer? Should they?
