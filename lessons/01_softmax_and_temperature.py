# %% [markdown]
# # 01 Softmax and temperature
# A network that classifies computes one number per class, the *logits* z: the larger the logit,
# the likelier the class. Softmax turns logits into probabilities q. Hinton, Vinyals & Dean
# (2015, Section 2) first divide the logits by a *temperature* T (Eq. 1):
#
# $$q_i = \frac{\exp(z_i / T)}{\sum_j \exp(z_j / T)}$$
#
# T = 1 is the usual softmax. What does a higher T do, and why would anyone want it?

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd.equations import entropy, log_softmax, softmax
from minikd.plots import BLUE, GREEN, HOUSE_STYLE, ORANGE, save_figure
from minikd.temperature import plot_entropy, plot_softmax_bars

plt.style.use(HOUSE_STYLE)
np.set_printoptions(suppress=True, precision=4, linewidth=100)

# %% [markdown]
# ## The equation in code
# In *distillation*, a small network, the *student*, learns from a large one that is already
# trained, the *teacher*. It learns from the teacher's probabilities, which are called *soft
# targets*. A *hard target* is a label: probability 1 for the right class, 0 for all others.
#
# Suppose a teacher sees a 2 whose upper half could belong to a 3. Here are its logits for the
# ten digits (made up, but typical). The paper writes v and p for the teacher's logits and
# probabilities, z and q for the student's:

# %%
v = np.array([-4.0, 1.0, 12.0, 8.0, -6.0, -3.0, -5.0, 3.0, 2.0, -4.0])

T = 4.0
p = np.exp(v / T) / np.exp(v / T).sum()
assert np.allclose(p, softmax(v, T))
for T in (1, 4, 20):
    print(f"T = {T:2}: {softmax(v, T)}")
assert v.argsort()[::-1][:3].tolist() == [2, 3, 7]
assert v.argmin() == 4

# %% [markdown]
# At T = 1 the teacher says "a 2", and little else. At T = 4 it also says: rather like a 3, a bit
# like a 7, and least of all like a 4. The label says none of this. How a teacher ranks the wrong
# classes shows what it takes to be alike, and that is how it generalizes (Section 1 of the
# paper). In his talks, Hinton calls this *dark knowledge*.
#
# ## What T changes, and what it does not
# The ranking of the classes is the same at every T. And since log pᵢ − log pⱼ = (vᵢ − vⱼ)/T, a
# higher T shrinks the gap between any two log-probabilities by the same factor. Temperature
# rescales the logits; it adds nothing that was not in them.

# %%
for T in (0.1, 1.0, 4.0, 20.0, 1000.0):
    assert (softmax(v, T).argsort() == v.argsort()).all()
    assert np.allclose(np.diff(log_softmax(v, T)), np.diff(v) / T)

cold, hot = softmax(v, T=0.1), softmax(v, T=1000.0)
assert cold[2] > 1 - 1e-15  # T → 0: a hard target
assert np.allclose(hot, 1 / 10, atol=2e-3)  # T → ∞: all classes equally likely

# %% [markdown]
# ## How soft a target is
# The *entropy* $H = -\sum_i q_i \log q_i$ measures how widely the probability is spread. With the
# natural logarithm, its unit is the *nat*. It is 0 for a hard target, log N if all N classes are
# equally likely, and it rises with T. But softer is not always better: as T → ∞, all soft targets
# become uniform. What still distinguishes them is a small difference from 1/N, and lesson 03
# shows how the paper scales it back up.

# %%
temperatures = np.geomspace(0.1, 1000, 50)
H = entropy(v, temperatures[:, None])
assert (np.diff(H) >= 0).all()
assert H[0] < 1e-9
assert abs(H[-1] - np.log(10)) < 1e-3
print(f"entropy: {entropy(v):.3f} nats at T = 1, {entropy(v, T=4):.3f} at T = 4")

# %% [markdown]
# ## A trap: large logits
# exp(1000) overflows: no float can hold it. Adding the same constant to all logits changes no
# probability, so the library subtracts the largest logit first. And a probability may be rounded
# to 0, which has no logarithm; so the library computes log q directly from the logits.

# %%
assert np.allclose(softmax(v + 1000), softmax(v))
assert np.isfinite(log_softmax([0.0, 5000.0])).all()

# %% [markdown]
# ## The picture

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5))
plot_softmax_bars(left, v, (1, 4, 20))
left.set(xlabel="class", ylabel="probability")
left.set_title(
    f"A 2 that looks like a 3: class 3 gets {100 * softmax(v)[3]:.0f} % at T = 1, "
    f"{100 * softmax(v, T=4)[3]:.0f} % at T = 4"
)
plot_entropy(right, v)
for T, color in ((1, BLUE), (4, ORANGE), (20, GREEN)):
    right.plot(T, entropy(v, T=T), "o", color=color, ms=8, label=f"T = {T}")
right.set_ylabel("entropy (nats)")
right.set_title(f"The entropy rises with T, up to log 10 = {np.log(10):.1f} nats")
right.legend(loc="lower right")
print("wrote", save_figure(figure, "out/01_softmax_and_temperature.png"))

# %% [markdown]
# **The claim of this lesson**: a higher temperature keeps the ranking of the classes, and moves
# probability from the winning class to the others.

# %%
assert (softmax(v).argsort() == softmax(v, T=20).argsort()).all()
assert softmax(v)[2] > softmax(v, T=4)[2] > softmax(v, T=20)[2]
assert entropy(v) < entropy(v, T=4) < entropy(v, T=20)
