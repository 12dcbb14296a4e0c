# %% [markdown]
# # 04 The high-temperature limit, and logit matching
# Section 2.1 of the paper: let T be far above the logits. Then exp(z/T) ≈ 1 + z/T, and Eq. 2
# becomes Eq. 3:
#
# $$\frac{\partial C}{\partial z_i} \approx \frac{1}{T}\left(
#   \frac{1 + z_i/T}{N + \sum_j z_j/T} - \frac{1 + v_i/T}{N + \sum_j v_j/T}\right)$$
#
# If the logits have mean zero in each case, the sums vanish, and it is Eq. 4:
#
# $$\frac{\partial C}{\partial z_i} \approx \frac{1}{N T^2}(z_i - v_i)$$
#
# which is, up to 1/(N T²), the gradient of ½(z − v)²: *logit matching*, what Bucila et al. did
# in 2006. So it is a special case of distillation.

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
# ## How fast the approximations become exact
# Eq. 2 itself shrinks like T⁻². What exp(x) ≈ 1 + x leaves out is x²/2, one order more; so the
# error should fall like T⁻³. A line fitted through the points on log-log axes tells.

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


def order(error):
    """The power of T that the error follows."""
    return np.polyfit(np.log(T), np.log(error), 1)[0]


size = np.array([np.abs(soft_target_gradient(z, v, t)).max() for t in T])
eq3 = largest_error(high_temperature_gradient, z, v)
eq4 = largest_error(zero_mean_gradient, z0, v0)
eq4_with_means = largest_error(zero_mean_gradient, z, v)
for name, error in (("Eq. 2 itself", size), ("error of Eq. 3", eq3),
                    ("error of Eq. 4, zero means", eq4),
                    ("error of Eq. 4, means left in", eq4_with_means)):  # fmt: skip
    print(f"{name:30} falls like T^{order(error):.3f}")

# %% [markdown]
# The last line is the catch. Softmax ignores the mean of the logits; ½(z − v)² does not. If the
# means of z and v differ, Eq. 4 is wrong by (z̄ − v̄)/(N T²), as large a share of the gradient
# however high T is.
#
# ## Two objectives, nearly the same student
# If the gradients nearly agree, the trainings should stay close. T² times Eq. 4 is (z − v)/N,
# so logit matching at the learning rate r/N should follow soft targets of T = 500 at r. Both
# begin with the same weights. A third student, of T = 2, is the yardstick. Before they are
# compared, the mean over the classes is taken out of each case, since softmax ignores it.

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
print(
    f"correlation with the logits of logit matching: {r_hot:.4f} for T = 500, {r_warm:.4f} for T = 2"
)

# %% [markdown]
# ## The picture

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8))
left.loglog(T, size, color=GREY, ls=":", label=f"Eq. 2 itself, $T^{{{order(size):.2f}}}$")
left.loglog(
    T, eq4_with_means, color=ORANGE,
    label=f"error of Eq. 4, means left in, $T^{{{order(eq4_with_means):.2f}}}$",
)  # fmt: skip
left.loglog(T, eq3, color=BLUE, label=f"error of Eq. 3, $T^{{{order(eq3):.2f}}}$")
left.loglog(
    T, eq4, color=GREEN, ls="--", label=f"error of Eq. 4, zero means, $T^{{{order(eq4):.2f}}}$"
)
left.set(xlabel="temperature T", ylabel="largest element")
left.set_title("Eq. 3 and zero-mean Eq. 4: the error falls faster than the gradient")
left.legend()
for logits, r, color, title in ((warm, r_warm, ORANGE, "T = 2"), (hot, r_hot, BLUE, "T = 500")):
    label = f"{title}: r = {r:.4f}"
    right.plot(
        matching[:300].ravel(), logits[:300].ravel(), ".", color=color, ms=2, label=label
    )
right.axline((0, 0), slope=1, color=GREY, lw=1)
right.set(xlabel="test logits of logit matching", ylabel="test logits of soft targets")
right.set_title("At T = 500, soft targets give nearly the student of ½(z − v)²")
right.legend(markerscale=4)
figure.supxlabel("right: bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/04_the_high_temperature_limit.png"))

# %% [markdown]
# **The claim of this lesson**: Eq. 3 and, for zero-mean logits, Eq. 4 approach Eq. 2 one order
# faster than it shrinks; matching logits is distillation at a very high temperature.

# %%
assert abs(order(eq3) + 3) < 0.05
assert abs(order(eq4) + 3) < 0.05
assert abs(order(eq4_with_means) + 2) < 0.05
assert np.allclose(zero_mean_gradient(z, v, 5.0), logit_matching_gradient(z, v) / (N * 25))
assert r_hot > 0.999 > r_warm
