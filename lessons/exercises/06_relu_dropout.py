# %% [markdown]
# # Exercise 06: ReLU and dropout
# *About 15 minutes. Before this: lesson 02.*
#
# **The question.** A *ReLU* (rectified linear unit) gives max(x, 0). *Dropout* switches units off
# at random during training: each with a probability, the *rate*. What stays is divided by 1 − rate,
# so that the mean over many draws is what it was. Write the backward pass of the ReLU, and dropout
# forward and backward. Which units are kept has been drawn already. At x = 0, take 0 for the
# derivative of the ReLU.
#
# **What the paper says.** (Section 3) Dropout and a limit on the weights *regularize* the teacher
# for MNIST: they keep it from learning its cases by heart. The paper reads dropout as training a
# huge ensemble at once: each choice of dropped units is a network, and all share their weights.

# %%
import numpy as np


def relu_backward(dout, x):
    """Gradient of the cost with respect to the input of a ReLU.

    dout : ∂C/∂out, shape (B, N): B cases, N units
    x : input of the ReLU, shape (B, N)
    Result: ∂C/∂x, shape (B, N).
    """
    raise NotImplementedError


def dropout(x, kept, rate):
    """What is left of x after dropout.

    x : numbers of any shape, such as (B, N)
    kept : True for a unit that stays; same shape
    rate : probability that a unit is dropped, from 0 to below 1
    Result: same shape as x.
    """
    raise NotImplementedError


def dropout_backward(dout, kept, rate):
    """Gradient of the cost with respect to the input of dropout.

    dout : ∂C/∂out; kept : True for a unit that stays, same shape; rate : as in dropout
    Result: ∂C/∂x, same shape.
    """
    raise NotImplementedError


# %% [markdown]
# ## Try it
# Two units: the first input of the ReLU is negative, and dropout drops the second unit. After each
# `print` stands what a right answer gives.

# %%
if __name__ == "__main__":
    try:
        ones, kept = np.array([[1.0, 1.0]]), np.array([[True, False]])
        print(relu_backward(ones, np.array([[-3.0, 3.0]])))  # [[0. 1.]]
        print(dropout(ones, kept, 0.5))  # [[2. 0.]]
        print(dropout_backward(ones, kept, 0.5))  # [[2. 0.]]
    except NotImplementedError:
        print("the next one is not written yet")

# %% [markdown]
# ## Check it
# In a terminal: `minikd check 06_relu_dropout.py`, or `06_relu_dropout.ipynb` if this is a
# notebook. With `--watch`, it checks again whenever you save the file; `--hint` shows the first
# hint, and `--hint 2` the next. In a notebook, run this cell:

# %%
if __name__ == "__main__":
    from minikd.exercises.check import check

    check(relu_backward=relu_backward, dropout=dropout, dropout_backward=dropout_backward)

# %% [markdown]
# ## Hints
# <details><summary>Hint 1</summary> A unit that is off passes no gradient. ReLU's unit is on where
# its input is above 0.</details>
#
# <details><summary>Hint 2</summary> Dropout multiplies by a number that does not depend on x. So
# the backward pass multiplies by the same number.</details>
#
# <details><summary>Hint 3</summary> With a rate of 0.5, half of the units are gone: the others
# count twice, so that the mean stays.</details>
#
# ## To think about
# 1. Why does a trained network need no dropout when it is used? What would change if what stays
#    were not divided by 1 − rate?
# 2. A ReLU whose input is negative for all cases gets no gradient. Can it ever come back?
