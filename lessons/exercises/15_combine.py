# %% [markdown]
# # Exercise 15: One answer from generalist and specialist (Eq. 5)
# *About 30 minutes. Before this: lesson 10.*
#
# **The question.** A *generalist* has given a probability to each of N classes. A *specialist*
# knows only some, its *special* classes, and has one number for all others together, its *dustbin*.
# Which answer q suits both best? First spread the dustbin: share it among its classes in proportion
# to q. Then write one step of a *fixed point*: put the mean of both answers in q's place. Repeated,
# this leads to the q that Eq. 5 asks for.
#
# **What the paper says.** (Section 5.4, Eq. 5) The *KL divergence* KL(p, q), the sum over the
# classes of p log(p / q), says how far q is from p. The paper takes the q with the smallest sum of
# them: from the generalist, and from each specialist m that has the generalist's first choice among
# its classes, with q added up over its dustbin. In general there is no formula for q. The paper
# follows the gradient on the logits of q for each case; the fixed point here leads to the same
# answer.
#
# $$\mathrm{KL}(p^g, q) + \sum_m \mathrm{KL}(p^m, q)$$

# %%
import numpy as np


def spread(p, special, q):
    """A specialist's answer for all classes, its dustbin shared as q has it.

    p : probabilities of the specialist, shape (S + 1,); the last is the dustbin's
    special : its S classes, in the order of p, shape (S,)
    q : probabilities of all classes, shape (N,)
    Result: probabilities, shape (N,), which add up to 1.
    """
    raise NotImplementedError


def fixed_point_step(q, generalist, specialist, special):
    """The next q: the mean of both answers.

    q : probabilities until now, shape (N,)
    generalist : its probabilities, shape (N,)
    specialist : its probabilities, shape (S + 1,); the last is the dustbin's
    special : its S classes, shape (S,)
    Result: new probabilities, shape (N,).
    """
    raise NotImplementedError


# %% [markdown]
# ## Try it
# Class 1 is special. The two others share 0.6, and q has the same for both. After each `print`
# stands what a right answer gives.

# %%
if __name__ == "__main__":
    try:
        p, special, q = np.array([0.4, 0.6]), np.array([1]), np.array([0.25, 0.5, 0.25])
        print(spread(p, special, q))  # [0.3 0.4 0.3]
        print(fixed_point_step(q, q, p, special))  # [0.275 0.45  0.275]
    except NotImplementedError:
        print("the next one is not written yet")

# %% [markdown]
# ## Check it
# In a terminal: `minikd check 15_combine.py`, or `15_combine.ipynb` if this is a notebook. With
# `--watch`, it checks again whenever you save the file; `--hint` shows the first hint, and
# `--hint 2` the next. In a notebook, run this cell:

# %%
if __name__ == "__main__":
    from minikd.exercises.check import check

    check(spread=spread, fixed_point_step=fixed_point_step)

# %% [markdown]
# ## Hints
# <details><summary>Hint 1</summary> A specialist says how probable each special class is, and all
# others together. Its last number is theirs.</details>
#
# <details><summary>Hint 2</summary> Share the last number among the other classes as q has it: q of
# a class divided by q of all of them.</details>
#
# <details><summary>Hint 3</summary> The gradient of Eq. 5 is 0 where q is the mean of all answers:
# put that mean in q's place.</details>
#
# ## To think about
# 1. Where does fixed_point_step give back the q that it was given? What is the gradient of Eq. 5 there?
# 2. What would the answer be if no specialist had a dustbin? And then with KL(q, p) for KL(p, q)?
