# %% [markdown]
# # 03 The distillation gradient, and why T²
# *Before this: lesson 01 for softmax and T, lesson 02 for gradients.*
#
# A student with logits z learns from a teacher with logits v. In training, both are softened at
# the same temperature: p = softmax(v/T) and q = softmax(z/T). (After training, the student is used
# at T = 1.) The cost is the *cross-entropy* $C = -\sum_i p_i \log q_i$. It is lowest where q = p. Its
# excess over that minimum is the *KL divergence* $\sum_i p_i \log (p_i / q_i)$. The minimum is the
# entropy of p, which does not depend on z; so both have the same gradient, Eq. 2 of the paper:
#
# $$\frac{\partial C}{\partial z_i} = \frac{1}{T}(q_i - p_i)$$

# %%
import matplotlib.pyplot as plt
import numpy as np

import minikd
from minikd import MLP, Recipe, gradcheck, hard_targets, load_glyphs, soft_targets, train
from minikd import equations as eq
from minikd.claims import claim
from minikd.plots import BLUE, GREY, HOUSE_STYLE, ORANGE, save_figure

plt.style.use(HOUSE_STYLE)

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.
# The *learning rate* is the factor on the gradient in each step. The rates matter in the second half.

# %%
T = 20.0  # the temperature of the soft targets that students are trained on, above 0
HIGH, LOW = 0.3, 0.02  # two learning rates, above 0
WIDTH = 100  # units in each of the student's two hidden layers, 1 or more
SEED = 2  # of the student's first weights

# %% [markdown]
# ## Where q − p comes from
# Because the pᵢ sum to 1, $C = -\sum_i p_i z_i / T + \log \sum_j \exp(z_j/T)$. With respect to zᵢ,
# the first term has the derivative −pᵢ/T, the second (1/T) exp(zᵢ/T) / Σⱼ exp(zⱼ/T) = qᵢ/T.

# %%
z, v = np.random.default_rng(0).normal(0, 3, (2, 5, 10))


def cost(z):
    gradient = (eq.softmax(z, T) - eq.softmax(v, T)) / T
    return eq.soft_target_cost(z, v, T), lambda dC: dC[:, None] * gradient


passed = gradcheck(cost, z, raise_exception=False)
print(f"Eq. 2 at T = {T:g} {'passes' if passed else 'fails'} the check of lesson 02")

# %% [markdown]
# ## Why T²
# One factor 1/T stands in front. Another hides in q − p: for N classes, logits of mean zero and a
# large T, q − p ≈ (z − v)/(N T) (lesson 04). So the gradient of soft targets fades like 1/T². That of
# hard targets does not, because they stay at T = 1. Where a cost has both, the paper multiplies the
# soft part by T²; then the balance of the two stays *roughly* the same when T is changed. (minikd's
# `soft_targets(T)` and `distillation_gradient` always include the factor T².)


# %%
def length(gradient):
    return np.linalg.norm(gradient, axis=-1).mean()


plain = {t: length(eq.soft_target_gradient(z, v, t)) for t in (10, 20, 40, 80)}
squared = {t: length(eq.distillation_gradient(z, v, T=t)) for t in plain}
for t in plain:
    print(f"T = {t}:  Eq. 2 {plain[t]:.6f}   times T² {squared[t]:.4f}")
assert abs(plain[80] / plain[40] - 1 / 4) < 0.01
assert abs(squared[80] / squared[40] - 1) < 0.04

# %% [markdown]
# ## The price of T²: a lower learning rate
# As T grows, T² times Eq. 2 approaches (z − v)/N for logits of mean zero, and the logits of a good
# teacher span tens of units. The gradient of a hard target on the logits, q − p, is the difference of
# two sets of probabilities, and never longer than √2. So with T², soft targets may need a lower
# learning rate. (With soft targets alone, T² is nothing but a factor in
# the rate: at T = 20, a rate of 0.02 with T² equals one of 8 without.) The cases that a student
# learns from are its *transfer set*; here they are the teacher's own training images.

# %%
digits = load_glyphs(rng=0, train=2000, test=500)  # printed digits, not handwriting
x, y = digits.train.x, digits.train.y
teacher = MLP([784, 200, 200, 10], rng=1)
train(teacher, digits.train, hard_targets(), Recipe(epochs=30, learning_rate=0.1, warm_up=20))
v = teacher(x)
print(f"the teacher's logits range from {v.min():.0f} to {v.max():.0f}")

z = MLP([784, WIDTH, WIDTH, 10], rng=SEED)(x)  # a student that has learnt nothing yet
temperatures = np.geomspace(1, 50, 40)
unit = length(eq.hard_target_gradient(z, y))
with_T2 = [length(eq.distillation_gradient(z, v, T=t)) / unit for t in temperatures]
without = [length(eq.soft_target_gradient(z, v, T=t)) / unit for t in temperatures]

# %% [markdown]
# Three runs from the same initial weights: hard targets at a high learning rate, soft targets at a
# low one, and soft targets at the high one. Each step keeps 0.9 of the last one (*momentum*).

# %%
STEPS = 240


def descend(p, T, rate):
    """After each step: the training cases that are right (%), and whether the net still lives."""
    net, rng, seen = MLP([784, WIDTH, WIDTH, 10], rng=SEED), np.random.default_rng(0), []
    velocities = [np.zeros_like(w) for w in net.parameters]
    while len(seen) < STEPS:
        some = rng.choice(len(x), 128, replace=False)
        z, caches = net.forward(x[some])
        dz = T * (eq.softmax(z, T) - p[some])  # T² times Eq. 2
        gradients = net.backward(dz / len(some), caches)
        for w, velocity, dw in zip(net.parameters, velocities, gradients, strict=True):
            velocity[...] = 0.9 * velocity - rate * dw
            w += velocity
        z = net(x)
        right = 100 * (z.argmax(-1) == y).mean()
        if not np.isfinite(z).all():  # overflow: no later step can repair it
            seen += [(right, False)] * (STEPS - len(seen))
        else:
            seen.append((right, np.ptp(z, axis=0).any()))
    return np.array(seen).T


hard, soft = np.eye(10)[y], eq.softmax(v, T)
with np.errstate(all="ignore"):  # what overflows is seen and reported
    (hard_high, _), (soft_low, _) = descend(hard, 1, HIGH), descend(soft, T, LOW)
    soft_high, alive = descend(soft, T, HIGH)
# From this step on, no image has logits of its own; None if that does not happen.
dead = None if alive[-1] else int(np.flatnonzero(np.r_[True, alive])[-1]) + 1

# %% [markdown]
# With the settings as they came, the last run fails. Its steps are so long that in the end every unit
# of a hidden layer is off, for every image: *dying ReLUs*. No gradient passes through them, so they
# stay off, and all images get the same logits. There is no overflow and no NaN to notice. `train`
# checks for dead layers and stops (it draws other batches, so not at the same step):

# %%
stopped = ""
try:
    net, transfer = MLP([784, WIDTH, WIDTH, 10], rng=SEED), digits.train.with_logits(v)
    train(net, transfer, soft_targets(T), Recipe(epochs=15, learning_rate=HIGH))
except minikd.TrainingDiverged as error:
    stopped = str(error)
print(stopped or "training went through to the end")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5))
left.loglog(temperatures, without, color=ORANGE, label="soft targets, Eq. 2")
left.loglog(temperatures, with_T2, color=BLUE, label="soft targets, Eq. 2 times T²")
left.axhline(1, color=GREY, ls="--", lw=1, label="hard targets")
left.set(xlabel="temperature T", ylabel="length of the gradient (hard targets = 1)")
left.set_xticks([1, 2, 5, 10, 20, 50], labels=[1, 2, 5, 10, 20, 50])
left.set_title(
    f"The gradient of Eq. 2 fades to {without[-1]:.1g} at T = 50; times T², it is {with_T2[-1]:.2g}"
)
left.legend(loc="lower left")
steps = np.arange(1, STEPS + 1)
right.plot(steps, hard_high, color=GREY, label=f"hard targets, rate {HIGH:g}")
right.plot(steps, soft_low, color=BLUE, label=f"soft targets, rate {LOW:g}")
right.plot(steps, soft_high, color=ORANGE, label=f"soft targets, rate {HIGH:g}")
ends = f"reach {soft_high[-1]:.0f} %"
if dead:
    right.plot(dead, soft_high[dead - 1], "X", color=ORANGE, ms=11, label="dead: one answer")
    ends = f"die at step {dead}"
right.set(xscale="log", xlabel="step", ylabel="training cases right (%)", ylim=(0, 100))
right.set_xticks([1, 10, 100], labels=[1, 10, 100])
said = f"Rate {HIGH:g}: hard targets reach {hard_high[-1]:.0f} %, soft ones at T = {T:g} {ends}"
right.set_title(said)
right.legend(loc="upper left")
figure.supxlabel("bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/03_the_distillation_gradient.png"))

# %% [markdown]
# **The claim of this lesson**: Eq. 2 is the gradient, it fades like 1/T², T² undoes that, and
# with T² a high temperature needs a lower learning rate than hard targets do.

# %%
claim(passed, "Eq. 2 passes the check of a gradient", "a pass" if passed else "a mistake",
      "At a very low T, the cost has almost a kink where two logits meet. At a very high one, "
      "the derivative drowns in rounding.")  # fmt: skip
claim(with_T2[-1] > 1 > without[-1],
      "at T = 50 a gradient longer than that of hard targets with T², and shorter without",
      f"{with_T2[-1]:.2f} and {without[-1]:.4f} times as long",
      "The length depends on how far the student's logits are from the teacher's.")  # fmt: skip
claim(min(hard_high[-1], soft_low[-1]) > 80,
      f"more than 80 % right by hard targets at rate {HIGH:g} and by soft ones at rate {LOW:g}",
      f"{hard_high[-1]:.0f} % and {soft_low[-1]:.0f} %",
      "Too high a rate destroys a network, too low a rate hardly moves it, and a narrow one "
      "dies easily or cannot learn so much.")  # fmt: skip
claim(dead is not None and bool(stopped),
      f"soft targets at rate {HIGH:g} kill the network, above and in `train`",
      f"above, {f'dead from step {dead} on' if dead else f'alive after {STEPS} steps'}; "
      f"in `train`, {'stopped' if stopped else 'not stopped'}",
      "At a low T or a lower rate, the steps are short enough. A wide network also has more units "
      "to spare.")  # fmt: skip

# %% [markdown]
# ## Try
# - `T = 1`. Why does the network survive the high rate?
# - Halve `HIGH` until the soft targets live. How far is that from `LOW`?
# - `T = 100`. Must `LOW` be changed again, or has the gradient levelled off?
#
# ## To think about
# 1. With soft targets alone, T² is only a factor in the learning rate. Why is it still useful to have it?
# 2. Eq. 2 is 0 where q = p. Must z then equal v?
# 3. A network of which all hidden units are off still answers. What does it answer, and why does the
#    test error alone not show what happened?
