"""The network: its backpropagation, its size, its members."""

from __future__ import annotations

import numpy as np
import pytest

from minikd import MLP, gradcheck
from minikd import equations as eq
from minikd.checkpoint import save_checkpoint
from minikd.mlp import draw_masks, mask_generators

RNG = np.random.default_rng(2)
SIZES = [6, 5, 4, 3]


def cost_of_parameters(net, x, v, masks):
    """The whole objective as a function of all parameters, with its backpropagation."""

    def func(*parameters):
        moved = net.with_parameters(parameters)
        z, caches = moved.forward(x, masks)
        cost = eq.distillation_cost(z, v, T=3.0)
        return cost, lambda dc: moved.backward(
            dc[..., None] * eq.distillation_gradient(z, v, T=3.0), caches
        )

    return func


@pytest.mark.parametrize("seeds", [7, (7, 8)])
@pytest.mark.parametrize("rates", [None, (0.2, 0.5, 0.5)])
@pytest.mark.parametrize("shared", [True, False])
def test_backpropagation_is_exact(seeds, rates, shared):
    net = MLP(SIZES, seeds, dtype=np.float64)
    # Biases of 0 would put units whose inputs are all dropped exactly on the kink of ReLU.
    net.parameters[1::2] = [RNG.normal(size=b.shape) for b in net.parameters[1::2]]
    x = RNG.normal(size=(8, 6) if shared else (*net.members, 8, 6))
    v = RNG.normal(0, 3, size=(8, 3))
    masks = draw_masks(net, rates, mask_generators(net, 0), 8) if rates else None
    func = cost_of_parameters(net, x, v, masks)
    assert gradcheck(func, net.parameters)


def test_backpropagation_of_a_wide_network_in_a_random_direction():
    net = MLP([784, 100, 100, 10], 7, dtype=np.float64)
    x, v = RNG.random((20, 784)), RNG.normal(0, 5, (20, 10))
    assert gradcheck(cost_of_parameters(net, x, v, None), net.parameters, method="direction")


@pytest.mark.parametrize(
    ("sizes", "count"), [([784, 1200, 1200, 10], 2_395_210), ([784, 800, 800, 10], 1_276_810)]
)
def test_the_sizes_of_the_paper(sizes, count):
    assert MLP(sizes, 0).size == count
    assert MLP(sizes, [0, 1]).size == count


def test_he_initialization():
    net = MLP([784, 1200, 10], 0, dtype=np.float64)
    W1, b1, W2, b2 = net.parameters
    # The standard deviation of n normal draws has a relative error of 1/sqrt(2n).
    assert W1.std() == pytest.approx(np.sqrt(2 / 784), rel=5 / np.sqrt(2 * W1.size))
    assert W2.std() == pytest.approx(np.sqrt(2 / 1200), rel=5 / np.sqrt(2 * W2.size))
    assert not b1.any()
    assert not b2.any()
    smaller = MLP([784, 1200, 10], 0, gain=0.5, dtype=np.float64).parameters
    for p, q in zip(net.parameters, smaller, strict=True):
        np.testing.assert_array_equal(q, 0.5 * p)
    for gain in (0, -1, np.inf, np.nan):
        with pytest.raises(ValueError, match="gain is"):
            MLP([784, 1200, 10], 0, gain=gain)


def test_member_k_is_the_network_of_its_seed():
    stack, x = MLP(SIZES, [3, 4, 5]), RNG.random((8, 6), dtype=np.float32)
    assert stack(x).shape == (3, 8, 3)
    for k, seed in enumerate([3, 4, 5]):
        alone = MLP(SIZES, seed)
        assert stack[k].seeds == alone.seeds == [seed]
        for p, q in zip(stack[k].parameters, alone.parameters, strict=True):
            np.testing.assert_array_equal(p, q)
        np.testing.assert_allclose(stack(x)[k], alone(x), rtol=1e-6, atol=1e-6)
    stack[0].parameters[0][:] = 0  # a member taken out shares no memory
    assert stack.parameters[0].all()


def test_a_generator_seeds_a_network():
    a = MLP(SIZES, np.random.default_rng(0))
    b = MLP(SIZES, np.random.default_rng(0))
    rng = np.random.default_rng(0)
    stack = MLP(SIZES, [rng, rng])  # drawn one after the other, so they differ
    np.testing.assert_array_equal(a.parameters[0], b.parameters[0])
    assert stack.seeds[0] == a.seeds[0] != stack.seeds[1]


def test_seeds_in_an_array_make_a_stack():
    for seeds in (range(3), np.arange(3), (0, 1, 2)):
        assert MLP(SIZES, seeds).seeds == [0, 1, 2]
    assert MLP(SIZES, np.int64(3)).members == ()


def test_a_call_goes_batch_by_batch_and_never_drops():
    net = MLP(SIZES, 0, dtype=np.float64)
    x = RNG.random((50, 6))
    np.testing.assert_allclose(net(x, batch=7), net.forward(x)[0], rtol=1e-13)


def test_a_file_gives_the_same_network(tmp_path):
    net = MLP(SIZES, [1, 2])
    net.save(tmp_path / "net.npz")
    loaded = MLP.load(tmp_path / "net.npz")
    assert (loaded.sizes, loaded.seeds, loaded.members) == (net.sizes, net.seeds, net.members)
    for p, q in zip(loaded.parameters, net.parameters, strict=True):
        np.testing.assert_array_equal(p, q)
    assert [p.name for p in tmp_path.iterdir()] == ["net.npz"]  # no partial file is left


def test_damaged_files(tmp_path):
    path = tmp_path / "net.npz"
    with pytest.raises(FileNotFoundError):
        MLP.load(path)
    MLP(SIZES, 0).save(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="damaged"):
        MLP.load(path)
    np.savez(path, meta=np.array("{}"))
    with pytest.raises(ValueError, match="holds no network"):
        MLP.load(path)
    arrays = {f"p{i}": p for i, p in enumerate(MLP(SIZES, 0).parameters)}
    save_checkpoint(path, arrays, {"sizes": [6, 5, 5, 3], "seeds": [0]})
    with pytest.raises(ValueError, match="do not fit"):
        MLP.load(path)
    np.save(tmp_path / "pickle.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(ValueError, match="not a minikd checkpoint"):
        MLP.load(tmp_path / "pickle.npy")


@pytest.mark.parametrize(
    "dtypes", [["int64"], ["complex128"], ["float16"], ["float32", "float64"]]
)
def test_a_file_with_weights_of_another_dtype_is_refused(dtypes, tmp_path):
    parameters = MLP(SIZES, 0).parameters
    arrays = {f"p{i}": p.astype(dtypes[i % len(dtypes)]) for i, p in enumerate(parameters)}
    save_checkpoint(tmp_path / "net.npz", arrays, {"sizes": SIZES, "seeds": [0]})
    with pytest.raises(ValueError, match=f"dtype {', '.join(dtypes)}; expected float32"):
        MLP.load(tmp_path / "net.npz")


@pytest.mark.parametrize("sizes", [[784], [784, 0, 10], [784, 2.5, 10]])
def test_bad_sizes(sizes):
    with pytest.raises(ValueError, match="sizes"):
        MLP(sizes, 0)


@pytest.mark.parametrize("rng", [-1, 1.5, None, True, []])
def test_bad_seeds(rng):
    with pytest.raises(ValueError, match="rng"):
        MLP(SIZES, rng)


def test_bad_calls():
    net = MLP(SIZES, 0)
    with pytest.raises(ValueError, match=r"expected \(cases, 6\)"):
        net(np.zeros((5, 7)))
    assert net([[0.0] * 6]).shape == (1, 3)
    with pytest.raises(ValueError, match="no cases"):
        net(np.zeros((0, 6)))
    with pytest.raises(TypeError, match="not a stack"):
        net[0]
    with pytest.raises(TypeError):
        MLP(SIZES, [0, 1])[:1]
    with pytest.raises(ValueError, match="float32 or float64"):
        MLP(SIZES, 0, dtype=int)
    with pytest.raises(ValueError, match="device"):
        MLP(SIZES, 0, device="tpu")
