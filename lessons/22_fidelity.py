# %% [markdown]
# # 22 Fidelity is not accuracy
# *Before this: lesson 05, on teacher and student, and lesson 06, where the student is narrow.*
#
# Distillation tells a student to copy its teacher; what we want are right answers. Is that the
# same? Stanton et al. (2021, arXiv:2106.05945) found that students often disagree with their
# teachers, even where they could copy them, and that more agreement does not always mean better
# answers. Cho and Hariharan (2019, arXiv:1910.01348) found that a larger teacher is not always a
# better one, and that stopping it early helps. Mirzadeh et al. (2020, arXiv:1902.03393) put an
# *assistant* between a large teacher and a small student: a network of middle size, taught by the
# one and teaching the other, to bridge the *gap* in size. We try all three with small networks.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, TrainingDiverged, hard_targets, load_glyphs, soft_targets, train
from minikd.claims import claim
from minikd.evaluate import errors
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, PURPLE, save_figure
from minikd.statistics import mean_of, rank_correlation, standard_error

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0)  # printed digits, not handwriting
x, y = digits.test.x, digits.test.y

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
CASES = 3000  # training images, from 100 to 5000; teachers and students see the same
NARROW, MIDDLE = 12, 40  # units in each of two hidden layers: of the students, of the assistant
WIDTHS = (10, 30, 80, 250)  # of the teachers, two to four, in rising order
STOPS = (3, 10)  # two epochs at most, from 1 to 20, after which the widest teacher is copied
T = 4.0  # the temperature of the soft targets, above 0
SEEDS = range(8)  # of all first weights; three or more for verdicts

# %% [markdown]
# ## Teachers
# They learn the labels. For each seed there is one of each width. Copies of the widest are taken
# long before its training ends: these stopped early. Networks of one width are a *stack*, trained
# at once. The assistant learns *soft targets*, the answers of the widest teacher at temperature T.

# %%
data, _ = digits.train.split(len(digits.train) - CASES, rng=4)
TEACHER = Recipe(20, 0.1, batch=50, warm_up=min(50, CASES // 10))
STUDENT = Recipe(30, 0.03, batch=50, warm_up=min(100, CASES // 10))


def learn(width, data, objective, recipe, role, teachers=1, observe=None):
    """A stack of networks, trained; as they began, if the training of one fails."""
    seeds = [1000 * role + k for _ in range(teachers) for k in SEEDS]
    net = MLP([784, width, width, 10], rng=seeds)
    try:
        train(net, data, objective, recipe, observe=observe, progress=f"{width} units")
    except TrainingDiverged as stopped:
        print(f"{width} units: {stopped}. All of this stack are tested as they began.")
        net = MLP([784, width, width, 10], rng=seeds)
    return net


def look(net, epoch):
    if epoch in STOPS:
        early[epoch] = net.with_parameters([p.copy() for p in net.parameters])
    return epoch


teachers, early = {}, {}
for width in WIDTHS:
    early.clear()  # in the end, it holds copies of the widest
    teachers[f"{width} units"] = learn(width, data, hard_targets(), TEACHER, 1, observe=look)
names = list(teachers)
first, twin, widest = names[0], names[-2:][0], names[-1]
second = names[min(1, max(0, len(names) - 2))]
teachers |= {f"{widest}, epoch {epoch}": net for epoch, net in early.items()}
by_widest = data.with_logits(teachers[widest](data.x))
teachers["assistant"] = learn(MIDDLE, by_widest, soft_targets(T), STUDENT, 2)

# %% [markdown]
# ## A narrow student for each teacher
# All students of one seed start alike. *Agreement*, or *fidelity*, is the share of images to which
# student and teacher give the same answer, right or wrong.

# %%
v, v_test = (np.array([net(which) for net in teachers.values()]) for which in (data.x, x))
M, K = v.shape[:2]
transfer = data.with_logits(v.reshape(M * K, *v.shape[2:]))
students = learn(NARROW, transfer, soft_targets(T), STUDENT, 3, M)
z, z_test = (students(which).reshape(M, K, len(which), 10) for which in (data.x, x))
control = learn(NARROW, data, hard_targets(), TEACHER, 3)


def percent_wrong(z):
    return 100 * np.asarray(errors(z, y)) / len(y)


def agreement(z, v):
    return 100 * (z.argmax(-1) == v.argmax(-1)).mean(-1)


def ranks(a, b):
    if min(np.ptp(a), np.ptp(b)) == 0:
        return 0.0  # nothing can be ranked
    return rank_correlation(dict(enumerate(a)), dict(enumerate(b)))


mistaken = v_test.argmax(-1) != y
repeated = 100 * (mistaken & (z_test.argmax(-1) == v_test.argmax(-1))).sum(-1)
repeated = repeated / np.maximum(1, mistaken.sum(-1))
rows = zip(percent_wrong(v_test), percent_wrong(z_test), agreement(z_test, v_test), repeated,
           agreement(z, v), strict=True)  # fmt: skip
result = dict(zip(teachers, rows, strict=True))
print(f"control, taught by labels: {mean_of(percent_wrong(control(x))).words(1)} % wrong")
for name, row in result.items():
    own, of_student, test, where_wrong, training = (mean_of(each).words(1) for each in row)
    print(f"{name}: {own} % wrong, its students {of_student} %; they agree on {test} % of the test "
          f"images, {where_wrong} % where it errs, {training} % of training images")  # fmt: skip

# %% [markdown]
# ## A gap, an early stop, an assistant?
# Positive is better than the students of the widest teacher. A mean over seeds is clear if it is
# more than two standard errors away from 0.

# %%
others = [name for name in result if name != widest]
saved = {name: mean_of(result[widest][1] - result[name][1]) for name in others}
for name, points in saved.items():
    print(f"taught by {name}: {points.words(sign=True)} points ({points.clearly})")

# %% [markdown]
# ## Twins, that could copy
# A student of its teacher's own size *can* copy it: it need only find the same weights.

# %%
by_twin = data.with_logits(teachers[twin](data.x))
twins = learn(teachers[twin].sizes[1], by_twin, soft_targets(T), STUDENT, 4)
on_training, on_test = (agreement(twins(of), teachers[twin](of)) for of in (data.x, x))
print(f"twins of {twin} agree with their teachers on {mean_of(on_training).words()} % of the "
      f"training images and on {mean_of(on_test).words()} % of the test images")  # fmt: skip

# %% [markdown]
# ## Do those who agree more make fewer errors?
# The *rank correlation* is 1 if two lists have the same order, and −1 if the order is opposite.

# %%
within = np.mean([ranks(row[2], row[1]) for row in result.values()])
mean = {name: np.mean(row, axis=1) for name, row in result.items()}
between = ranks(*np.array([[row[2], row[1]] for row in mean.values()]).T)
print(f"agreement and errors: {within:+.2f} within a teacher, {between:+.2f} between teachers")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5.5))
colors = (GREY, BLUE, PURPLE, ORANGE, "black", "#56B4E9", GREEN)
for (name, row), marker, color in zip(result.items(), "os^DvPX", colors, strict=False):
    left.errorbar(row[0].mean(), row[1].mean(), standard_error(row[1]), standard_error(row[0]),
                  color=color, marker=marker, ms=8, capsize=3, label=name)  # fmt: skip
    right.plot(row[2], row[1], marker, color=color, ms=5, alpha=0.6)
left.set(xlabel="test images wrong by the teacher (%), with standard errors",
         ylabel="test images wrong by the student (%)")  # fmt: skip
right.set(xlabel="agreement with the teacher on test images (%); a mark for each student")
right.set_title(f"Rank correlation: {within:+.2f} within a teacher, {between:+.2f} between")
figure.legend(loc="outside lower center", ncols=4, title="taught by (data: printed digits)")
most, least = (pick(mean, key=lambda name: mean[name][2]) for pick in (max, min))
title = f"Taught by {most}, students agree most and get {mean[most][1]:.0f} % wrong; "
title += f"by {least}, they agree least and get {mean[least][1]:.0f} % wrong"
figure.suptitle(title, x=0.01, ha="left", weight="bold")
print("wrote", save_figure(figure, "out/22_fidelity.png"))

# %% [markdown]
# **The claim of this lesson**: twins copy their teacher on the training images, and less on others.
# The narrowest teacher is copied best, and its students are worse. Yet among students of one
# teacher, those who agree more make fewer errors. A much better teacher hardly makes better
# students here, and one that stopped very early makes worse ones. A large gap, or an assistant that
# bridges it, we do not find: these networks and this task are small.

# %%
claim(bool(on_training.mean() > 99 and on_test.mean() < 97.5),
      "twins that agree on over 99 % of the training images, and under 97.5 % of the test images",
      f"{on_training.mean():.1f} and {on_test.mean():.1f} %",
      "The more images there are to copy, the less room is left to differ.")  # fmt: skip
_, more, closer, *_ = np.subtract(mean[first], mean[widest])
claim(bool(closer > 1 and more > 0),
      f"over 1 point more agreement with teachers of {first} than of {widest}, and more errors",
      f"{closer:+.1f} points of agreement, {more:+.1f} of errors",
      "If all teachers are about as good, those who agree more are right more often.")  # fmt: skip
claim(bool(within < -0.3), "a rank correlation below −0.3 within a teacher", f"{within:+.2f}",
      "A teacher that is often wrong is no guide, and two students are few to rank.")  # fmt: skip
better, gained, *_ = np.subtract(mean[second], mean[widest])
claim(bool(better > 2 and gained < 2.5),
      f"teachers of {widest} over 2 points better than of {second}, their students by under 2.5",
      f"{better:+.1f} and {gained:+.1f} points",
      "A wider student can make more of a better teacher.")  # fmt: skip
for name in [name for name in others if "epoch" in name][:1]:
    claim(saved[name].value < -0.5, f"over 0.5 points more wrong, taught by {name}",
          f"{-saved[name].value:+.2f}",
          "Stopped later, a teacher is nearly as good, and perhaps easier to copy.")  # fmt: skip
helps = saved["assistant"]
claim(abs(helps.value) < 2.5, "under 2.5 points changed by an assistant", helps.words(sign=True),
      "A gap must be there before it can be bridged; and a poor assistant loses much.")  # fmt: skip

# %% [markdown]
# ## Try
# - `NARROW = 6`, and then 30. For which students does the teacher matter most?
# - `STOPS = (5, 15)`, then `SEEDS = range(20, 28)`. Does it pay to stop early? Are you sure?
# - `T = 1`, and then 20. Which of them makes students agree more? Do they get more right?
#
# ## To think about
# 1. A student can be right where its teacher is wrong. Does it help to agree with it there?
# 2. Twins could be their teacher exactly. Why are they not? What would make them more alike?
