# %% [markdown]
# # 03 The distillation gradient, and why T²
# A student with logits z learns from a teacher with logits v: both are softened at the same
# temperature T, p = softmax(v/T) and q = softmax(z/T), and the cost is their cross-entropy
# $C = -\sum_i p_i \log q_i$. Its gradient is Eq. 2 of the paper:
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
from minikd.equations import (
    distillation_gradient,
    hard_target_gradient,
    soft_target_cost,
    soft_target_gradient,
    softmax,
)
from minikd.plots import BLUE, GREY, HOUSE_STYLE, ORANGE, save_figure

plt.style.use(HOUSE_STYLE)

# %% [markdown]
# ## Where q − p comes from
# $C = -\sum_i p_i z_i / T + \log \sum_j \exp(z_j/T)$, because the p sum to 1. The derivative of
# the first term is −p/T. That of the second is (1/T) exp(z/T)/Σ = q/T. That is all.

# %%
rng = np.random.default_rng(0)
z, v = rng.normal(0, 3, (2, 5, 10))


def cost(z, T=4.0):
    gradient = (softmax(z, T) - softmax(v, T)) / T
    return soft_target_cost(z, v, T), lambda dC: dC[:, None] * gradient


assert gradcheck(cost, z)

# %% [markdown]
# ## Why T²
# The 1/T in front is one factor that shrinks the gradient. The other is hidden in q − p: at
# high T both are close to 1/N, and their difference shrinks like 1/T too. So soft targets fade
# like 1/T² beside hard ones (which stay at T = 1). The paper multiplies them by T², so that T
# can be changed without changing how much the two count.


# %%
def length(gradient):
    return np.linalg.norm(gradient, axis=-1).mean()


for T in (10.0, 20.0, 40.0, 80.0):
    alone, squared = soft_target_gradient(z, v, T), distillation_gradient(z, v, T=T)
    print(f"T = {T:3.0f}:  Eq. 2 {length(alone):.6f}   times T² {length(squared):.4f}")
assert length(soft_target_gradient(z, v, 40)) < 0.3 * length(soft_target_gradient(z, v, 20))
assert (
    0.9
    < length(distillation_gradient(z, v, T=80)) / length(distillation_gradient(z, v, T=40))
    < 1.1
)

# %% [markdown]
# ## What T² costs: the learning rate
# A real teacher is surer than random numbers are: its logits spread over tens. T² times Eq. 2
# settles at (z − v)/N, and grows with that spread, while the gradient of hard targets is never
# longer than √2. So a learning rate that suits hard labels can be too much.

# %%
digits = load_glyphs(rng=0, train=2000, test=500)
teacher = MLP([784, 200, 200, 10], rng=1)
train(teacher, digits.train, hard_targets(), Recipe(epochs=30, learning_rate=0.1, warm_up=20))
v = teacher(digits.train.x)
transfer = digits.train.with_logits(v)
print(f"the teacher's logits spread from {v.min():.0f} to {v.max():.0f}")

student = MLP([784, 100, 100, 10], rng=2)
z = student(digits.train.x)
temperatures = np.geomspace(1, 50, 40)
hard = length(hard_target_gradient(z, digits.train.y))
with_T2 = [length(distillation_gradient(z, v, T=T)) / hard for T in temperatures]
without = [length(soft_target_gradient(z, v, T=T)) / hard for T in temperatures]

# %% [markdown]
# The same student, the same seed, T = 20, at two learning rates. The higher one ends in a
# network whose hidden units are all off, which gives every image the same answer. Nothing
# overflows, no NaN appears: unless somebody looks, it fails quietly. The library looks.


# %%
def distil(learning_rate):
    student = MLP([784, 100, 100, 10], rng=2)
    recipe = Recipe(epochs=15, learning_rate=learning_rate)
    return train(student, transfer, soft_targets(T=20), recipe).costs


try:
    distil(0.5)
    stopped = "nothing"
except TrainingDiverged as error:
    stopped = str(error)
print(stopped)
costs = distil(0.02)

# %% [markdown]
# ## The picture

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5))
left.loglog(temperatures, without, color=ORANGE, label="Eq. 2 alone")
left.loglog(temperatures, with_T2, color=BLUE, label="times T²")
left.axhline(1, color=GREY, ls="--", lw=1)
left.text(50, 0.9, "as long as that of hard targets", color=GREY, ha="right", va="top")
left.set(xlabel="temperature T", ylabel="length beside that of hard targets")
left.set_title("With T², soft targets pull harder than hard ones")
left.legend(loc="lower left")
right.semilogy(np.arange(1, 16), costs, color=BLUE)
right.set(xlabel="epoch", ylabel="T² KL(p ‖ q), nats", xticks=range(1, 16, 2))
right.set_title("At a lower learning rate, T = 20 trains well")
print("wrote", save_figure(figure, "out/03_the_distillation_gradient.png"))

# %% [markdown]
# **The claim of this lesson**: Eq. 2 is the gradient, it fades like 1/T², T² undoes that, and
# with T² a high temperature needs a lower learning rate.

# %%
assert "diverged" in stopped
assert costs[-1][0] < 0.1 * costs[0][0]
assert with_T2[-1] > 1 > without[-1]
