# %% [markdown]
# # 01 Softmax and temperature
# A network that tells classes apart ends in *logits* z, one number per class. Softmax turns
# them into probabilities. Hinton, Vinyals & Dean (2015, Section 2) divide the logits by a
# *temperature* T first (Eq. 1):
#
# $$q_i = \frac{\exp(z_i / T)}{\sum_j \exp(z_j / T)}$$
#
# T = 1 is the usual softmax. What does a higher T do, and why would anyone want it?

# %%
import matplotlib.pyplot as plt
import numpy as np

from minikd.equations import entropy, log_softmax, softmax
from minikd.plots import HOUSE_STYLE, plot_entropy, plot_softmax_bars, save_figure

plt.style.use(HOUSE_STYLE)
np.set_printoptions(suppress=True, precision=4, linewidth=100)

# %% [markdown]
# ## The equation, word for word
# Suppose a teacher sees a 2 whose upper half could belong to a 3, and gives these ten logits
# (made up, but typical):

# %%
v = np.array([-4.0, 1.0, 12.0, 8.0, -6.0, -3.0, -5.0, 3.0, 2.0, -4.0])

T = 4.0
p = np.exp(v / T) / np.exp(v / T).sum()
assert np.allclose(p, softmax(v, T))
for T in (1, 4, 20):
    print(f"T = {T:2}: {softmax(v, T)}")

# %% [markdown]
# At T = 1 the teacher says "a 2" and little else. At T = 4 it also says "rather like a 3, a
# bit like a 7, and least of all like a 4". How it ranks the wrong answers says how it
# generalizes (Section 1 of the paper); Hinton called it *dark knowledge* in his talks.
#
# ## What T changes, and what it does not
# The order of the classes is the same at every T. So are the *relative* gaps: since
# log qᵢ − log qⱼ = (zᵢ − zⱼ)/T, every gap between two classes shrinks by the same factor.
# Temperature rescales; it adds nothing that was not in the logits.

# %%
for T in (0.1, 1.0, 4.0, 20.0, 1000.0):
    assert (softmax(v, T).argsort() == v.argsort()).all()
    assert np.allclose(np.diff(log_softmax(v, T)), np.diff(v) / T)

cold, hot = softmax(v, T=0.1), softmax(v, T=1000.0)
assert cold[2] > 1 - 1e-15  # T → 0: the winner takes all, a hard target
assert np.allclose(hot, 1 / 10, atol=2e-3)  # T → ∞: every class alike

# %% [markdown]
# ## How soft a target is
# The entropy $H = -\sum_i q_i \log q_i$, in nats, measures how widely the probability is
# spread: 0 for a hard target, log 10 for a uniform one. It only ever grows with T. It is not
# the same as usefulness: at T → ∞ all targets are alike. What still tells them apart there is
# a small difference from 1/N, and lesson 03 shows how the paper multiplies it back up.

# %%
temperatures = np.geomspace(0.1, 1000, 50)
H = entropy(v, temperatures[:, None])
assert (np.diff(H) >= 0).all()
assert H[0] < 1e-9
assert abs(H[-1] - np.log(10)) < 1e-3
print(f"entropy: {entropy(v):.3f} nats at T = 1, {entropy(v, T=4):.3f} at T = 4")

# %% [markdown]
# ## One trap: large logits
# exp(1000) is more than a float can hold. Adding a constant to all logits changes no
# probability, so the library subtracts the largest logit first; and it never takes the
# logarithm of a probability, which may be 0, but works out log q directly.

# %%
assert np.allclose(softmax(v + 1000), softmax(v))
assert np.isfinite(log_softmax([0.0, 5000.0])).all()

# %% [markdown]
# ## The picture

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5))
plot_softmax_bars(left, v, (1, 4, 20))
plot_entropy(right, v)
print("wrote", save_figure(figure, "out/01_softmax_and_temperature.png"))

# %% [markdown]
# **The claim of this lesson**: a higher temperature keeps the ranking of the classes and gives
# more weight to those that did not win.

# %%
assert entropy(v) < entropy(v, T=4) < entropy(v, T=20)
assert softmax(v)[3] < 0.05 < softmax(v, T=4)[3]
