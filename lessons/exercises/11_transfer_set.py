# %% [markdown]
# # Exercise 11: A transfer set without some digits
# *About 10 minutes. Before this: lesson 07.*
#
# **The question.** The *transfer set* holds the cases that a student learns from. What if a whole
# class is missing in it? To find out, you need a transfer set without some digits. Given the labels
# of all cases, say which cases stay: their positions, counted from 0, in increasing order.
#
# **What the paper says.** (Section 3) The paper removes all threes from the transfer set, and the
# student still recognizes most threes in the test, from what the teacher says of other digits.
# Later it goes further: only sevens and eights are left.

# %%
import numpy as np


def without(y, omitted):
    """Which cases stay if some classes are left out.

    y : labels of all cases, whole numbers, shape (n,)
    omitted : classes to leave out, whole numbers, shape (k,)
    Result: positions of the cases that stay, whole numbers, as many as there are.
    """
    raise NotImplementedError


# %% [markdown]
# ## Try it
# Four cases, two of them threes. After each `print` stands what a right answer gives.

# %%
if __name__ == "__main__":
    try:
        print(without(np.array([7, 3, 8, 3]), np.array([3])))  # [0 2]
    except NotImplementedError:
        print("it is not written yet")

# %% [markdown]
# ## Check it
# In a terminal: `minikd check 11_transfer_set.py`, or `11_transfer_set.ipynb` if this is a
# notebook. With `--watch`, it checks again whenever you save the file; `--hint` shows the first
# hint, and `--hint 2` the next. In a notebook, run this cell:

# %%
if __name__ == "__main__":
    from minikd.exercises.check import check

    check(without=without)

# %% [markdown]
# ## Hints
# <details><summary>Hint 1</summary> First find where the label is one of the omitted
# classes.</details>
#
# <details><summary>Hint 2</summary> np.isin(y, omitted) is True there. You want the others: ~ turns
# True and False around.</details>
#
# <details><summary>Hint 3</summary> np.flatnonzero gives the positions of True.</details>
#
# ## To think about
# 1. The labels say which cases to leave out. Does the student learn anything from them?
# 2. The teacher was trained on threes. How does the student hear of them, if it sees none?
