# %% [markdown]
# # 06 Temperature and width
# Which temperature is best? Section 3 of the paper tried it on MNIST: with 300 units or more in
# each of the student's two hidden layers, all temperatures above 8 gave much the same. With only
# 30 units, temperatures from 2.5 to 4 were clearly better than any above or below. Here is the
# same on the bundled printed digits, not handwriting, where "narrow" is 10 units.

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import MLP, Recipe, hard_targets, load_glyphs, soft_targets, train
from minikd.equations import soft_target_cost, softmax
from minikd.evaluate import errors
from minikd.experiments.record import full_run
from minikd.plots import BLUE, GREEN, GREY, HOUSE_STYLE, ORANGE, plot_record, save_figure
from minikd.report import temperature_verdict

plt.style.use(HOUSE_STYLE)
digits = load_glyphs(rng=0)
x, y = digits.test.x, digits.test.y

# %% [markdown]
# ## What the full run found
# On MNIST, with the paper's widths, from the record that comes with minikd.

# %%
record = full_run("temperature-width")
print("on MNIST:", *temperature_verdict(record), sep="\n- ")
print("wrote", save_figure(plot_record(record), "out/06_on_mnist.png"))

# %% [markdown]
# ## The teacher of lesson 05
# If that lesson was run in this folder, its teacher is taken from there.

# %%
TEACHER = Recipe(
    epochs=50, learning_rate=0.1, batch=100, warm_up=100,
    dropout=(0.0, 0.2, 0.5), max_norm=3.5, jitter=2,
)  # fmt: skip
teacher = MLP([784, 400, 400, 10], rng=1)
train(teacher, digits.train, hard_targets(), TEACHER,
      checkpoint="out/.kept/lesson_teacher.npz", progress="teacher")  # fmt: skip
transfer, validation = digits.train.with_logits(teacher(digits.train.x)).split(1000, rng=4)

# %% [markdown]
# ## Sixty students in two runs
# A student for each temperature; of the narrow ones five for each, from five different initial
# weights, because one narrow student is luck. They need not be trained one by one. An `MLP`
# made from a list of seeds is a *stack*: its weights have an axis in front, one entry for each
# member, and `x @ W` multiplies them all. Each member gets a temperature of its own, and learns
# what it would learn alone.

# %%
T = np.array([1, 2, 2.5, 3, 4, 6, 8, 12, 20, 40])
STUDENT = Recipe(epochs=15, learning_rate=0.02, batch=100, warm_up=100)
SEEDS = [2, 4002, 8002, 12002, 16002]

narrow = MLP([784, 10, 10, 10], rng=SEEDS * len(T))
print(f"weights of the first layer of {narrow}: {narrow.parameters[0].shape}")
train(narrow, transfer, soft_targets(np.repeat(T, 5)), STUDENT, progress="narrow")
wide = MLP([784, 300, 300, 10], rng=SEEDS[:1] * len(T))
train(wide, transfer, soft_targets(T), STUDENT, progress="wide")

z_narrow, z_wide = narrow(x), wide(x)  # (50, 4000, 10) and (10, 4000, 10)
errors_narrow, errors_wide = errors(z_narrow, y).reshape(-1, 5), errors(z_wide, y)
for row in zip(
    T, errors_narrow.mean(-1), errors_narrow.std(-1, ddof=1), errors_wide, strict=True
):
    print("T = {:4g}: narrow {:4.0f} ± {:3.0f} errors, wide {:3d}".format(*row))

# %% [markdown]
# ## Choosing T without labels
# On held-out cases, the temperature whose students agree best with the teacher. No label is
# read, and no test case.

# %%
says = validation.v.argmax(-1)
by_teacher = (
    T[errors(narrow(validation.x), says).reshape(-1, 5).mean(-1).argmin()],
    T[errors(wide(validation.x), says).argmin()],
)
best = T[errors_narrow.mean(-1).argmin()], T[errors_wide.argmin()]
print(f"best on the test set: T = {best[0]:g} (narrow), {best[1]:g} (wide); "
      f"chosen by the teacher: {by_teacher[0]:g}, {by_teacher[1]:g}")  # fmt: skip

# %% [markdown]
# ## Why
# Section 2.1 of the paper: at a low temperature only logits near the top count; at a high one all
# count alike (lesson 04), also those far below, which may be noise. A student that is off by a
# little, d in one logit, pays ½ p (1 - p) d² more than one that is not, with p the soft target at
# T and T² in the cost. So sort the teacher's logits of each case, and see how the p (1 - p) fall
# on the ranks. A narrow student cannot match every logit. At T = 40 it spends itself on the bottom,
# at T = 1 it learns little but the label, and between it learns what is near the top.

# %%
v = teacher(x)


def attention(t):
    """Share of each rank of the teacher's logits, the largest first, in the p (1 - p)."""
    p = np.sort(softmax(v, t), axis=-1)[:, ::-1]
    weight = (p * (1 - p)).mean(0)
    return weight / weight.sum()


one, d = v[:1].astype(float), 1e-2 * np.eye(10)  # off by 0.01 in one logit, in ten ways
cost = soft_target_cost(one + d, one, 4.0) - soft_target_cost(one, one, 4.0)
p = softmax(one, 4.0)[0]
np.testing.assert_allclose(4.0**2 * cost, 0.5 * p * (1 - p) * 0.01**2, rtol=0.01)

# %% [markdown]
# ## The picture

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5))
mean, sd = errors_narrow.mean(-1), errors_narrow.std(-1, ddof=1)
left.plot(T, mean, "o-", color=ORANGE, label="10 units, mean of 5 students")
left.fill_between(T, mean - sd, mean + sd, color=ORANGE, alpha=0.15, lw=0)
left.plot(T, errors_wide, "s-", color=BLUE, label="300 units")
left.set(xscale="log", yscale="log", xlabel="temperature T", ylabel=f"errors of {len(y)}")
left.set_xticks(T, labels=[f"{t:g}" if t != 2.5 else "" for t in T])
left.set_yticks([50, 100, 200, 500, 1000], labels=[50, 100, 200, 500, 1000])
left.minorticks_off()
left.set_title(f"10 units do best at T = {best[0]:g}, 300 at T = {best[1]:g}")
left.legend(loc="center right")
for k, (t, color) in enumerate(((1, GREEN), (4, ORANGE), (40, GREY))):
    right.bar(
        np.arange(1, 11) + 0.27 * (k - 1), attention(t), 0.27, color=color, label=f"T = {t}"
    )
right.set(xticks=range(1, 11), xlabel="rank of the teacher's logit", ylabel="share in the cost")
right.set_title("At T = 1 only the top two logits count, at T = 40 all alike")
right.legend()
figure.supxlabel("bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/06_temperature_and_width.png"))

# %% [markdown]
# **The claim of this lesson**: a narrow student does best at a temperature between, and clearly
# worse at T = 1 and at T = 40. For a wide one, all temperatures above 8 are far better than
# T = 1, and much alike.

# %%
assert 2 <= best[0] <= 8
for other in (0, -1):
    worse = errors_narrow[other] - errors_narrow[mean.argmin()]
    assert worse.mean() > 2 * worse.std(ddof=1) / np.sqrt(5)
assert errors_wide[T > 8].max() < 0.5 * errors_wide[0]
assert attention(1)[:2].sum() > 0.8
assert attention(4)[:2].sum() > 0.4
assert attention(40)[:2].sum() < 0.3
