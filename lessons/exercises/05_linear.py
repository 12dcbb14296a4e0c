# %% [markdown]
# # Exercise 05: Backpropagation through a linear layer
# *About 20 minutes. Before this: lesson 02.*
#
# **The question.** A *linear layer* computes z = x @ W + b. Suppose you know dz, the derivative of
# the cost C with respect to every number in z. *Backpropagation* takes it one layer further back:
# to the layer's inputs x, so that the layer before can go on, and to its weights W and its bias b,
# so that they can learn. Write the three gradients.
#
# **What the paper says.** (Section 3) The networks for MNIST have two hidden layers of *rectified
# linear units*: a linear layer, then a ReLU (exercise 06). The paper takes backpropagation for
# granted and has no formula for it. The gradient on the logits (Eq. 2) is where it starts.
#
# $$z_j = \sum_i x_i W_{ij} + b_j$$

# %%
import numpy as np


def grad_inputs(dz, x, W):
    """Gradient of the cost with respect to x.

    dz : ∂C/∂z, shape (B, out): a row for each case, a column for each output
    x : inputs, shape (B, in)
    W : weights, shape (in, out)
    Result: ∂C/∂x, shape (B, in).
    """
    raise NotImplementedError


def grad_weights(dz, x, W):
    """Gradient of the cost with respect to W.

    dz : ∂C/∂z, shape (B, out); x : inputs, shape (B, in); W : weights, shape (in, out)
    Result: ∂C/∂W, shape (in, out), added up over the cases.
    """
    raise NotImplementedError


def grad_bias(dz, x, W):
    """Gradient of the cost with respect to b.

    dz : ∂C/∂z, shape (B, out); x : inputs, shape (B, in); W : weights, shape (in, out)
    Result: ∂C/∂b, shape (out,), added up over the cases.
    """
    raise NotImplementedError


# %% [markdown]
# ## Try it
# One case, one input, two outputs: small enough for your head. After each `print` stands what a
# right answer gives.

# %%
if __name__ == "__main__":
    try:
        dz, x, W = np.array([[1.0, 2.0]]), np.array([[3.0]]), np.array([[5.0, 7.0]])
        print(grad_inputs(dz, x, W))  # [[19.]]
        print(grad_weights(dz, x, W))  # [[3. 6.]]
        print(grad_bias(dz, x, W))  # [1. 2.]
    except NotImplementedError:
        print("the next one is not written yet")

# %% [markdown]
# ## Check it
# In a terminal: `minikd check 05_linear.py`, or `05_linear.ipynb` if this is a notebook. With
# `--watch`, it checks again whenever you save the file; `--hint` shows the first hint, and
# `--hint 2` the next. In a notebook, run this cell:

# %%
if __name__ == "__main__":
    from minikd.exercises.check import check

    check(grad_inputs=grad_inputs, grad_weights=grad_weights, grad_bias=grad_bias)

# %% [markdown]
# ## Hints
# <details><summary>Hint 1</summary> z = x @ W + b. Write one output of one case: z_j = sum over i
# of x_i W_ij, plus b_j.</details>
#
# <details><summary>Hint 2</summary> ∂C/∂x_i is the sum over j of dz_j W_ij; ∂C/∂W_ij is x_i dz_j,
# summed over the cases.</details>
#
# <details><summary>Hint 3</summary> Let the shapes lead: (B, in) from (B, out) and (in, out); (in,
# out) from (B, in) and (B, out).</details>
#
# ## To think about
# 1. Not every gradient needs all of dz, x and W. What does a program have to keep of the forward
#    pass, for each layer, until the backward pass needs it?
# 2. Where should the division by the number of cases stand, so that it stands in one place only?
