# %% [markdown]
# # 05 Teacher and student
# Section 3 of the paper begins with three numbers on MNIST. A large network with every trick,
# the *teacher*, makes 67 errors on the 10,000 test cases. A smaller one with no tricks, the
# *student*, makes 146. The same student, trained on the teacher's soft targets at T = 20 with
# nothing else to regularize it, makes 74. Here is the same on the bundled printed digits, which
# are not handwriting, and then what `minikd run teacher-student --data mnist` found.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import (
    MLP,
    Recipe,
    hard_targets,
    load_glyphs,
    load_mnist,
    plots,
    soft_targets,
    train,
)
from minikd.equations import softmax
from minikd.evaluate import errors, paired_test
from minikd.experiments.record import full_run
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, save_figure

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0)
x, y = digits.test.x, digits.test.y

# %% [markdown]
# ## What the full run found
# MNIST and the paper's networks, from the record that comes with minikd. If MNIST is there, so
# are the images that each network gets wrong.

# %%
record = full_run("teacher-student")
print("wrote", save_figure(plots.plot_record(record), "out/05_on_mnist.png"))
try:
    print("wrote", save_figure(plots.plot_wrong(record, load_mnist().test), "out/05_wrong.png"))
except FileNotFoundError:
    print("the images that each gets wrong need MNIST: minikd data mnist")

# %% [markdown]
# ## The teacher
# Dropout, a limit on the incoming weights, and images moved by up to two pixels in training.
# (It is kept in a file for the next time, and lessons 07 and 08 use the same one. If you change
# its recipe, delete the file.)

# %%
TEACHER = Recipe(
    epochs=50, learning_rate=0.1, batch=100, warm_up=100,
    dropout=(0.0, 0.2, 0.5), max_norm=3.5, jitter=2,
)  # fmt: skip
teacher = MLP([784, 400, 400, 10], rng=1)
train(teacher, digits.train, hard_targets(), TEACHER,
      checkpoint="out/.kept/lesson_teacher.npz", progress="teacher")  # fmt: skip
v = teacher(digits.train.x)

# %% [markdown]
# ## The student, twice
# The same network, from the same initial weights, on the same images, which are not moved.
# Once it learns the labels, with no tricks, until it gets all of them right; once it learns
# what the teacher says, at a lower rate and for longer (lesson 03), and sees no label at all.

# %%
ALONE = Recipe(epochs=20, learning_rate=0.1, batch=100)
alone = MLP([784, 300, 300, 10], rng=2)
train(alone, digits.train, hard_targets(), ALONE, progress="student alone")

STUDENT = Recipe(epochs=40, learning_rate=0.02, batch=100, warm_up=100)
distilled = MLP([784, 300, 300, 10], rng=2)
train(distilled, digits.train.with_logits(v).unlabelled(), soft_targets(T=20), STUDENT,
      progress="student distilled")  # fmt: skip

z = {"teacher": teacher(x), "alone": alone(x), "distilled": distilled(x)}
assert errors(alone(digits.train.x), digits.train.y) == 0  # it has learnt all there is
count = {name: errors(logits, y) for name, logits in z.items()}
print(", ".join(f"{name}: {n} errors of {len(y)}" for name, n in count.items()))

# %% [markdown]
# ## Could that be luck?
# Both students were tested on the same cases, so only those count that one of them gets right
# and the other wrong. If they were equally good, each of these would be a fair coin
# (McNemar's test).

# %%
wrong = {name: logits.argmax(-1) != y for name, logits in z.items()}
p_value = paired_test(wrong["distilled"], wrong["alone"])
print(f"only the student alone is wrong on {(wrong['alone'] & ~wrong['distilled']).sum()} cases, "
      f"only the distilled one on {(wrong['distilled'] & ~wrong['alone']).sum()}: p = {p_value:.0e}")  # fmt: skip

# %% [markdown]
# ## What the teacher told it
# The training 2 to which the teacher gives the most of a 3, at three temperatures. The label
# says "2", and so does the teacher at T = 1, by far. At T = 20 it says which digits this one
# looks like, and which it does not. That is what the student learns from.

# %%
twos = np.flatnonzero(digits.train.y == 2)
like_a_3 = twos[(v[twos, 3] - v[twos].max(-1)).argmax()]

# %% [markdown]
# ## The picture

# %%
figure = plt.figure(figsize=(12, 5))
grid = figure.add_gridspec(3, 12)
axes = figure.add_subplot(grid[0, :2])
axes.imshow(digits.train.x[like_a_3].reshape(28, 28), cmap="gray_r")
axes.axis("off")
axes.set_title("a 2, and what the teacher says of it")
axes = figure.add_subplot(grid[1:, :6])
for k, (T, color) in enumerate(((1, BLUE), (4, ORANGE), (20, GREEN))):
    at, p = np.arange(10) + 0.27 * (k - 1), softmax(v[like_a_3], T)
    axes.bar(at, p, 0.27, color=color, label=f"T = {T}")
axes.set(xticks=range(10), xlabel="class", ylabel="probability p", ylim=(0, 1))
axes.legend(ncols=3)
for row, (title, which) in enumerate((
    ("only the student alone is wrong", wrong["alone"] & ~wrong["distilled"]),
    ("only the distilled student is wrong", wrong["distilled"] & ~wrong["alone"]),
    ("teacher and distilled student are wrong", wrong["distilled"] & wrong["teacher"]),
)):  # fmt: skip
    cases = np.flatnonzero(which)
    for column, case in enumerate(cases[:5]):
        axes = figure.add_subplot(grid[row, 7 + column])
        axes.imshow(x[case].reshape(28, 28), cmap="gray_r")
        axes.axis("off")
        if column == 0:
            axes.set_title(f"{title}: {len(cases)}", fontsize=10)
figure.suptitle(
    f"Soft targets turn {count['alone']} errors of a student into {count['distilled']}",
    x=0.01, ha="left", weight="bold",
)  # fmt: skip
figure.supxlabel("bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/05_teacher_and_student.png"))

# %% [markdown]
# **The claim of this lesson**: with nothing else to regularize it, and no label to learn from, a
# student of soft targets makes far fewer errors than the same student alone.

# %%
assert count["teacher"] < count["distilled"] < 0.6 * count["alone"]
assert p_value < 1e-6
assert softmax(v[like_a_3], 1)[2] > 0.7
