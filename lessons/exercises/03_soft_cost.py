# %% [markdown]
# # Exercise 03: The soft-target cost
# *About 15 minutes. Before this: lesson 03.*
#
# **The question.** A small network, the *student*, learns from a large one, the *teacher*. The
# teacher's probabilities p at a temperature T are its *soft targets*. How far are the student's
# probabilities q from them? Write the cost: the *cross-entropy* of p and q, one number for each
# case. It uses what you wrote in exercises 01 and 02: copy both functions into this file.
#
# **What the paper says.** (Section 2; the formula has no number) The student is trained to match
# the teacher's soft targets on the cases of a *transfer set*, those that it learns from. Both use
# the same high temperature during training. Afterwards, the student is used at a temperature of 1.
#
# $$C = -\sum_i p_i \log q_i, \quad p = \mathrm{softmax}(v / T), \quad q = \mathrm{softmax}(z / T)$$

# %%
import numpy as np

# Copy your softmax and log_softmax here.


def soft_cost(z, v, T):
    """Cross-entropy of the teacher's and the student's probabilities, both at T.

    z : logits of the student, shape (B, N): B cases, N classes
    v : logits of the teacher, shape (B, N)
    T : temperature, a number above 0
    Result: costs, shape (B,): one for each case, in nats (natural logarithm).
    """
    raise NotImplementedError


# %% [markdown]
# ## Try it
# A student that knows nothing: each class has log 1/2, whatever the teacher says. After each
# `print` stands what a right answer gives.

# %%
if __name__ == "__main__":
    try:
        z, v = np.array([[0.0, 0.0]]), np.array([[3.0, 1.0]])
        print(np.round(soft_cost(z, v, 2.0), 2))  # [0.69]
    except NotImplementedError:
        print("it is not written yet")

# %% [markdown]
# ## Check it
# In a terminal: `minikd check 03_soft_cost.py`, or `03_soft_cost.ipynb` if this is a notebook.
# With `--watch`, it checks again whenever you save the file; `--hint` shows the first hint, and
# `--hint 2` the next. In a notebook, run this cell:

# %%
if __name__ == "__main__":
    from minikd.exercises.check import check

    check(soft_cost=soft_cost)

# %% [markdown]
# ## Hints
# <details><summary>Hint 1</summary> Cross-entropy of p and q: minus the sum over the classes of p
# times log q.</details>
#
# <details><summary>Hint 2</summary> p is made of the teacher's logits v, q of the student's z, both
# at T.</details>
#
# <details><summary>Hint 3</summary> Use a log-softmax for log q. Sum over the last axis: one cost
# for each case, shape (B,).</details>
#
# ## To think about
# 1. For which z is the cost of a case lowest? Is it 0 there?
# 2. Swap teacher and student. Which mistakes of the student cost more then, and which less?
