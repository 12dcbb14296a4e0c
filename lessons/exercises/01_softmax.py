# %% [markdown]
# # Exercise 01: Softmax with a temperature
# *About 10 minutes. Before this: lesson 01.*
#
# **The question.** A network that classifies gives one number for each class, the *logits* z.
# *Softmax* turns the logits of a *case* (one input) into *probabilities* q: all above 0, and 1 in
# total. A *temperature* T divides the logits first. Write it. Some logits will be as large as 2000,
# and the probabilities must still be finite.
#
# **What the paper says.** (Section 2, Eq. 1) The probability of a class is the exponential of its
# logit divided by T, as a share of what all classes have together. T is usually 1; the higher it
# is, the more evenly the probability spreads.
#
# $$q_i = \frac{\exp(z_i / T)}{\sum_j \exp(z_j / T)}$$

# %%
import numpy as np


def softmax(z, T):
    """Probabilities from logits at a temperature (Eq. 1).

    z : logits, shape (B, N): B cases, N classes
    T : temperature, a number above 0
    Result: probabilities q, shape (B, N); each row adds up to 1.
    """
    raise NotImplementedError


# %% [markdown]
# ## Try it
# Two classes at T = 2: the logits differ by 2, the exponents by 1. After each `print` stands what a
# right answer gives.

# %%
if __name__ == "__main__":
    try:
        print(np.round(softmax(np.array([[0.0, 2.0]]), 2.0), 2))  # [[0.27 0.73]]
    except NotImplementedError:
        print("it is not written yet")

# %% [markdown]
# ## Check it
# In a terminal: `minikd check 01_softmax.py`, or `01_softmax.ipynb` if this is a notebook. With
# `--watch`, it checks again whenever you save the file; `--hint` shows the first hint, and
# `--hint 2` the next. In a notebook, run this cell:

# %%
if __name__ == "__main__":
    from minikd.exercises.check import check

    check(softmax=softmax)

# %% [markdown]
# ## Hints
# <details><summary>Hint 1</summary> Take the exponential of z / T, and divide by what all classes
# of the case have together.</details>
#
# <details><summary>Hint 2</summary> The classes are the last axis. With keepdims=True, the sum
# keeps the shape (B, 1) and can divide (B, N).</details>
#
# <details><summary>Hint 3</summary> exp(2000) is infinite. Adding a constant to all logits of a
# case changes no probability: take the largest away before the exponential.</details>
#
# ## To think about
# 1. What becomes of q as T goes to 0, and as T grows without end?
# 2. You double all logits, and double T as well. What changes?
