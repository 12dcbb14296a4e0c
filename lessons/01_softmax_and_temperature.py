# %% [markdown]
# # 01 Softmax and temperature
# *Before this: lesson 00, which explains what distillation is, and its terms.*
#
# A network that classifies computes one number per class, the *logits* z: the larger the logit,
# the likelier the class. *Softmax* turns logits into probabilities q. Hinton, Vinyals & Dean
# (2015, Section 2) first divide the logits by a *temperature* T (Eq. 1):
#
# $$q_i = \frac{\exp(z_i / T)}{\sum_j \exp(z_j / T)}$$
#
# T = 1 is the usual softmax. What does a higher T do, and why would anyone want it?

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd.claims import claim
from minikd.equations import entropy, log_softmax, softmax
from minikd.plots import HOUSE_STYLE, save_figure
from minikd.temperature import plot_entropy, plot_softmax_bars

plt.style.use(HOUSE_STYLE)
np.set_printoptions(suppress=True, precision=4, linewidth=100)

# %% [markdown]
# ## What you may change
# Run the lesson as it is first. Then change one of these, guess what will happen, and run it again.
# The logits are made up, but typical: a teacher sees a 2 whose upper half could belong to a 3.

# %%
LOGITS = (-4, 1, 12, 8, -6, -3, -5, 3, 2, -4)  # a teacher's; two classes or more
TEMPERATURES = (1, 4, 20)  # one or more, each above 0

# %% [markdown]
# ## The equation in code
# In distillation, a small network, the *student*, learns from a large one that is already trained,
# the *teacher*. It learns from the teacher's probabilities, which are called *soft targets*. A *hard
# target* is a label: probability 1 for the right class, 0 for all others.
#
# Eq. 1 holds for any logits z and probabilities q. Soon there will be two networks, and the paper needs
# two pairs of letters: v and p are the teacher's logits and probabilities, z and q the student's. The
# code uses the same letters. The logits here are a teacher's, so they are called v and p, although
# Eq. 1 has z and q.

# %%
v = np.array(LOGITS, dtype=float)
temperatures = np.unique(np.atleast_1d(TEMPERATURES).astype(float))  # sorted, from cold to hot
cold, hot = temperatures[0], temperatures[-1]

T = cold
p = np.exp((v - v.max()) / T) / np.exp((v - v.max()) / T).sum()  # v.max(): see "A trap" below
assert np.allclose(p, softmax(v, T))
for T in temperatures:
    print(f"T = {T:2g}: {softmax(v, T)}")
ranking = v.argsort()[::-1]
print("from the likeliest class to the least likely:", *ranking)

# %% [markdown]
# Look at the logits as they came with the lesson. At T = 1 the teacher says "a 2", and little else. At
# T = 4 it also says: rather like a 3, a bit like a 7, and least of all like a 4. The label says none of
# this. How a teacher ranks the wrong classes shows what it takes to be alike, and that is how it
# generalizes (Section 1 of the paper). In his talks, Hinton calls this *dark knowledge*.
#
# ## What T changes, and what it does not
# The ranking of the classes is the same at every T. And since log pᵢ − log pⱼ = (vᵢ − vⱼ)/T, a
# higher T shrinks the gap between any two log-probabilities by the same factor. Temperature
# rescales the logits; it adds nothing that was not in them.
#
# As T falls to 0, the largest logit takes all the probability: a hard target. As T grows without limit,
# all classes become equally likely.

# %%
for T in (0.1, 1.0, 4.0, 20.0, 1000.0):
    assert np.allclose(np.diff(log_softmax(v, T)), np.diff(v) / T)
    p = softmax(v, T)
    print(f"T = {T:6g}: probabilities from {p.min():.6f} to {p.max():.6f}")

# %% [markdown]
# ## How soft a target is
# The *entropy* $H = -\sum_i q_i \log q_i$ measures how widely the probability is spread. With the
# natural logarithm, its unit is the *nat*. It is 0 for a hard target, log N if all N classes are
# equally likely, and it rises with T. But softer is not always better: as T → ∞, all soft targets
# become uniform. What still distinguishes them is a small difference from 1/N, and lesson 03
# shows how the paper scales it back up.

# %%
H = entropy(v, np.geomspace(0.1, 1000, 50)[:, None])
assert (np.diff(H) > -1e-12).all()  # it never falls
for T in temperatures:
    print(f"entropy at T = {T:g}: {entropy(v, T):.3f} nats of {np.log(len(v)):.3f}")

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
plot_softmax_bars(left, v, temperatures)
plot_entropy(right, v)
for T, bars in zip(temperatures, left.containers, strict=True):
    color = bars.patches[0].get_facecolor()
    right.plot(T, entropy(v, T), "o", color=color, ms=8, label=f"T = {T:g}")
right.legend(loc="lower right")
print("wrote", save_figure(figure, "out/01_softmax_and_temperature.png"))

# %% [markdown]
# **The claim of this lesson**: a higher temperature keeps the ranking of the classes, and moves
# probability from the winning class to the others.

# %%
winner = ranking[0]
of_winner = np.array([softmax(v, T)[winner] for T in temperatures])
spread = np.array([entropy(v, T) for T in temperatures])
overtakes = [f"T = {T:g}" for T in temperatures if (np.diff(softmax(v, T)[ranking]) > 0).any()]
claim(not overtakes, "no class to overtake another at any T",
      "none does" if not overtakes else f"one that does at {overtakes[0]}",
      "In exact arithmetic no class does: that was rounding.")  # fmt: skip
claim(len(temperatures) > 1 and (np.diff(of_winner) < 0).all() and (np.diff(spread) > 0).all(),
      f"class {winner} to lose probability and the entropy to rise, the higher T",
      f"{of_winner[0]:.3f} and {spread[0]:.3f} nats at T = {cold:g}, "
      f"{of_winner[-1]:.3f} and {spread[-1]:.3f} nats at T = {hot:g}",
      "It takes two temperatures to see it. Equal logits are spread evenly at any T. And where T is "
      "so low that the winner has all, or so high that all have the same, floats see no change.")  # fmt: skip

# %% [markdown]
# ## Try
# - `TEMPERATURES = (0.1, 1, 10, 100)`. Between which of them does most of the change happen?
# - Multiply all `LOGITS` by 10, and all `TEMPERATURES` as well. What stays the same, and why?
# - `LOGITS = (12, 8, 3)`. Which entropy can it not exceed?
# - `minikd temperature` draws what temperature does to logits of your own.
#
# ## To think about
# 1. A teacher's largest logit is 12 and the next one 8. At which T is the second class half as likely
#    as the first?
# 2. Two teachers always give the same answer. Can their soft targets differ? Which would you rather
#    learn from?
# 3. Why is a temperature chosen once for all cases, and not so that each target is equally soft?
