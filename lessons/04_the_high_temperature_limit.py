# %% [markdown]
# # 04 The high-temperature limit, and logit matching
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

from minikd import MLP, Recipe, hard_targets, load_glyphs, logit_matching, soft_targets, train
from minikd.equations import (
    high_temperature_gradient,
    logit_matching_gradient,
    soft_target_gradient,
    zero_mean_gradient,
)
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, save_figure

plt.style.use(HOUSE_STYLE)

# %% [markdown]
# ## How fast the error vanishes
# Eq. 2 itself shrinks like T⁻². The first term that exp(x) ≈ 1 + x leaves out is x²/2, one power
# of 1/T higher. So the error should shrink like T⁻³. On log-log axes a power of T is a straight
# line; its slope is the power.

# %%
rng = np.random.default_rng(0)
N = 10
z, v = rng.normal(0, 3, (2, 100, N)) + np.array([2.0, -1.0])[:, None, None]
z0, v0 = (a - a.mean(-1, keepdims=True) for a in (z, v))
T = np.geomspace(100, 10_000, 25)


def largest_error(approximation, z, v):
    exact = [soft_target_gradient(z, v, t) for t in T]
    return np.array(
        [np.abs(approximation(z, v, t) - e).max() for t, e in zip(T, exact, strict=True)]
    )


def power(error):
    """The power of T that the error follows."""
    return np.polyfit(np.log(T), np.log(error), 1)[0]


size = np.array([np.abs(soft_target_gradient(z, v, t)).max() for t in T])
eq3 = largest_error(high_temperature_gradient, z, v)
eq4 = largest_error(zero_mean_gradient, z0, v0)
eq4_with_means = largest_error(zero_mean_gradient, z, v)
for name, error in (("Eq. 2 itself", size), ("error of Eq. 3", eq3),
                    ("error of Eq. 4, means zero", eq4),
                    ("error of Eq. 4, means not zero", eq4_with_means)):  # fmt: skip
    print(f"{name:30} shrinks like T^{power(error):.3f}")

# %% [markdown]
# The last line shows the catch. Adding a constant to all logits changes no probability, but it
# changes ½(z − v)². If z and v have different means, Eq. 4 is off by (z̄ − v̄)/(N T²). That is the
# same share of the gradient at every T, however high.
#
# ## Two costs, nearly the same student
# If the gradients nearly agree, so should the trained students. T² times Eq. 4 is (z − v)/N. So
# logit matching at the learning rate r/N should give nearly the same student as soft targets at
# T = 500 and the rate r. Both start from the same weights; a third student, at T = 2, is there for
# comparison. Softmax ignores the mean of the logits, so we subtract it from each case.

# %%
digits = load_glyphs(rng=0, train=2000, test=1000)  # printed digits, not handwriting
teacher = MLP([784, 200, 200, 10], rng=1)
train(teacher, digits.train, hard_targets(), Recipe(epochs=30, learning_rate=0.1, warm_up=20))


def centred(logits):
    return logits - logits.mean(-1, keepdims=True)


transfer = digits.train.with_logits(centred(teacher(digits.train.x)))


def student(objective, learning_rate):
    net = MLP([784, 100, 100, 10], rng=2)
    train(net, transfer, objective, Recipe(epochs=15, learning_rate=learning_rate))
    return centred(net(digits.test.x))


hot, matching = student(soft_targets(T=500), 0.01), student(logit_matching(), 0.01 / N)
warm = student(soft_targets(T=2), 0.01)


def correlation(a, b):
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


r_hot, r_warm = correlation(hot, matching), correlation(warm, matching)
print(f"correlation with logit matching: {r_hot:.4f} at T = 500, {r_warm:.4f} at T = 2")

# %% [markdown]
# ## The picture

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8))
for error, color, style, label in (
    (size, GREY, ":", "Eq. 2 itself"),
    (eq4_with_means, ORANGE, "-", "error of Eq. 4, means not zero"),
    (eq3, BLUE, "-", "error of Eq. 3"),
    (eq4, GREEN, "--", "error of Eq. 4, means zero"),
):
    left.loglog(T, error, style, color=color, label=f"{label}: $T^{{{power(error):.2f}}}$")
left.set(xlabel="temperature T", ylabel="largest absolute value, all cases and classes")
left.set_title(
    f"The gradient shrinks like $T^{{{power(size):.2f}}}$, "
    f"the errors of Eq. 3 and Eq. 4 like $T^{{{power(eq3):.2f}}}$"
)
left.legend()
for logits, r, color, label in ((warm, r_warm, ORANGE, "T = 2"), (hot, r_hot, BLUE, "T = 500")):
    right.plot(
        matching[:300].ravel(), logits[:300].ravel(), ".", color=color, ms=2,
        label=f"{label}: r = {r:.4f}",
    )  # fmt: skip
right.axline((0, 0), slope=1, color=GREY, lw=1)
right.set(xlabel="test logits, logit matching", ylabel="test logits, soft targets")
right.set_title(f"Soft targets at T = 500 and logit matching agree: r = {r_hot:.4f}")
right.legend(markerscale=4)
figure.supxlabel("right: bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/04_the_high_temperature_limit.png"))

# %% [markdown]
# **The claim of this lesson**: as T grows, the errors of Eq. 3 and, for logits of mean zero, of
# Eq. 4 shrink faster than Eq. 2 itself, by a factor of T. Logit matching is distillation at a very
# high temperature.

# %%
assert abs(power(size) + 2) < 0.05
assert abs(power(eq3) + 3) < 0.05
assert abs(power(eq4) + 3) < 0.05
assert abs(power(eq4_with_means) + 2) < 0.05
assert np.allclose(zero_mean_gradient(z, v, 5.0), logit_matching_gradient(z, v) / (N * 25))
assert r_hot > 0.999 > r_warm
