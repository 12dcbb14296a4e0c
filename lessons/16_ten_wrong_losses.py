# %% [markdown]
# # 16 Ten wrong distillation losses
# *Before this: lesson 03, on Eq. 2 and T²; lesson 04, on what becomes of it at a high temperature.*
#
# A distillation loss is two lines of code, and there are many ways to get them wrong. All ten below
# run without an error, and most of them train a student that looks well. This lesson trains a student
# with each, beside one with the right loss, and shows five small tests that tell them apart. The tests
# need nothing but a function that gives the gradient, so you can copy them to any framework.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, gradcheck, hard_targets, load_glyphs, train
from minikd.claims import claim
from minikd.equations import hard_target_cost, hard_target_gradient, log_softmax, softmax
from minikd.objectives import Objective
from minikd.plots import BLUE, HOUSE_STYLE, ORANGE, save_figure
from minikd.watch import TrainingDiverged

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0)  # printed digits, not handwriting
x, y = digits.test.x, digits.test.y

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
T = 8.0  # the temperature of the soft targets
HARD_WEIGHT = 1.0  # of the labels, beside the soft targets
OMITTED = 3  # a digit that no student sees: only soft targets can teach it
EPOCHS = 20
SEED = 2  # of the students' first weights

# %% [markdown]
# ## The losses
# The student has the logits z and, at T, the probabilities q; the teacher v and p. The cost of a case
# is C, and the gradient on z is what a framework would compute from it. The right cost is
# `T² · −Σ p log q`, and its gradient `T (q − p)`. The names say what each of the others got wrong.


# %%
def losses(z, v, T):
    """The cost of each case and the gradient on its logits, for each loss."""
    p, q, log_p, log_q = softmax(v, T), softmax(z, T), log_softmax(v, T), log_softmax(z, T)
    p1, q1, log_q1 = softmax(v), softmax(z), log_softmax(z)
    # Probabilities that add up to 1 over the cases, not over the classes.
    pb, qb, log_qb = softmax(v.T, T).T, softmax(z.T, T).T, log_softmax(z.T, T).T

    def back(g):  # through the softmax, from a gradient on q to one on z / T
        return q * (g - (q * g).sum(-1, keepdims=True))

    return {
        "right": (-(T**2) * (p * log_q).sum(-1), T * (q - p)),
        "T² forgotten": (-(p * log_q).sum(-1), (q - p) / T),
        "T on the teacher alone": (-(T**2) * (p * log_q1).sum(-1), T**2 * (q1 - p)),
        "T on the student alone": (-(T**2) * (p1 * log_q).sum(-1), T * (q - p1)),
        "KL the wrong way round": (T**2 * (q * (log_q - log_p)).sum(-1), T * back(log_q - log_p)),
        "mean over classes, too": (-(T**2) * (p * log_q).mean(-1), T * (q - p) / z.shape[-1]),
        "q for log q": (-(T**2) * (p * q).sum(-1), T * back(-p)),
        "softmax twice": (-(T**2) * (p * log_softmax(q)).sum(-1), T * back(softmax(q) - p)),
        "softmax over the batch": (-(T**2) * (pb * log_qb).sum(-1), T * (qb - pb)),
        "minus forgotten": (T**2 * (p * log_q).sum(-1), -T * (q - p)),
        "teacher beside itself": (-(T**2) * (p * log_p).sum(-1), 0 * z),
    }  # fmt: skip


z, v = np.random.default_rng(0).normal(0, 3, (2, 4, 10))
NAMES = list(losses(z, v, T))
passing = sum(
    gradcheck(lambda z, n=name: losses(z, v, 3.0)[n][0].sum(), z, raise_exception=False,
              gradient=lambda z, n=name: losses(z, v, 3.0)[n][1])
    for name in NAMES[:-1]
)  # fmt: skip
print(f"{passing} of {len(NAMES) - 1} gradients pass a check against their own cost "
      "(the last is always 0: nothing to check)")  # fmt: skip

# %% [markdown]
# So a gradient check finds none of them. It compares a gradient with a cost, and here it is the cost
# that is wrong. One has to ask what the *right* cost has and the wrong one has not.
#
# ## Five tests
# Each asks `g(z, v, T)`, the gradient of T² times the soft cost, one row for each case.


# %%
def rests_at_the_teacher(g):
    """A student with the teacher's logits has nothing left to learn."""
    return np.allclose(g(v, v, 5.0), 0)


def steps_downhill(g):
    """A small step against the gradient brings q nearer to p."""
    p = softmax(v, 2.0)
    before, after = ((p * -log_softmax(a, 2.0)).sum(-1) for a in (z, z - 1e-3 * g(z, v, 2.0)))
    return (after < before).all()


def cases_are_apart(g):
    """What one case asks for does not depend on the others in its batch."""
    return np.allclose(g(z, v, 2.0)[:2], g(z[:2], v[:2], 2.0))


def becomes_logit_matching(g):
    """At a high temperature, Eq. 4 times T² is left: (z − v) / N, for logits of mean 0."""
    a, b = (each - each.mean(-1, keepdims=True) for each in (z, v))
    return np.allclose(g(a, b, 1e5), (a - b) / a.shape[-1], rtol=1e-3, atol=1e-4)


def gives_a_number_worked_by_hand(g):
    """Two classes: p = (3/4, 1/4) and q = (1/2, 1/2), so q − p = (−1/4, 1/4)."""
    twice = np.log([[3.0, 1.0], [3.0, 1.0]])
    return np.allclose(g(0 * twice, twice, 1.0), [-0.25, 0.25])


TESTS = (rests_at_the_teacher, steps_downhill, cases_are_apart,
         becomes_logit_matching, gives_a_number_worked_by_hand)  # fmt: skip
caught = {
    name: [t.__name__ for t in TESTS if not t(lambda z, v, T, n=name: losses(z, v, T)[n][1])]
    for name in NAMES
}
for name, by in caught.items():
    print(f"{name:24}fails {', '.join(by).replace('_', ' ') or 'none'}")

# %% [markdown]
# ## What each does to a student
# The teacher is that of lessons 05 to 08 and 15 (if you have run one of them in this folder, it is
# read from there). The students see hard targets too, but no image of the omitted digit. That one they
# can only know from the soft targets, so it shows at once whether these arrive.

# %%
TEACHER = Recipe(
    epochs=50, learning_rate=0.1, batch=100, warm_up=100, dropout=(0.0, 0.2, 0.5), max_norm=3.5, jitter=2,
)  # fmt: skip
teacher = MLP([784, 400, 400, 10], rng=1)
train(teacher, digits.train, hard_targets(), TEACHER,
      checkpoint="out/.kept", progress="teacher")  # fmt: skip
transfer = digits.train.with_logits(teacher(digits.train.x)).without(OMITTED)
STUDENT = Recipe(EPOCHS, learning_rate=0.02, batch=100, warm_up=100)


def with_labels(name):
    return Objective(
        name, needs="vy",
        cost=lambda z, b: losses(z, b.v, T)[name][0] + HARD_WEIGHT * hard_target_cost(z, b.y),
        gradient=lambda z, b: losses(z, b.v, T)[name][1].astype(z.dtype)
        + HARD_WEIGHT * hard_target_gradient(z, b.y),
    )  # fmt: skip


curves, found = {name: [] for name in NAMES}, {}
for name in NAMES:
    student = MLP([784, 100, 100, 10], rng=SEED)

    def look(net, epoch, curve=curves[name]):
        curve.append(100 * float((net(x).argmax(-1) != y).mean()))

    try:
        train(student, transfer, with_labels(name), STUDENT, observe=look, progress=name)
    except TrainingDiverged as error:
        print(f"{name:24}{str(error).split(':')[0]}")
        continue
    found[name] = 100 * (student(x[y == OMITTED]).argmax(-1) == OMITTED).mean()
    print(
        f"{name:24}{curves[name][-1]:4.1f} % wrong; {found[name]:3.0f} % of the {OMITTED}s found"
    )

# %%
figure, panels = plt.subplots(2, 5, figsize=(15, 6.6), sharey=True, layout="constrained")
for panel, name in zip(panels.flat, NAMES[1:], strict=True):
    for which, color, label in (("right", BLUE, "right"), (name, ORANGE, "wrong")):
        panel.plot(range(1, len(curves[which]) + 1), curves[which], color=color, label=label)
    said = f"finds {found[name]:.0f} % of the {OMITTED}s" if name in found else "diverges"
    said += f"\nfails {len(caught[name])} of {len(TESTS)} tests"
    panel.text(0.97, 0.95, said, transform=panel.transAxes, ha="right", va="top")
    panel.set(ylim=(0, 50), title=name)
panels[0, 0].legend(loc="lower left")
figure.supylabel("test images wrong (%), after each epoch")
others, right = [found[name] for name in NAMES[1:] if name in found], found.get("right", 0)
figure.suptitle(f"The right loss finds {right:.0f} % of the unseen {OMITTED}s. Of ten wrong ones, "
                f"{len(others)} train without an error, and find at most {max(others, default=0):.0f} %",
                x=0.01, ha="left", weight="bold")  # fmt: skip
print("wrote", save_figure(figure, "out/16_ten_wrong_losses.png"))

# %% [markdown]
# Most of these were seen in public code: [where, and the right loss in PyTorch, Keras and
# JAX](../docs/right-loss.md).
#
# **The claim of this lesson**: a gradient check finds none of the ten, and a training run shows only
# some of them. Two tests find all: Eq. 4 at a high temperature, and one number worked by hand.

# %%
claim(passing == 10, "10 gradients to pass a check against their own costs", f"{passing}")
claim(not caught["right"], "the right loss to fail no test", f"{len(caught['right'])}")
two = [name for name in NAMES[1:] if any(test.__name__ in caught[name] for test in TESTS[-2:])]
claim(len(two) == 10, "the last two tests to find all ten", f"{len(two)}")
claim(right > 20 and sum(each < right / 4 for each in others) >= 5,
      f"more than 20 % of the unseen {OMITTED}s found by the right loss, and less than a quarter of that "
      "by at least five others", f"{right:.0f} % and {sorted(round(each) for each in others)}",
      "Soft targets need time, a temperature, and enough weight beside the hard ones.")  # fmt: skip
backwards = found.get("KL the wrong way round", 0)
claim(backwards > right / 4 > 0, "more than a quarter by the KL the wrong way round",
      f"{backwards:.0f} %", "At a lower T the two ways differ more.")  # fmt: skip

# %% [markdown]
# ## Try
# - `HARD_WEIGHT = 0`. Which of the wrong losses now do as well as the right one, and why?
# - `T = 1` or 2. KL(q ‖ p) and KL(p ‖ q) agree to second order in q − p. Where do you see that?
# - Add an eleventh: T² times the hard cost, too. Which test could find it, if each had the labels?
#
# ## To think about
# 1. Which of these losses would you see in the curve of the training cost, and which not?
# 2. `softmax over the batch` passes two tests that most others fail. Why?
# 3. Adam divides each gradient by its usual size. Which of the ten does that hide?
