# %% [markdown]
# # 03 The distillation gradient, and why T²
# A student with logits z learns from a teacher with logits v. In training both are softened at
# the same temperature T, p = softmax(v/T) and q = softmax(z/T), and the cost is their
# cross-entropy $C = -\sum_i p_i \log q_i$. (Afterwards the student is used at T = 1.) Its
# gradient is Eq. 2 of the paper:
#
# $$\frac{\partial C}{\partial z_i} = \frac{1}{T}(q_i - p_i)$$

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd import (
    MLP,
    Recipe,
    TrainingDiverged,
    gradcheck,
    hard_targets,
    load_glyphs,
    soft_targets,
    train,
)
from minikd import equations as eq
from minikd.plots import BLUE, GREY, HOUSE_STYLE, ORANGE, save_figure

plt.style.use(HOUSE_STYLE)

# %% [markdown]
# ## Where q − p comes from
# Because the p sum to 1, $C = -\sum_i p_i z_i / T + \log \sum_j \exp(z_j/T)$. The derivative of
# the first term by zᵢ is −pᵢ/T. That of the second is (1/T) exp(zᵢ/T) / Σⱼ exp(zⱼ/T) = qᵢ/T.
# That is all.

# %%
rng = np.random.default_rng(0)
z, v = rng.normal(0, 3, (2, 5, 10))


def cost(z, T=4.0):
    gradient = (eq.softmax(z, T) - eq.softmax(v, T)) / T
    return eq.soft_target_cost(z, v, T), lambda dC: dC[:, None] * gradient


assert gradcheck(cost, z)

# %% [markdown]
# ## Why T²
# The 1/T in front is one factor that shrinks the gradient. The other hides in q − p: with
# exp(x) ≈ 1 + x, and logits of mean zero, q − p ≈ (z − v)/(N T) (lesson 04). So soft targets
# fade like 1/T², while hard targets stay at T = 1. Where both are used, the paper multiplies
# the soft ones by T², so that their shares stay *roughly* the same when T is changed.


# %%
def length(gradient):
    return np.linalg.norm(gradient, axis=-1).mean()


for T in (10.0, 20.0, 40.0, 80.0):
    alone, squared = eq.soft_target_gradient(z, v, T), eq.distillation_gradient(z, v, T=T)
    print(f"T = {T:3.0f}:  Eq. 2 {length(alone):.6f}   times T² {length(squared):.4f}")
fades = length(eq.soft_target_gradient(z, v, 80)) / length(eq.soft_target_gradient(z, v, 40))
stays = length(eq.distillation_gradient(z, v, T=80)) / length(
    eq.distillation_gradient(z, v, T=40)
)
assert abs(fades - 1 / 4) < 0.01
assert abs(stays - 1) < 0.04

# %% [markdown]
# ## What T² costs: the learning rate
# T² times Eq. 2 settles at (z − v)/N, means taken out, and a good teacher's logits spread over
# tens. The gradient of hard targets is never longer than √2. So with T² a student of soft
# targets may need a lower rate than one of hard labels. (With soft targets alone, T² is nothing
# but a factor on the rate: 0.02 with it is 8 without it at T = 20.)

# %%
digits = load_glyphs(rng=0, train=2000, test=500)  # printed digits, not handwriting
teacher = MLP([784, 200, 200, 10], rng=1)
train(teacher, digits.train, hard_targets(), Recipe(epochs=30, learning_rate=0.1, warm_up=20))
v_teacher = teacher(digits.train.x)
transfer = digits.train.with_logits(v_teacher)
print(f"the teacher's logits spread from {v_teacher.min():.0f} to {v_teacher.max():.0f}")

z = MLP([784, 100, 100, 10], rng=2)(digits.train.x)
temperatures = np.geomspace(1, 50, 40)
hard = length(eq.hard_target_gradient(z, digits.train.y))
with_T2 = [length(eq.distillation_gradient(z, v_teacher, T=T)) / hard for T in temperatures]
without = [length(eq.soft_target_gradient(z, v_teacher, T=T)) / hard for T in temperatures]

# %% [markdown]
# One student, one seed, three runs: hard labels at a high rate, soft targets at the same rate,
# soft targets at a lower one. The second ends in a network whose hidden units are all off and
# which gives every image the same answer. Nothing overflows and no NaN appears: unless
# somebody looks, it fails quietly. The library looks, and stops. (At 0.1 some seeds die and some
# do not.)

# %%
HIGH, LOW = 0.3, 0.02


def student(objective, learning_rate):
    net = MLP([784, 100, 100, 10], rng=2)
    recipe = Recipe(epochs=15, learning_rate=learning_rate)
    return train(net, transfer, objective, recipe).costs


hard_costs, soft_costs = student(hard_targets(), HIGH), student(soft_targets(T=20), LOW)
try:
    student(soft_targets(T=20), HIGH)
    stopped = None
except TrainingDiverged as error:
    stopped = error
print(stopped)

# %% [markdown]
# ## The picture

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5))
left.loglog(temperatures, without, color=ORANGE, label="Eq. 2 alone")
left.loglog(temperatures, with_T2, color=BLUE, label="times T²")
left.axhline(1, color=GREY, ls="--", lw=1)
left.text(50, 0.9, "hard targets", color=GREY, ha="right", va="top")
left.set(xlabel="temperature T", ylabel="length of the gradient, relative to hard targets")
left.set_title("T² undoes the fading, and pulls harder than hard targets do")
left.legend(loc="lower left")
epochs = np.arange(1, 16)
right.semilogy(epochs, hard_costs, color=GREY, label=f"hard labels at {HIGH}")
right.semilogy(epochs, soft_costs, color=BLUE, label=f"T = 20 at {LOW}")
right.axvline(stopped.step / 16, color=ORANGE, ls=":", label=f"T = 20 at {HIGH}: stopped here")
right.set(xlabel="epoch", ylabel="cost above its floor (nats)", xticks=epochs[::2])
right.set_title("A rate that hard labels bear is too high for T = 20")
right.legend()
figure.supxlabel("bundled printed digits, not handwriting", fontsize=8, color=GREY)
print("wrote", save_figure(figure, "out/03_the_distillation_gradient.png"))

# %% [markdown]
# **The claim of this lesson**: Eq. 2 is the gradient, it fades like 1/T², T² undoes that, and
# with T² a high temperature needs a lower learning rate than hard labels do.

# %%
assert hard_costs[-1][0] < 0.05 * hard_costs[0][0]
assert stopped is not None
assert soft_costs[-1][0] < 0.1 * soft_costs[0][0]
assert with_T2[-1] > 1 > without[-1]
