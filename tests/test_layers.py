"""Each backward against the complex step, alone and in a stack."""

from __future__ import annotations

import numpy as np
import pytest

from minikd import gradcheck, layers
from minikd.backend import Stream, generator, random_bytes, to_host

RNG = np.random.default_rng(1)


def linear(x, W, b):
    z, cache = layers.linear_forward(x, W, b)
    return z, lambda dz: layers.linear_backward(dz, cache)


def relu(z):
    h, cache = layers.relu_forward(z)
    return h, lambda dh: layers.relu_backward(dh, cache)


@pytest.mark.parametrize("members", [(), (3,), (2, 3)])
def test_linear(members):
    x, W, b = (RNG.normal(size=(*members, *shape)) for shape in ((5, 4), (4, 3), (3,)))
    assert gradcheck(linear, (x, W, b))


def test_linear_where_members_share_the_input():
    x, W, b = RNG.normal(size=(5, 4)), RNG.normal(size=(2, 4, 3)), RNG.normal(size=(2, 3))

    def shared(x, W, b):
        z, backward = linear(x, W, b)

        def back(dz):
            dx, dW, db = backward(dz)
            return dx.sum(0), dW, db  # one dx per member: the shared x gets their sum

        return z, back

    assert gradcheck(shared, (x, W, b))


def test_the_gradient_on_the_inputs_can_be_left_out():
    x, W, b, dz = (RNG.normal(size=s) for s in ((5, 4), (4, 3), (3,), (5, 3)))
    cache = layers.linear_forward(x, W, b)[1]
    dx, dW, db = layers.linear_backward(dz, cache)
    assert dx.shape == x.shape
    without, *same = layers.linear_backward(dz, cache, input_gradient=False)
    assert without is None
    for g, h in zip(same, (dW, db), strict=True):
        np.testing.assert_array_equal(g, h)


@pytest.mark.parametrize("members", [(), (1,), (2,)])
def test_linear_wants_members_that_fit(members):
    """With one network, a gradient on its weights would have a member axis that they lack."""
    with pytest.raises(
        ValueError, match=r"^x has shape \(3, 5, 4\), W .*; expected \(B, in\) or"
    ):
        layers.linear_forward(
            np.ones((3, 5, 4)), np.ones((*members, 4, 3)), np.ones((*members, 3))
        )


def test_weights_of_one_axis_are_no_layer():
    with pytest.raises(ValueError, match=r"W \(5,\) and b \(0,\); expected"):
        layers.linear_forward(np.ones((3, 0)), np.ones(5), np.ones(0))


@pytest.mark.parametrize("cache", [None, (), [np.zeros((5, 4))] * 3, (1, 2)])
def test_the_backward_of_linear_wants_what_its_forward_kept(cache):
    with pytest.raises(
        ValueError, match=r"^cache is .*; expected the cache that linear_forward gave$"
    ):
        layers.linear_backward(np.ones((5, 3)), cache)


def test_relu():
    assert gradcheck(relu, RNG.normal(size=(4, 6)))


def test_relu_passes_nothing_where_it_is_off():
    _, backward = relu(np.array([-1.0, 0.0, 2.0]))
    np.testing.assert_array_equal(backward(np.ones(3)), [0, 0, 1])


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_dropout(rate):
    h = RNG.normal(size=(4, 6))
    mask = layers.dropout_mask(generator(0, Stream.MASKS), h.shape, rate, h)

    def func(h):
        out, cache = layers.dropout_forward(h, mask)
        return out, lambda dout: layers.dropout_backward(dout, cache)

    assert gradcheck(func, h)


def test_a_dropout_mask_keeps_the_mean_and_drops_at_its_rate():
    n = 1_000_000
    for rate in (0.2, 0.5, 0.9):
        mask = layers.dropout_mask(
            generator(0, Stream.MASKS), (n,), rate, np.zeros(1, np.float32)
        )
        kept = mask > 0
        assert mask.dtype == np.float32
        assert len(np.unique(mask)) == 2
        # Rounding to 1/256, plus five standard deviations of the count.
        assert kept.mean() == pytest.approx(1 - rate, abs=1 / 512 + 5 * np.sqrt(rate / n))
        # The mean is 1 with a standard deviation of sqrt(rate / (1 - rate) / n).
        assert mask.mean(dtype=float) == pytest.approx(
            1, abs=5 * np.sqrt(rate / (1 - rate) / n)
        )


def test_a_rate_is_below_one():
    for rate in (1.0, -0.1, np.nan):
        with pytest.raises(
            ValueError, match=rf"^dropout rate is {rate}; expected 0 ≤ rate < 1$"
        ):
            layers.dropout_mask(generator(0, Stream.MASKS), (2,), rate, np.zeros(1))


@pytest.mark.parametrize(
    ("rate", "dropped"), [(0, 0), (0.001, 0), (0.25, 64), (0.5, 128), (0.75, 192), (0.999, 255)]
)
def test_a_rate_is_rounded_to_256ths_and_never_drops_all(rate, dropped):
    assert layers.dropped_bytes(rate) == dropped


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_one_random_byte_decides_about_one_unit(fake_gpu, device):
    xp = np if device == "cpu" else fake_gpu
    first, second = (generator(0, Stream.MASKS, xp=xp) for _ in range(2))
    mask = layers.dropout_mask(first, (3, 50), 0.25, xp.zeros(1))
    kept = random_bytes(second, (3, 50), xp) >= 64
    np.testing.assert_array_equal(to_host(mask), to_host(kept) * 256 / 192)
