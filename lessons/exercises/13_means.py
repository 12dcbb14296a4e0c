# %% [markdown]
# # Exercise 13: Two means of an ensemble
# *About 15 minutes. Before this: lesson 09.*
#
# **The question.** An *ensemble* is several networks that answer together. How do E answers become
# one? The *arithmetic mean* adds up the members' probabilities and divides by E. The *geometric
# mean* multiplies them, takes the E-th root, and divides by the sum over the classes, so that
# probabilities come out. Write both, from the members' *logits*, their numbers before the softmax,
# at T = 1. Copy your softmax into this file.
#
# **What the paper says.** (Section 1) Where the teacher is an ensemble, the paper takes either mean
# of its members' probabilities for the soft targets.
#
# $$\text{arithmetic: } \frac{1}{E} \sum_e p^e_i \qquad \text{geometric: }
#   \frac{\left(\prod_e p^e_i\right)^{1/E}}{\sum_j \left(\prod_e p^e_j\right)^{1/E}}$$

# %%
import numpy as np

# Copy your softmax here.


def geometric_mean(v):
    """The normalized geometric mean of the members' probabilities.

    v : logits, shape (E, B, N): E members, B cases, N classes
    Result: probabilities, shape (B, N); each row adds up to 1.
    """
    raise NotImplementedError


def arithmetic_mean(v):
    """The arithmetic mean of the members' probabilities.

    v : logits, shape (E, B, N)
    Result: probabilities, shape (B, N); each row adds up to 1.
    """
    raise NotImplementedError


# %% [markdown]
# ## Try it
# Two members: one has no opinion, and the other is sure. After each `print` stands what a right
# answer gives.

# %%
if __name__ == "__main__":
    try:
        v = np.array([[[0.0, 0.0]], [[6.0, 0.0]]])
        print(np.round(geometric_mean(v), 2))  # [[0.95 0.05]]
        print(np.round(arithmetic_mean(v), 2))  # [[0.75 0.25]]
    except NotImplementedError:
        print("the next one is not written yet")

# %% [markdown]
# ## Check it
# In a terminal: `minikd check 13_means.py`, or `13_means.ipynb` if this is a notebook. With
# `--watch`, it checks again whenever you save the file; `--hint` shows the first hint, and
# `--hint 2` the next. In a notebook, run this cell:

# %%
if __name__ == "__main__":
    from minikd.exercises.check import check

    check(geometric_mean=geometric_mean, arithmetic_mean=arithmetic_mean)

# %% [markdown]
# ## Hints
# <details><summary>Hint 1</summary> The geometric mean of E numbers is the E-th root of their
# product.</details>
#
# <details><summary>Hint 2</summary> After a softmax, a product of probabilities is a sum of logits,
# but for a factor that all classes share.</details>
#
# <details><summary>Hint 3</summary> So the geometric mean is the softmax of the mean logits. The
# arithmetic one is the mean of the softmaxes.</details>
#
# ## To think about
# 1. One member is certain that class 3 is impossible. What does each mean make of that?
# 2. An ensemble of ten at a high temperature: do the two means become more alike, or less?
