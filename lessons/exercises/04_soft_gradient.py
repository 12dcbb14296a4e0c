# %% [markdown]
# # Exercise 04: The distillation gradient (Eq. 2)
# *About 15 minutes. Before this: lesson 03.*
#
# **The question.** In which direction should each of the student's *logits* z move, its numbers for
# the classes? The *gradient* says it: the derivative of the cost with respect to every logit. The
# cost is that of exercise 03, the cross-entropy of the teacher's probabilities p and the student's
# q, both at the *temperature* T. Derive the gradient with pencil and paper first; it becomes
# surprisingly short. Then write it. Copy your softmax into this file.
#
# **What the paper says.** (Section 2.1, Eq. 2) Each case of the transfer set gives the student a
# gradient for each of its logits. The paper states this gradient in one line, and leaves the
# derivation to its readers.
#
# <details><summary>Eq. 2, to compare with what you derived</summary>
#
# $$\frac{\partial C}{\partial z_i} = \frac{1}{T}(q_i - p_i)$$
#
# </details>

# %%
import numpy as np

# Copy your softmax here.


def soft_gradient(z, v, T):
    """Gradient of the soft-target cost with respect to z (Eq. 2).

    z : logits of the student, shape (B, N): B cases, N classes
    v : logits of the teacher, shape (B, N)
    T : temperature, a number above 0
    Result: ∂C/∂z, shape (B, N); not divided by B: training takes the mean over the cases.
    """
    raise NotImplementedError


# %% [markdown]
# ## Try it
# The teacher prefers class 0, and the student has no opinion yet. Its logit of class 0 must rise,
# so the gradient there is below 0. After each `print` stands what a right answer gives.

# %%
if __name__ == "__main__":
    try:
        z, v = np.array([[0.0, 0.0]]), np.array([[2.0, 0.0]])
        print(np.round(soft_gradient(z, v, 2.0), 3))  # [[-0.116  0.116]]
    except NotImplementedError:
        print("it is not written yet")

# %% [markdown]
# ## Check it
# In a terminal: `minikd check 04_soft_gradient.py`, or `04_soft_gradient.ipynb` if this is a
# notebook. With `--watch`, it checks again whenever you save the file; `--hint` shows the first
# hint, and `--hint 2` the next. In a notebook, run this cell:

# %%
if __name__ == "__main__":
    from minikd.exercises.check import check

    check(soft_gradient=soft_gradient)

# %% [markdown]
# ## Hints
# <details><summary>Hint 1</summary> Write log q as z / T minus the logarithm of a sum, and
# differentiate by z_i.</details>
#
# <details><summary>Hint 2</summary> The derivative of log q_j by z_i is (1 if i is j, else 0, minus
# q_i) / T.</details>
#
# <details><summary>Hint 3</summary> Sum it with the weights p_j, which add up to 1: what is left is
# (q_i - p_i) / T.</details>
#
# ## To think about
# 1. Why does the gradient of a case add up to 0 over the classes?
# 2. The entropy of p is in the cross-entropy, and not in the KL divergence. Why is the gradient the
#    same?
