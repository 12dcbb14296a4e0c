# %% [markdown]
# # Exercise 16: Early stopping
# *About 15 minutes. Before this: lesson 11.*
#
# **The question.** A network that learns too long learns its training cases by heart. *Early
# stopping* watches the cost on held-out cases after each *epoch*, one pass over the data. It gives
# up at the first epoch that is *patience* epochs after the best one so far, and takes the weights
# of that best one. An equal cost is no better. Which epoch is it, counted from 0? If training never
# gives up, it is the best of all.
#
# **What the paper says.** (Section 6) With 3 % of the speech data and hard targets, training has to
# be stopped early, and 44.5 % of the test *frames* (short pieces of sound) are right. With the soft
# targets of a model of all data, 57.0 % are right, and nothing has to be stopped: the soft targets
# hold most of what all of the data would have taught. The paper gives no rule for when to stop; the
# rule here is a common one.

# %%
import numpy as np


def stopped_at(costs, patience):
    """The epoch whose weights early stopping takes.

    costs : cost on held-out cases after each epoch, shape (number of epochs,)
    patience : epochs without a better one until training stops, 1 or more
    Result: epoch, a whole number from 0.
    """
    raise NotImplementedError


# %% [markdown]
# ## Try it
# The last epoch would be the best, but training with a patience of 2 never gets there. After each
# `print` stands what a right answer gives.

# %%
if __name__ == "__main__":
    try:
        print(stopped_at(np.array([5.0, 4.0, 6.0, 7.0, 1.0]), 2))  # 1
    except NotImplementedError:
        print("it is not written yet")

# %% [markdown]
# ## Check it
# In a terminal: `minikd check 16_early_stopping.py`, or `16_early_stopping.ipynb` if this is a
# notebook. With `--watch`, it checks again whenever you save the file; `--hint` shows the first
# hint, and `--hint 2` the next. In a notebook, run this cell:

# %%
if __name__ == "__main__":
    from minikd.exercises.check import check

    check(stopped_at=stopped_at)

# %% [markdown]
# ## Hints
# <details><summary>Hint 1</summary> Keep two things while you go through the epochs: which one was
# best so far, and how long ago.</details>
#
# <details><summary>Hint 2</summary> Training stops once as many epochs as the patience have passed
# since the best one.</details>
#
# <details><summary>Hint 3</summary> The answer is the best epoch, whose weights would be taken, and
# not the one at which you gave up.</details>
#
# ## To think about
# 1. Early stopping looks at held-out cases again and again. Are they still a fair test afterwards?
# 2. Why can a soft target not be learnt by heart as easily as a label? What would the student have
#    to learn?
