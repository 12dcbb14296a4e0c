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

# %% [markdown]
# ## The equation, word for word
# Take a teacher that looks at a 2 whose upper half could belong to a 3. Its ten logits:

# %%
v = np.array([-4.0, 1.0, 12.0, 8.0, -6.0, -3.0, -5.0, 3.0, 2.0, -4.0])

T = 4.0
p = np.exp(v / T) / np.exp(v / T).sum()
assert np.allclose(p, softmax(v, T))
print("T = 1 :", softmax(v).round(4))
print("T = 4 :", softmax(v, T=4).round(4))
print("T = 20:", softmax(v, T=20).round(4))

# %% [markdown]
# At T = 1 the teacher says "a 2" and little else. At T = 4 it also says "rather like a 3, a
# bit like a 7, and nothing like a 6". That is what the paper calls *dark knowledge*: how
# the teacher ranks the wrong answers says how it generalizes.
#
# ## What never changes, and what does
# The order of the classes stays at every T, and so does the ratio of log-probabilities:
# temperature rescales, it adds nothing. Only how much the small ones count changes.

# %%
for T in (0.1, 1.0, 4.0, 20.0, 1000.0):
    assert (softmax(v, T).argsort() == v.argsort()).all()

cold, hot = softmax(v, T=0.1), softmax(v, T=1000.0)
assert cold[2] > 1 - 1e-15  # T → 0: the winner takes all, a hard target
assert np.allclose(hot, 1 / 10, atol=2e-3)  # T → ∞: every class alike

# %% [markdown]
# ## How much a soft target says
# The entropy $H = -\sum_i q_i \log q_i$, in nats, measures it: 0 for a hard target, log 10 at
# the most. It only ever grows with T.

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
# **The claim of this lesson**: a higher temperature keeps the ranking and says more about the
# classes that did not win.

# %%
assert entropy(v) < entropy(v, T=4) < entropy(v, T=20)
assert softmax(v)[3] < 0.05 < softmax(v, T=4)[3]
