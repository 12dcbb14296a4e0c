# %% [markdown]
# # Exercise 14: A specialist and its dustbin
# *About 20 minutes. Before this: lesson 10.*
#
# **The question.** A *specialist* is a network for a few *special* classes. It takes all other
# classes together as one, its *dustbin*, which comes last. First write its labels: 0, 1, … for the
# special classes in the order in which they are given, and then one more for the dustbin. In
# training, a specialist sees special cases more often than there are. So afterwards its logit of
# the dustbin is too low. Write what to add to it.
#
# **What the paper says.** (Section 5.2) Half of what a specialist is trained on comes from its
# special classes, the other half from all the rest. After training, the logit of its dustbin is
# raised by the logarithm of the oversampling. Read as *odds* (a share divided by one minus it),
# this is Bayes' rule: with π the share in training and n_s / n that among all n cases,
#
# $$\log \left( \frac{\pi}{1 - \pi} \Big/ \frac{n_s / n}{1 - n_s / n} \right)$$

# %%
import numpy as np


def specialist_labels(y, special):
    """Labels for a specialist.

    y : labels of all cases, whole numbers, shape (n,)
    special : its classes, whole numbers, shape (S,), in any order
    Result: labels from 0 to S, whole numbers, shape (n,); S is the dustbin.
    """
    raise NotImplementedError


def dustbin_correction(y, special, share):
    """What to add to the dustbin's logit after training.

    y : labels of all cases, shape (n,); special : its classes, shape (S,)
    share : share of special cases in training, between 0 and 1
    Result: a number.
    """
    raise NotImplementedError


# %% [markdown]
# ## Try it
# The special classes are 3 and 8. Of ten digits they are two: odds of 1 to 4, where training had 1
# to 1. After each `print` stands what a right answer gives.

# %%
if __name__ == "__main__":
    try:
        y, special = np.array([8, 1, 3, 1]), np.array([3, 8])
        print(specialist_labels(y, special))  # [1 2 0 2]
        print(np.round(dustbin_correction(np.arange(10), special, 0.5), 2))  # 1.39
    except NotImplementedError:
        print("the next one is not written yet")

# %% [markdown]
# ## Check it
# In a terminal: `minikd check 14_dustbin.py`, or `14_dustbin.ipynb` if this is a notebook. With
# `--watch`, it checks again whenever you save the file; `--hint` shows the first hint, and
# `--hint 2` the next. In a notebook, run this cell:

# %%
if __name__ == "__main__":
    from minikd.exercises.check import check

    check(specialist_labels=specialist_labels, dustbin_correction=dustbin_correction)

# %% [markdown]
# ## Hints
# <details><summary>Hint 1</summary> y[:, None] == special compares each label with each special
# class.</details>
#
# <details><summary>Hint 2</summary> A specialist saw special cases with another share than there
# is. Odds are share / (1 - share).</details>
#
# <details><summary>Hint 3</summary> The dustbin gets the logarithm of: odds in the batches divided
# by odds in the data.</details>
#
# ## To think about
# 1. Why is one number for the dustbin's logit enough, and none needed for the special classes?
# 2. A specialist without a dustbin would have to choose one of its classes for every case. What
#    would that do to an ensemble?
