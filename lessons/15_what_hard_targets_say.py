# %% [markdown]
# # 15 What hard targets say of a digit that never occurs
# Lesson 07 took every 3 out of the transfer set, the images that a student learns from, and taught
# it by soft targets alone. Section 3 of the paper *adds* the soft targets to the hard ones, the
# labels. For a digit that occurs, both say much the same. For one that never occurs they do not: a
# soft target says how much this image is like a 3, a hard one says "no 3", every time. This lesson
# works out what that does to the logit of the 3, and then looks for it in a student.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from minikd import MLP, Recipe, hard_targets, load_glyphs, soft_targets, train
from minikd.equations import distillation_gradient, softmax
from minikd.evaluate import errors, errors_per_class, sweep_bias
from minikd.plots import BLUE, GREY, HOUSE_STYLE, ORANGE, save_figure

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0)  # printed digits, not handwriting
x, y = digits.test.x, digits.test.y

# %% [markdown]
# ## Two forces on one logit
# Lesson 03: T² times the soft cost, and w times the hard cost, pull at a logit with T (q − p) at
# temperature T, and with w (q − 1 for the label, q for all others) at temperature 1. At a high
# temperature the first becomes (z − v) / N (lesson 04). The student is in balance where both add up
# to nothing. For the class c that never occurs, and for the label y, that is at
#
#     z_c = v_c − N w q_c        z_y = v_y + N w (1 − q_y)
#
# So hard targets push z_c below the teacher's v_c, but only as far as the student believes in c:
# where the teacher is sure that this is no 3, q_c is almost 0 and nothing happens. Where it
# hesitates, as with an 8 that looks like a 3, they tell the student to stop. If only these two
# classes matter, q_c + q_y = 1, and the lead of c over the label, l = z_c − z_y, follows from the
# teacher's: l = (v_c − v_y) − 2 N w / (1 + exp(−l)).

# %%
N, T = 10, 20.0


def lead_in_balance(teachers, w):
    def too_high(lead):
        return lead - teachers + 2 * N * w * expit(lead)

    return brentq(too_high, teachers - 2 * N * w - 1, teachers + 1)


# The gradient of minikd agrees: at these logits it is almost 0. T is high, all other classes far off.
for w in (0, 2, 8):
    lead = lead_in_balance(0.0, w)
    v, z = np.full((2, N), -40.0)
    v[:2] = 0
    q = expit(lead)
    z[:2] = N * w * q, -N * w * q
    left = distillation_gradient(z, v, np.array(0), T=1e4, hard_weight=w)
    print(f"w = {w}: where the teacher is of two minds, the student's lead is {lead:.2f}; "
          f"the gradient there is {abs(left).max():.0e}")  # fmt: skip
    assert abs(left).max() < 0.01

# %% [markdown]
# ## Three students
# The teacher is that of lessons 05 to 08 (if you have run one of them in this folder, it is read
# from there). The students learn from all of its training images but the threes, with hard targets
# of weight 0 (none), 2 and 8. The weight stands beside T² times the soft targets, as in the paper.

# %%
TEACHER = Recipe(
    epochs=50, learning_rate=0.1, batch=100, warm_up=100,
    dropout=(0.0, 0.2, 0.5), max_norm=3.5, jitter=2,
)  # fmt: skip
teacher = MLP([784, 400, 400, 10], rng=1)
train(teacher, digits.train, hard_targets(), TEACHER,
      checkpoint="out/.kept", progress="teacher")  # fmt: skip
transfer = digits.train.with_logits(teacher(digits.train.x)).without(3)

STUDENT = Recipe(epochs=40, learning_rate=0.02, batch=100, warm_up=100)
biases = np.round(np.arange(-5, 15.05, 0.1), 6)
students, sweeps, on_threes = {}, {}, {}
for w in (0, 2, 8):
    students[w] = MLP([784, 300, 300, N], rng=2)
    train(students[w], transfer, soft_targets(T, hard_weight=w), STUDENT, progress=f"w = {w}")
    z = students[w](x)
    sweeps[w], on_threes[w] = sweep_bias(z, y, [3], biases), errors_per_class(z, y)[3]
    print(f"w = {w}: {errors(z, y)} errors, {on_threes[w]} of them on threes; "
          f"{sweeps[w].errors.min()} with the bias of 3 raised by {sweeps[w].best:.1f}")  # fmt: skip

# %% [markdown]
# ## Where the teacher hesitates
# Of each image, how far the teacher's logit for the 3 is above or below that of the label, and
# how far the student's. Only few images are like a 3 at all, and there the student of hard targets
# is pushed down. (No student can follow each single image: it has one set of weights for all of
# them. So it lies between the balance and its teacher.)

# %%
each = np.arange(len(transfer))


def lead_of_3(logits):
    return logits[:, 3] - logits[each, transfer.y]


teachers = lead_of_3(transfer.v)
doubtful = teachers > -5
pushed = {w: (lead_of_3(students[w](transfer.x)) - teachers) for w in students}
said = softmax(transfer.v.astype(float))[:, 3]
print(f"on {doubtful.sum()} of {len(transfer)} images, the lead is above -5; they hold "
      f"{100 * said[doubtful].sum() / said.sum():.0f} % of all that the teacher says of a 3")  # fmt: skip
for w, of in pushed.items():
    print(f"w = {w}: pushed by {of[doubtful].mean():+.2f} there, by "
          f"{of[~doubtful].mean():+.2f} elsewhere")  # fmt: skip

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5))
line = np.linspace(-10, 1, 100)
for w, color in ((0, GREY), (2, BLUE), (8, ORANGE)):
    balance = [lead_in_balance(at, w) for at in line]
    left.plot(line, balance, "--", color=color)
    left.plot(teachers, lead_of_3(students[w](transfer.x)), ".", color=color, ms=4, alpha=0.6,
              label=f"w = {w}")  # fmt: skip
    right.plot(biases, sweeps[w].errors, color=color)
    right.plot(0, sweeps[w].errors[biases == 0], "o", color=color, ms=8,
               label=f"w = {w}: {on_threes[w]} threes wrong as trained")  # fmt: skip
    right.plot(sweeps[w].best, sweeps[w].errors.min(), "^", color=color, ms=8)
left.set(xlim=(-10, 1), ylim=(-14, 2), xlabel="lead of 3 over the label: teacher (logits)",
         ylabel="student (logits)")  # fmt: skip
left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, title="dashed: in balance")
right.set(xlabel="added to the bias of class 3", ylabel="test errors, all digits", yscale="log")
right.set_yticks([50, 100, 200, 500, 1000], labels=[50, 100, 200, 500, 1000])
right.minorticks_off()
right.legend(loc="lower left", bbox_to_anchor=(0, 1))
title = (
    f"Hard targets know no 3: at w = 8, {on_threes[8]} of {(y == 3).sum()} unseen threes are "
)
figure.suptitle(f"{title}wrong, without them {on_threes[0]}", x=0.01, ha="left", weight="bold")
figure.supxlabel("bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/15_what_hard_targets_say.png"))

# %% [markdown]
# **The claim of this lesson**: hard targets push down the logit of a class that never occurs, where
# the teacher hesitates and nearly nowhere else. A student of strong ones leaves more of that class
# wrong. (Weak ones do little here, because this teacher hardly ever hesitates. On MNIST they do much:
# see docs/hard-targets.md and the experiment hard-weight.)

# %%
assert pushed[8][doubtful].mean() < pushed[0][doubtful].mean() - 0.5
assert abs(pushed[8][~doubtful].mean() - pushed[0][~doubtful].mean()) < 0.2
assert on_threes[8] > 1.1 * on_threes[0]
