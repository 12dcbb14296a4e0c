# %% [markdown]
# # 04 The high-temperature limit, and logit matching
# *Before this: lesson 03, with Eq. 2, the gradient (q − p)/T.*
#
# Section 2.1 of the paper asks what happens if T is much larger than the logits. Then
# exp(z/T) ≈ 1 + z/T, and for N classes Eq. 2 becomes Eq. 3:
#
# $$\frac{\partial C}{\partial z_i} \approx \frac{1}{T}\left(
#   \frac{1 + z_i/T}{N + \sum_j z_j/T} - \frac{1 + v_i/T}{N + \sum_j v_j/T}\right)$$
#
# If the logits of each case have mean zero, the sums vanish, and Eq. 4 is left:
#
# $$\frac{\partial C}{\partial z_i} \approx \frac{1}{N T^2}(z_i - v_i)$$
#
# Up to the factor 1/(N T²), this is the gradient of ½(z − v)². Training a student to reproduce the
# teacher's logits is called *logit matching* (Bucila et al. 2006). It is a special case of
# distillation.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import (
    MLP,
    Recipe,
    TrainingDiverged,
    hard_targets,
    load_glyphs,
    logit_matching,
    soft_targets,
    train,
)
from minikd.claims import claim
from minikd.equations import (
    high_temperature_gradient,
    logit_matching_gradient,
    soft_target_gradient,
    zero_mean_gradient,
)
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, save_figure

plt.style.use(HOUSE_STYLE)

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.

# %%
SPREAD = 3.0  # of random logits: their standard deviation, above 0
MEANS = (2.0, -1.0)  # of a case's logits: the student's and the teacher's
HOT, WARM = 500.0, 2.0  # temperatures of two students, above 0
RATE = 0.01  # their learning rate, above 0
WIDTH = 100  # units in each of their two hidden layers, 1 or more
SEED = 2  # of their first weights

# %% [markdown]
# ## How fast the error vanishes
# Eq. 2 itself shrinks like T⁻². The first term that exp(x) ≈ 1 + x leaves out is x²/2, one power
# of 1/T higher. So the error should shrink like T⁻³. On log-log axes a power of T is a straight
# line; its slope is the power.

# %%
rng = np.random.default_rng(0)
N = 10
z0, v0 = (a - a.mean(-1, keepdims=True) for a in rng.normal(0, SPREAD, (2, 100, N)))
z, v = z0 + MEANS[0], v0 + MEANS[1]
T = np.geomspace(100, 10_000, 25)


def largest_error(approximation, z, v):
    exact = [soft_target_gradient(z, v, t) for t in T]
    return np.array(
        [np.abs(approximation(z, v, t) - e).max() for t, e in zip(T, exact, strict=True)]
    )


def power(error):
    """The power of T that the error follows; nan if some of it is exactly 0."""
    if error.min() <= 0:
        return np.nan
    return np.polyfit(np.log(T), np.log(error), 1)[0]


size = np.array([np.abs(soft_target_gradient(z, v, t)).max() for t in T])
eq3 = largest_error(high_temperature_gradient, z, v)
eq4 = largest_error(zero_mean_gradient, z0, v0)
eq4_with_means = largest_error(zero_mean_gradient, z, v)
for name, error in (("Eq. 2 itself", size), ("error of Eq. 3", eq3),
                    ("error of Eq. 4, means taken out", eq4),
                    ("error of Eq. 4, means left in", eq4_with_means)):  # fmt: skip
    print(f"{name:31} shrinks like T^{power(error):.3f}")

# %% [markdown]
# The last line shows the catch. Adding a constant to all logits changes no probability, but it
# changes ½(z − v)². If z and v have different means z̄ and v̄, Eq. 4 is off by (z̄ − v̄)/(N T²). That
# is the same share of the gradient at every T, however high.
#
# ## Two costs, nearly the same student
# If the gradients nearly agree, so should the trained students. T² times Eq. 4 is (z − v)/N. So
# logit matching at the learning rate η/N should give nearly the same student as soft targets at
# a high T and the rate η. Both start from the same weights; a third student, at a low T, is there for
# comparison. We take the *correlation* of their logits on test images: 1 if they differ by no more than
# a factor and a constant. Softmax ignores the mean of the logits, so we subtract it from each case.

# %%
digits = load_glyphs(rng=0, train=2000, test=1000)  # printed digits, not handwriting
teacher = MLP([784, 200, 200, 10], rng=1)
train(teacher, digits.train, hard_targets(), Recipe(epochs=30, learning_rate=0.1, warm_up=20))


def centred(logits):
    return logits - logits.mean(-1, keepdims=True)


transfer = digits.train.with_logits(centred(teacher(digits.train.x)))


failed = []


def student(objective, learning_rate):
    """Test logits of a student, trained; as it began, if training fails."""
    net = MLP([784, WIDTH, WIDTH, 10], rng=SEED)
    try:
        train(net, transfer, objective, Recipe(epochs=15, learning_rate=learning_rate))
    except TrainingDiverged as stopped:
        print(f"{objective.name}: {stopped}")
        failed.append(objective.name)
        net = MLP([784, WIDTH, WIDTH, 10], rng=SEED)
    return centred(net(digits.test.x))


hot, matching = student(soft_targets(HOT), RATE), student(logit_matching(), RATE / N)
warm = student(soft_targets(WARM), RATE)


def correlation(a, b):
    if failed or min(np.ptp(a), np.ptp(b)) == 0:
        return np.nan  # nothing to compare
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


r_hot, r_warm = correlation(hot, matching), correlation(warm, matching)
span = np.ptp(transfer.v, axis=-1).mean()
print(f"the teacher's logits of a case span {span:.0f} on average")
found = f"{r_hot:.4f} at T = {HOT:g}, {r_warm:.4f} at T = {WARM:g}"
found = f"none, since training failed for {' and '.join(failed)}" if failed else found
print(f"correlation with logit matching: {found}")

# %% [markdown]
# ## The picture

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(12.5, 4.8))
for error, color, style, label in (
    (size, GREY, ":", "Eq. 2 itself"),
    (eq4_with_means, ORANGE, "-", "error of Eq. 4, means left in"),
    (eq3, BLUE, "-", "error of Eq. 3"),
    (eq4, GREEN, "--", "error of Eq. 4, means taken out"),
):
    left.loglog(T, error, style, color=color, label=f"{label}: $T^{{{power(error):.2f}}}$")
left.set(xlabel="temperature T", ylabel="largest absolute value, all cases and classes")
left.set_title(
    f"The gradient falls as $T^{{{power(size):.2f}}}$, "
    f"errors of Eq. 3 and 4 as $T^{{{power(eq3):.2f}}}$ and $T^{{{power(eq4):.2f}}}$"
)
left.legend()
for logits, r, color, t in ((warm, r_warm, ORANGE, WARM), (hot, r_hot, BLUE, HOT)):
    right.plot(matching[:300].ravel(), logits[:300].ravel(), ".", color=color, ms=2,
               label=f"T = {t:g}: correlation {r:.4f}")  # fmt: skip
right.axline((0, 0), slope=1, color=GREY, lw=1)
right.set(xlabel="test logits, logit matching", ylabel="test logits, soft targets")
right.set_title(
    "No comparison: training failed" if failed
    else f"At T = {HOT:g}, logits correlate to {r_hot:.4f} with those of logit matching"
)  # fmt: skip
right.legend(markerscale=4)
figure.supxlabel("right: bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/04_the_high_temperature_limit.png"))

# %% [markdown]
# **The claim of this lesson**: as T grows, the errors of Eq. 3 and, for logits of mean zero, of
# Eq. 4 shrink faster than Eq. 2 itself, by a factor of T. Logit matching is distillation at a very
# high temperature.

# %%
assert np.allclose(zero_mean_gradient(z, v, 5.0), logit_matching_gradient(z, v) / (N * 25))
claim(abs(power(size) + 2) < 0.05 and max(abs(power(eq3) + 3), abs(power(eq4) + 3)) < 0.05,
      "powers of about −2 for Eq. 2, −3 for the errors of Eq. 3 and Eq. 4",
      f"{power(size):.2f}, {power(eq3):.2f} and {power(eq4):.2f}",
      "exp(x) is near 1 + x only for small x: T must be much larger than the logits. And where "
      "the error is smaller than a float can show, there is rounding instead.")  # fmt: skip
claim(abs(power(eq4_with_means) + 2) < 0.05,
      "a power of about −2 for the error of Eq. 4 with means left in",
      f"{power(eq4_with_means):.2f}",
      "Only the difference of the two means is in that error. Where they are equal or nearly so, "
      "Eq. 4 needs no means taken out. And T must be much larger than the logits.")  # fmt: skip
claim(bool(r_hot > 0.999 > r_warm), "a correlation with logit matching above 0.999 for the hot student alone",
      found,
      f"T is high only beside the logits, whose span is {span:.0f} here. And a student that fails, "
      "or learns little, is no match for another.")  # fmt: skip

# %% [markdown]
# ## Try
# - `MEANS = (2, 2)`. Which line of the left picture moves, and where to?
# - `SPREAD = 300`. From which T on does Eq. 3 begin to hold?
# - `HOT = 20`, the paper's temperature on MNIST. Is that high, in the sense of this lesson? (No rule
#   gives the best T: one tries some. Lesson 06 shows what it depends on.)
#
# ## To think about
# 1. Why does softmax not care about the mean of the logits, and why does ½(z − v)² care?
# 2. At a high T, a student is made to match logits that are far below the top too. When may that help,
#    and when harm? (The paper says something about it in Section 2.1; lesson 06 measures it.)
# 3. Logit matching has no temperature. What has been chosen for you, then?
