# %% [markdown]
# # Exercise 10: Logit matching
# *About 10 minutes. Before this: lesson 04.*
#
# **The question.** The *logits* are what a network says before the softmax. Instead of matching
# probabilities, a student can match the teacher's logits: its cost is half the squared distance
# between its logits z and the teacher's v. This is *logit matching*. Write the cost, one number for
# each case, and its gradient.
#
# **What the paper says.** (Section 2.1) Bucila and others compressed a model in this way before. In
# the paper, it is what distillation becomes at a very high temperature, if the logits of each case
# have a mean of 0: up to the factor 1/(N T²), Eq. 4 is the gradient of this cost.
#
# $$C = \tfrac{1}{2} \sum_i (z_i - v_i)^2$$

# %%
import numpy as np


def matching_cost(z, v):
    """Half the squared distance between the logits.

    z : logits of the student, shape (B, N): B cases, N classes
    v : logits of the teacher, shape (B, N)
    Result: costs, shape (B,): one for each case.
    """
    raise NotImplementedError


def matching_gradient(z, v):
    """Gradient of the cost with respect to z.

    z, v : logits of student and teacher, shape (B, N)
    Result: ∂C/∂z, shape (B, N); not divided by B.
    """
    raise NotImplementedError


# %% [markdown]
# ## Try it
# The student is right in its first logit, and 2 too high in its second. After each `print` stands
# what a right answer gives.

# %%
if __name__ == "__main__":
    try:
        z, v = np.array([[1.0, 5.0]]), np.array([[1.0, 3.0]])
        print(matching_cost(z, v))  # [2.]
        print(matching_gradient(z, v))  # [[0. 2.]]
    except NotImplementedError:
        print("the next one is not written yet")

# %% [markdown]
# ## Check it
# In a terminal: `minikd check 10_logit_matching.py`, or `10_logit_matching.ipynb` if this is a
# notebook. With `--watch`, it checks again whenever you save the file; `--hint` shows the first
# hint, and `--hint 2` the next. In a notebook, run this cell:

# %%
if __name__ == "__main__":
    from minikd.exercises.check import check

    check(matching_cost=matching_cost, matching_gradient=matching_gradient)

# %% [markdown]
# ## Hints
# <details><summary>Hint 1</summary> Half of the squared distance between the student's logits and
# the teacher's.</details>
#
# <details><summary>Hint 2</summary> One cost for each case: sum over the last axis.</details>
#
# <details><summary>Hint 3</summary> The derivative of 1/2 (z - v)² by z is z - v.</details>
#
# ## To think about
# 1. A student gives the teacher's logits plus 10 in all classes. How much does it cost here, and
#    how much with soft targets? Which of the two costs is right?
# 2. A teacher says −20 for one wrong class and −30 for another. Should a small student care?
