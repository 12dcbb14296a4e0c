"""The checker itself: it must catch what people get wrong, and pass what is right."""

from __future__ import annotations

import numpy as np
import pytest

from minikd import GradcheckError, gradcheck, layers
from minikd import equations as eq
from minikd.backend import Stream, generator

RNG = np.random.default_rng(4)
Z, V = RNG.normal(0, 2, (2, 4, 5))
METHODS = ["complex", "central", "direction"]
T = 4.0


def soft_target(gradient, cost=eq.soft_target_cost):
    """A cost at T with some gradient of one case, right or wrong."""

    def func(z):
        return cost(z, V, T=T), lambda dc: dc[..., None] * gradient(z)

    return func


@pytest.mark.parametrize("method", METHODS)
def test_passes_what_is_right(method):
    assert gradcheck(
        soft_target(lambda z: eq.soft_target_gradient(z, V, T=T)), Z, method=method
    )


def relu_on_output(z):
    h = np.maximum(z, 0)
    return h, lambda dh: dh * (h >= 0)


def dropout_without_scale(h):
    mask = layers.dropout_mask(generator(0, Stream.MASKS), h.shape, 0.5, h)
    return h * mask, lambda dout: dout * (mask > 0)


def half_mean(z):
    return eq.soft_target_cost(
        z, V, T=T
    ) / 5, lambda dc: dc[..., None] * eq.soft_target_gradient(z, V, T)


WRONG = {
    "off by 0.1 %": soft_target(lambda z: 1.001 * eq.soft_target_gradient(z, V, T=T)),
    "forgotten 1/T": soft_target(lambda z: eq.softmax(z, T) - eq.softmax(V, T)),
    "forgotten T²": soft_target(
        lambda z: eq.soft_target_gradient(z, V, T=T), cost=eq.distillation_cost
    ),
    "cost divided by K": half_mean,
    "softmax on one side without T": soft_target(
        lambda z: (eq.softmax(z, T) - eq.softmax(V)) / T
    ),
    "wrong sign": soft_target(lambda z: -eq.soft_target_gradient(z, V, T=T)),
    "one element wrong": soft_target(
        lambda z: eq.soft_target_gradient(z, V, T=T) * np.where(np.arange(5) == 3, 1.001, 1.0)
    ),
    "ReLU mask >= 0 on the output": relu_on_output,
    "dropout without its scale in the backward": dropout_without_scale,
    "NaN": soft_target(lambda z: np.full(z.shape, np.nan)),
    "zero": soft_target(np.zeros_like),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("mistake", WRONG)
def test_catches(mistake, method):
    with pytest.raises(GradcheckError, match="derivative"):
        gradcheck(WRONG[mistake], Z, method=method)
    assert gradcheck(WRONG[mistake], Z, method=method, raise_exception=False) is False


@pytest.mark.parametrize(
    ("mistake", "factor"),
    [("off by 0.1 %", "1.001"), ("forgotten 1/T", "4"), ("forgotten T²", "0.0625"),
     ("cost divided by K", "5"), ("wrong sign", "-1")],
)  # fmt: skip
def test_names_the_factor(mistake, factor):
    with pytest.raises(GradcheckError, match=f"is {factor} times the derivative everywhere"):
        gradcheck(WRONG[mistake], Z)


@pytest.mark.parametrize("method", METHODS)
def test_a_check_of_nothing_does_not_pass(method):
    with pytest.raises(GradcheckError, match="both zero"):
        gradcheck(
            lambda z: (np.zeros(3) * z.sum(), lambda d: np.zeros_like(z)), Z, method=method
        )


@pytest.mark.parametrize("method", METHODS)
def test_central_and_direction_need_no_complex_numbers(method):
    def real_only(x):
        if np.iscomplexobj(x):
            raise TypeError("real numbers only")
        return np.abs(x), lambda dout: dout * np.sign(x)

    if method == "complex":
        with pytest.raises(TypeError):
            gradcheck(real_only, Z, method=method)
    else:
        assert gradcheck(real_only, Z, method=method)


def test_several_inputs_and_one_without_gradient():
    def product(a, b, c):
        return a * b * c, lambda d: (d * b * c, None, d * a * b)

    assert gradcheck(product, (Z, V, Z + V))
    with pytest.raises(GradcheckError, match="2 gradients for 3 inputs"):
        gradcheck(lambda a, b, c: (a * b * c, lambda d: (d, d)), (Z, V, Z))
    with pytest.raises(GradcheckError, match="shape"):
        gradcheck(lambda a: (a.sum(-1), lambda d: d), Z)


@pytest.mark.parametrize("method", METHODS)
def test_writing_to_an_input_is_caught(method):
    def in_place(x):
        out = x**2

        def backward(dout):
            gradient = 2 * x * dout
            x.real[...] *= 1 + 1e-15
            return gradient

        return out, backward

    with pytest.raises(GradcheckError, match="written to"):
        gradcheck(in_place, Z.copy(), method=method)


@pytest.mark.parametrize("method", METHODS)
def test_any_memory_layout(method):
    def square(x):
        return x**2, lambda dout: 2 * x * dout

    for x in (np.asfortranarray(Z), Z.T, Z[::2, ::-1]):
        assert gradcheck(square, x, method=method)


@pytest.mark.parametrize("method", METHODS)
def test_a_check_that_could_not_tell_is_an_error(method):
    def no_gradient(x):
        return x**2, lambda dout: None

    with pytest.raises(GradcheckError, match="nothing to check"):
        gradcheck(no_gradient, Z, method=method)
    # At T = 1e5 Eq. 2 is 1e-11: far below what a central difference can see.
    hot = {"T": 1e5}

    def func(factor):
        return lambda z: (
            eq.soft_target_cost(z, V, **hot),
            lambda dc: factor * dc[..., None] * eq.soft_target_gradient(z, V, **hot),
        )

    if method == "complex":
        assert gradcheck(func(1.0), Z)
        with pytest.raises(GradcheckError, match=r"1\.001 times"):
            gradcheck(func(1.001), Z)
    else:
        for factor in (1.0, 1.5):
            with pytest.raises(GradcheckError, match="could not tell"):
                gradcheck(func(factor), Z, method=method, atol=1e-6)


def test_a_mistake_too_small_to_see_is_not_passed():
    for size in (1e-3, 1e-4, 1e-5, 1e-6):

        def func(x, size=size):
            return size * np.sin(x), lambda dout: 1.001 * size * np.cos(x) * dout

        for method in METHODS:
            with pytest.raises(GradcheckError):
                gradcheck(func, Z, method=method)


def test_a_function_that_drops_the_imaginary_part():
    with pytest.raises(GradcheckError, match="method='central'"):
        gradcheck(lambda x: (np.abs(x), lambda dout: dout * np.sign(x)), Z)


def test_a_buffer_that_the_backward_returns_twice_is_no_trouble():
    buffer = np.empty_like(Z)

    def square(x):
        return x**2, lambda dout: np.multiply(2 * x, dout, out=buffer)

    assert gradcheck(square, Z)


def test_tolerances_are_used():
    wrong = WRONG["off by 0.1 %"]
    assert gradcheck(wrong, Z, rtol=2e-3)
    assert gradcheck(wrong, Z, atol=1e-3)


def test_bad_arguments():
    right = soft_target(lambda z: eq.soft_target_gradient(z, V, T=T))
    with pytest.raises(ValueError, match="float64"):
        gradcheck(right, Z.astype(np.float32))
    with pytest.raises(ValueError, match="not empty"):
        gradcheck(right, Z[:0])
    with pytest.raises(GradcheckError, match="nothing to check"):
        gradcheck(lambda: (np.ones(1), lambda dout: ()), [])
    with pytest.raises(ValueError, match="method"):
        gradcheck(right, Z, method="forward")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="eps"):
        gradcheck(right, Z, eps=0)
