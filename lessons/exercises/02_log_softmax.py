# %% [markdown]
# # Exercise 02: A log-softmax that never overflows
# *About 10 minutes. Before this: lesson 01.*
#
# **The question.** A cost needs the logarithm of a probability. But softmax rounds a very small
# probability to 0, whose logarithm is −∞, and one such case spoils the whole mean. Write a function
# that goes from the *logits* z (one number for each class) straight to the logarithms of their
# probabilities at the *temperature* T. For logits such as 0 and 2000, it must be finite and right.
#
# **What the paper says.** (Section 2, Eq. 1) This is the logarithm of Eq. 1. The paper says nothing
# of rounding; whoever writes the code has to.
#
# $$\log q_i = \log \frac{\exp(z_i / T)}{\sum_j \exp(z_j / T)}$$

# %%
import numpy as np


def log_softmax(z, T):
    """Logarithms of the probabilities of Eq. 1, finite for all logits.

    z : logits, shape (B, N): B cases, N classes
    T : temperature, a number above 0
    Result: log q, shape (B, N); never above 0.
    """
    raise NotImplementedError


# %% [markdown]
# ## Try it
# Two classes that are equally likely have log 1/2 each. The second case is the hard one. After each
# `print` stands what a right answer gives.

# %%
if __name__ == "__main__":
    try:
        print(np.round(log_softmax(np.array([[0.0, 0.0]]), 1.0), 2))  # [[-0.69 -0.69]]
        print(log_softmax(np.array([[0.0, 2000.0]]), 1.0))  # [[-2000.     0.]]
    except NotImplementedError:
        print("it is not written yet")

# %% [markdown]
# ## Check it
# In a terminal: `minikd check 02_log_softmax.py`, or `02_log_softmax.ipynb` if this is a
# notebook. With `--watch`, it checks again whenever you save the file; `--hint` shows the first
# hint, and `--hint 2` the next. In a notebook, run this cell:

# %%
if __name__ == "__main__":
    from minikd.exercises.check import check

    check(log_softmax=log_softmax)

# %% [markdown]
# ## Hints
# <details><summary>Hint 1</summary> log(exp(a) / s) is a - log(s). No exponential has to be taken
# and undone again.</details>
#
# <details><summary>Hint 2</summary> Take the largest logit away first: then every exponent is 0 or
# less, and the sum is at least 1.</details>
#
# <details><summary>Hint 3</summary> With a = (z - max) / T, the answer is a - log(sum of
# exp(a)).</details>
#
# ## To think about
# 1. The smallest number that float64 holds is about 5e-324. How far below the largest logit must
#    another one be until its softmax at T = 1 is rounded to 0?
# 2. Many programs clip probabilities at 1e-12 before they take the logarithm. What is then the
#    gradient of a case that the network gets badly wrong?
