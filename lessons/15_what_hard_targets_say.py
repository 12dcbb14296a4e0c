# %% [markdown]
# # 15 What hard targets say of a digit that never occurs
# *Before this: lesson 07, where a digit is missing; lessons 03 and 04, where the gradients come from.*
#
# Lesson 07 took every 3 out of the transfer set, the images that a student learns from, and taught
# it by soft targets alone: the teacher's probabilities at a high temperature T. Section 3 of the
# paper *adds* the soft targets to the hard ones, the labels. For a digit that occurs, both say much
# the same. For one that never occurs they do not: a soft target says how much this image is like a
# 3, a hard one says "no 3", every time. This lesson works out what that does to the logit of the 3,
# and then looks for it in students.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from minikd import MLP, Recipe, hard_targets, load_glyphs, soft_targets, train
from minikd.claims import claim
from minikd.equations import distillation_gradient, softmax
from minikd.evaluate import errors, errors_per_class, sweep_bias
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, PURPLE, save_figure

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0)  # printed digits, not handwriting
x, y = digits.test.x, digits.test.y

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
OMITTED = 3  # the digit that the students never see
WEIGHTS = (0, 2, 8)  # of the hard targets: a student for each, five at most
T = 20.0  # the temperature of the soft targets
WIDTH = 300  # units in each of a student's two hidden layers, 10 or more
SEED = 2  # of the students' first weights

colors = dict(zip(WEIGHTS, (GREY, BLUE, ORANGE, GREEN, PURPLE), strict=False))
low, high = min(colors), max(colors)
N = 10  # classes

# %% [markdown]
# ## Two forces on one logit
# The student has the logits z and the probabilities q, the teacher v and p. T² times the soft cost
# pulls at a logit with T (q − p), at temperature T (lesson 03). w times the hard cost pulls with
# w (q − 1) at the logit of the label and with w q at all others, at temperature 1. At a high T the
# first becomes (z − v) / N for N classes (lesson 04). The student is *in balance* where both add up
# to nothing. For the class c that never occurs, and for the label y, that is at
#
#     z_c = v_c − N w q_c        z_y = v_y + N w (1 − q_y)
#
# So hard targets push z_c below the teacher's v_c, but only as far as the student believes in c:
# where the teacher is sure that this is no 3, q_c is almost 0 and nothing happens. Where it
# hesitates, as with an 8 that looks like a 3, they tell the student to stop. If only these two
# classes matter, q_c + q_y = 1, and the *lead* of c over the label, l = z_c − z_y, follows from the
# teacher's: l = (v_c − v_y) − 2 N w / (1 + exp(−l)).


# %%
def lead_in_balance(teachers, w):
    def too_high(lead):
        return lead - teachers + 2 * N * w * expit(lead)

    return brentq(too_high, teachers - 2 * N * w - 1, teachers + 1)


# The gradient of minikd agrees: at these logits it is almost 0. T is high, all other classes far off.
left_over = {}
for w in colors:
    lead = lead_in_balance(0.0, w)
    v, z = np.full((2, N), -40.0)
    v[:2] = 0
    q = expit(lead)
    z[:2] = N * w * q, -N * w * q
    gradient = distillation_gradient(z, v, np.array(0), T=1e4, hard_weight=w)
    left_over[w] = abs(gradient).max()
    print(f"w = {w}: where the teacher is of two minds, the student's lead is {lead:.2f}; "
          f"the gradient there is {left_over[w]:.0e}")  # fmt: skip

# %% [markdown]
# ## A student for each weight
# The teacher is that of lessons 05 to 08 (if you have run one of them in this folder, it is read
# from there). The students learn from all of its training images but those of the omitted digit.
# They differ in the weight of the hard targets, which stands beside T² times the soft targets, as in
# the paper; 0 is none.

# %%
TEACHER = Recipe(
    epochs=50, learning_rate=0.1, batch=100, warm_up=100,
    dropout=(0.0, 0.2, 0.5), max_norm=3.5, jitter=2,
)  # fmt: skip
teacher = MLP([784, 400, 400, 10], rng=1)
train(teacher, digits.train, hard_targets(), TEACHER,
      checkpoint="out/.kept", progress="teacher")  # fmt: skip
transfer = digits.train.with_logits(teacher(digits.train.x)).without(OMITTED)

STUDENT = Recipe(epochs=40, learning_rate=0.02, batch=100, warm_up=100)
biases = np.round(np.arange(-5, 15.05, 0.1), 6) + 0.0  # no -0.0
students, sweeps, on_threes = {}, {}, {}
for w in colors:
    students[w] = MLP([784, WIDTH, WIDTH, N], rng=SEED)
    # A heavy weight makes long steps; above 10, a lower rate keeps them in bounds.
    recipe = replace(STUDENT, learning_rate=STUDENT.learning_rate / max(1, w / 10))
    train(students[w], transfer, soft_targets(T, hard_weight=w), recipe, progress=f"w = {w}")
    z = students[w](x)
    sweeps[w], on_threes[w] = (
        sweep_bias(z, y, [OMITTED], biases),
        errors_per_class(z, y)[OMITTED],
    )
    print(f"w = {w}: {errors(z, y)} errors, {on_threes[w]} of them on the unseen {OMITTED}; "
          f"{sweeps[w].errors.min()} with its bias moved by {sweeps[w].best:+.1f}")  # fmt: skip

# %% [markdown]
# ## Where the teacher hesitates
# For each image we take the lead of the omitted digit over the label: how far its logit is above or
# below, the teacher's and the student's. Few images are like a 3 at all. There, the student of hard
# targets is pushed down. (No student can follow each single image: it has one set of weights for all
# of them. So it lies between the balance and its teacher.)

# %%
each = np.arange(len(transfer))


def lead_of_unseen(logits):
    return logits[:, OMITTED] - logits[each, transfer.y]


teachers = lead_of_unseen(transfer.v)
border = min(-5.0, np.sort(teachers)[-20])  # at least some images lie above it
doubtful = teachers >= border
pushed = {w: (lead_of_unseen(students[w](transfer.x)) - teachers) for w in students}
said = softmax(transfer.v.astype(float))[:, OMITTED]
share = 100 * said[doubtful].sum() / said.sum()
print(f"on {doubtful.sum()} of {len(transfer)} images, the lead is above {border:.1f}; they hold "
      f"{share:.0f} % of all that the teacher says of a {OMITTED}")  # fmt: skip
for w, of in pushed.items():
    print(f"w = {w}: pushed by {of[doubtful].mean():+.2f} there, by "
          f"{of[~doubtful].mean():+.2f} elsewhere")  # fmt: skip

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5))
line = np.linspace(-10, 1, 100)
for w, color in colors.items():
    balance = [lead_in_balance(at, w) for at in line]
    left.plot(line, balance, "--", color=color)
    left.plot(teachers, lead_of_unseen(students[w](transfer.x)), ".", color=color, ms=4, alpha=0.6,
              label=f"w = {w}")  # fmt: skip
    right.plot(biases, sweeps[w].errors, color=color)
    right.plot(0, sweeps[w].errors[biases == 0], "o", color=color, ms=8,
               label=f"w = {w}: {on_threes[w]} unseen wrong as trained")  # fmt: skip
    right.plot(sweeps[w].best, sweeps[w].errors.min(), "^", color=color, ms=8)
left.set(xlim=(-10, 1), ylim=(-14, 2), xlabel=f"lead of {OMITTED} over the label: teacher (logits)",
         ylabel="student (logits)")  # fmt: skip
left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3,
            title="dashed: in balance, at a high T")  # fmt: skip
right.set(xlabel=f"added to the bias of class {OMITTED}", ylabel="test errors, all digits",
          yscale="log")  # fmt: skip
right.set_yticks([50, 100, 200, 500, 1000], labels=[50, 100, 200, 500, 1000])
right.minorticks_off()
right.legend(loc="lower left", bbox_to_anchor=(0, 1))
unseen = (y == OMITTED).sum()
title = f"Hard targets know no {OMITTED}: at w = {high:g}, {on_threes[high]} of {unseen} unseen digits "
title += f"are wrong; at w = {low:g}, {on_threes[low]}"
figure.suptitle(title, x=0.01, ha="left", weight="bold")
figure.supxlabel("bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/15_what_hard_targets_say.png"))

# %% [markdown]
# **The claim of this lesson**: hard targets push down the logit of a class that never occurs, where
# the teacher hesitates and nearly nowhere else. A student of strong ones leaves more of that class
# wrong. (Weak ones do little here, because this teacher hardly ever hesitates. On MNIST they do much:
# see docs/hard-targets.md and the experiment hard-weight.)

# %%
claim(max(left_over.values()) < 0.01, "no gradient left in balance",
      f"{max(left_over.values()):.0e} at most",
      "The balance holds where T is much larger than the logits: a very heavy weight makes large "
      "logits.")  # fmt: skip
in_doubt, elsewhere = (pushed[high][some].mean() - pushed[low][some].mean()
                       for some in (doubtful, ~doubtful))  # fmt: skip
claim(in_doubt < -0.5,
      f"a lead lower by 0.5 or more at w = {high:g} than at {low:g}, where the teacher hesitates",
      f"{in_doubt:+.2f}",
      "The push grows like the logarithm of the weight, so similar weights push alike.")  # fmt: skip
claim(abs(elsewhere) < 0.2, "a difference of less than 0.2 elsewhere", f"{elsewhere:+.2f}",
      "All images share one set of weights, so a strong push in some reaches the others too.")  # fmt: skip
claim(on_threes[high] > 1.1 * on_threes[low], "at least 10 % more unseen digits wrong with hard targets",
      f"{on_threes[high]} at w = {high:g} and {on_threes[low]} at w = {low:g}",
      "Where nearly all unseen digits are wrong anyway, or where the teacher never hesitates, hard "
      "targets have little left to do.")  # fmt: skip

# %% [markdown]
# ## Try
# - `WEIGHTS = (0, 8, 100)`. Does a weight twelve times as heavy push twelve times as far? See the lead
#   printed for a teacher of two minds.
# - `OMITTED = 1`. How many images are like a 1? Do hard targets have as much to push?
# - `T = 1`. There the soft targets, too, say almost "never". Which student loses most?
#
# ## To think about
# 1. For a digit that occurs, hard targets help (lesson 14). Why is the same sentence, "this is no 3",
#    harmless there?
# 2. Train a teacher until it is certain of every training image. What would hard targets do to its
#    students then?
# 3. A medical archive has no case of a rare disease. Would you add labels to the soft targets of a
#    teacher that knows it?
