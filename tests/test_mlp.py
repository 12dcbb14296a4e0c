"""The network: its backpropagation, its size, its members."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest

from minikd import MLP, gradcheck, threads
from minikd import equations as eq
from minikd.backend import Stream, generator, to_host
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


@pytest.mark.parametrize("seeds", [0, (0, 1)])
@pytest.mark.parametrize(
    ("options", "dtype"),
    [({}, np.float32), ({"dtype": "float32"}, np.float32), ({"dtype": float}, np.float64)],
)
def test_it_computes_in_float32_unless_told_otherwise(seeds, options, dtype):
    net = MLP(SIZES, seeds, **options)
    assert {p.dtype for p in net.parameters} == {np.dtype(dtype)}
    for x in (RNG.random((8, 6)), RNG.random((8, 6), dtype=np.float32), np.eye(6, dtype=int)):
        assert net(x).dtype == dtype


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_zeros_are_like_the_parameters(fake_gpu, device):
    net = MLP(SIZES, (0, 1), device=device)
    for zeros, p in zip(net.zeros(), net.parameters, strict=True):
        assert type(zeros) is type(p)
        assert (zeros.shape, zeros.dtype) == (p.shape, p.dtype)
        assert not to_host(zeros).any()


def test_it_shows_its_sizes_and_how_many_members_it_has():
    assert repr(MLP(SIZES, 0)) == "<MLP 6-5-4-3>"
    assert repr(MLP(SIZES, range(20))) == "<MLP 6-5-4-3, 20 members>"
    assert repr(MLP(SIZES, range(2))) == "<MLP 6-5-4-3, 2 members>"
    assert repr(MLP(SIZES, [5])) == "<MLP 6-5-4-3, 1 member>"


def test_a_member_is_off_where_no_unit_of_a_hidden_layer_is_on():
    """One unit that is on is enough; one at exactly 0 passes nothing."""
    on = np.array([[True, True], [False, True], [True, False], [False, False]])
    net = MLP([2, 2, 2, 3], range(4)).with_parameters(MLP([2, 2, 2, 3], range(4)).zeros())
    for layer, b in enumerate(net.parameters[1:-1:2]):
        b[:, 0] = np.where(on[:, layer], 0.5, -0.5)
    x = np.ones((5, 2))
    off = net.off(net.forward(x)[1])
    assert off.tolist() == [False, True, True, True]
    for k in range(4):
        assert net[k].off(net[k].forward(x)[1]).tolist() == [off[k]]


def test_a_member_that_is_on_in_one_case_is_on():
    net = MLP([1, 1, 1], (0, 1), dtype=np.float64)
    net.parameters[0][:] = [[[1.0]], [[-1.0]]]
    assert net.off(net.forward(np.array([[-1.0], [-1.0], [0.1]]))[1]).tolist() == [False, False]
    assert net.off(net.forward(np.array([[1.0], [1.0], [0.1]]))[1]).tolist() == [False, True]


def test_a_network_without_hidden_layers_is_never_off():
    for seeds, expected in ((0, [False]), ((0, 1), [False, False])):
        net = MLP([6, 3], seeds)
        off = net.off(net.forward(np.zeros((5, 6)))[1])
        assert off.dtype == bool
        assert off.tolist() == expected


def test_member_k_is_the_network_of_its_seed():
    stack, x = MLP(SIZES, [3, 4, 5]), RNG.random((8, 6), dtype=np.float32)
    assert stack(x).shape == (3, 8, 3)
    for k, seed in enumerate([3, 4, 5]):
        alone = MLP(SIZES, seed)
        assert stack[k].seeds == alone.seeds == [seed]
        assert stack[k].members == alone.members == ()
        for p, q in zip(stack[k].parameters, alone.parameters, strict=True):
            np.testing.assert_array_equal(p, q)
        np.testing.assert_allclose(stack(x)[k], alone(x), rtol=1e-6, atol=1e-6)
    stack[0].parameters[0][:] = 0  # a member taken out shares no memory
    assert stack.parameters[0].all()


def test_members_are_counted_from_either_end_and_a_stack_is_gone_through():
    stack = MLP(SIZES, [3, 4, 5])
    assert [member.seeds for member in stack] == [[3], [4], [5]]
    assert [stack[k].seeds for k in (-3, -1, 0, 2)] == [[3], [5], [3], [5]]
    for k in (3, -4):
        with pytest.raises(
            IndexError, match=f"^k is {k}; expected 0 … 2: there are 3 members$"
        ):
            stack[k]


def test_other_parameters_in_the_same_network():
    net = MLP(SIZES, [3, 4])
    other = net.with_parameters(tuple(net.zeros()))
    assert (other.sizes, other.seeds, other.members) == (SIZES, [3, 4], (2,))
    assert not other(np.ones((1, 6))).any()
    assert net(np.ones((1, 6))).any()
    with pytest.raises(ValueError, match=r"^parameters is 3; expected a list of arrays$"):
        net.with_parameters(3)


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


class Watched(MLP):
    """It keeps what ``look`` says about the cases of each forward pass."""

    def forward(self, x, masks=None):
        self.seen = [*getattr(self, "seen", []), self.look(x)]
        return super().forward(x, masks)


@pytest.mark.parametrize("seeds", [0, (0, 1)])
def test_a_call_goes_batch_by_batch_and_never_drops(seeds):
    net = Watched(SIZES, seeds, dtype=np.float64)
    net.look = len
    x = RNG.random((50, 6))
    np.testing.assert_allclose(net(x, batch=20), MLP.forward(net, x)[0], rtol=1e-13, atol=1e-14)
    assert net.seen == [20, 20, 10]
    net.seen = []
    net(np.zeros((4001, 6)))
    assert net.seen == [2000, 2000, 1]


@pytest.mark.parametrize(
    ("sizes", "seeds", "cases", "batch", "worth"),
    [
        ([784, 1200, 10], 0, 128, 2000, 4),
        ([784, 1200, 10], 0, 128, 2, 1),
        ([784, 1200, 10], 0, 2, 2000, 1),
        ([784, 30, 10], 0, 128, 2000, 1),
        ([784, 30, 10], range(40), 128, 2000, 4),
    ],
)
def test_a_call_uses_the_threads_that_its_products_are_worth(
    monkeypatch, sizes, seeds, cases, batch, worth
):
    """Those of NumPy's BLAS; SciPy's is held at one. The sizes of a batch and of a stack count."""
    allowed = {"numpy": 4, "scipy": 4}

    def pool(name):
        library = SimpleNamespace(
            get_num_threads=lambda: allowed[name],
            set_num_threads=lambda n: allowed.update({name: n}),
        )
        return threads._Pool(library, name == "numpy", [])

    pools = [pool("numpy"), pool("scipy")]
    monkeypatch.setattr(threads, "_pools", lambda: pools)
    net = Watched(sizes, seeds)
    net.look = lambda x: (allowed["numpy"], allowed["scipy"])
    net(np.zeros((cases, 784), np.float32), batch)
    assert set(net.seen) == {(worth, 1)}
    assert allowed == {"numpy": 4, "scipy": 4}


def test_logits_are_where_the_cases_are(fake_gpu):
    """Whatever holds the network."""
    x = RNG.random((8, 6), dtype=np.float32)
    host, device = MLP(SIZES, 0), MLP(SIZES, 0, device="cuda")
    expected = host(x)
    there = device(fake_gpu.asarray(x))
    assert type(there) is type(device.parameters[0])
    assert type(device(x)) is np.ndarray
    # The double computes with NumPy, so they are the same to rounding in float32.
    for z in (there.get(), device(x)):
        np.testing.assert_allclose(z, expected, rtol=1e-6, atol=1e-6)


# ---------------------------------------------------------------- dropout masks


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_masks_are_drawn_where_the_network_is(fake_gpu, device):
    """Where the rate is 0 there is none. Each member has the masks that it has alone."""
    net, rates = MLP(SIZES, (7, 8), device=device), (0.2, 0, 0.5)
    first, none, last = draw_masks(net, rates, mask_generators(net, 3), 8)
    assert none is None
    assert (first.shape, last.shape) == ((2, 8, 6), (2, 8, 4))
    alone = [draw_masks(net[k], rates, mask_generators(net[k], 3), 8) for k in range(2)]
    for i, mask in ((0, first), (2, last)):
        assert type(mask) is type(net.parameters[0])
        assert mask.dtype == np.float32
        assert 0 < (to_host(mask) > 0).mean() < 1
        for k in range(2):
            np.testing.assert_array_equal(to_host(alone[k][i]), to_host(mask)[k])


def test_each_seed_and_each_epoch_has_a_stream_of_masks_of_its_own():
    def drawn(seed, epoch):
        (rng,) = mask_generators(MLP(SIZES, seed), epoch)
        return rng.integers(2**63)

    assert drawn(5, 1) == drawn(5, 1)
    every = {drawn(seed, epoch) for seed in (0, 1, 5) for epoch in range(len(Stream))}
    assert len(every) == 3 * len(Stream)
    # Nor is it what the same seed draws for something else.
    assert not every & {
        generator(seed, purpose).integers(2**63) for seed in (0, 1, 5) for purpose in Stream
    }


# ---------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("sizes", "seeds"), [(SIZES, [1, 2]), (SIZES, 1), ([6, 3], 1), ([1, 1, 1], [1])]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_file_gives_the_same_network(sizes, seeds, dtype, tmp_path):
    net = MLP(sizes, seeds, dtype=dtype)
    net.save(tmp_path / "net.npz")
    loaded = MLP.load(tmp_path / "net.npz")
    assert (loaded.sizes, loaded.seeds, loaded.members) == (net.sizes, net.seeds, net.members)
    for p, q in zip(loaded.parameters, net.parameters, strict=True):
        np.testing.assert_array_equal(p, q)
        assert p.dtype == q.dtype
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


TWO = "expected at least two positive integers, like [784, 100, 10]"
EACH = "expected a sequence of seeds, one for each member"
SEED = "expected an integer ≥ 0 or a numpy Generator"


@pytest.mark.parametrize(
    ("meta", "why"),
    [
        ({"seeds": [0]}, "no 'sizes'"),
        ({"sizes": SIZES}, "no 'seeds'"),
        ({"sizes": [*SIZES, 2], "seeds": [0]}, "no 'p6'"),
        ({"sizes": [6], "seeds": [0]}, f"sizes is [6]; {TWO}"),
        ({"sizes": 6, "seeds": [0]}, f"sizes is 6; {TWO}"),
        ({"sizes": [6, 0, 3], "seeds": [0]}, f"sizes is [6, 0, 3]; {TWO}"),
        ({"sizes": "6-5-3", "seeds": [0]}, f"sizes is '6-5-3'; {TWO}"),
        ({"sizes": SIZES, "seeds": 0}, f"seeds is 0; {EACH}"),
        ({"sizes": SIZES, "seeds": "7"}, f"seeds is '7'; {EACH}"),
        ({"sizes": SIZES, "seeds": [None]}, f"seeds is None; {SEED}"),
        ({"sizes": SIZES, "seeds": [-1]}, f"seeds is -1; {SEED}"),
    ],
)
def test_a_file_that_holds_no_network_says_what_it_lacks(meta, why, tmp_path):
    path = tmp_path / "net.npz"
    save_checkpoint(path, {f"p{i}": p for i, p in enumerate(MLP(SIZES, 0).parameters)}, meta)
    said = f"path: {path} holds no network ({why}); expected a file that MLP.save wrote"
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        MLP.load(path)


def test_sizes_in_a_file_are_integers(tmp_path):
    parameters = {f"p{i}": p for i, p in enumerate(MLP(SIZES, 0).parameters)}
    sizes = [float(size) for size in SIZES]
    save_checkpoint(tmp_path / "net.npz", parameters, {"sizes": sizes, "seeds": [0]})
    assert repr(MLP.load(tmp_path / "net.npz")) == repr(MLP(SIZES, 0))


def test_a_file_with_more_than_one_axis_of_members_is_refused(tmp_path):
    several = {
        f"p{i}": np.stack([p, p, p]) for i, p in enumerate(MLP(SIZES, (0, 1)).parameters)
    }
    meta = {"sizes": SIZES, "seeds": list(range(6))}
    save_checkpoint(tmp_path / "net.npz", several, meta)
    with pytest.raises(ValueError, match="arrays that do not fit the sizes"):
        MLP.load(tmp_path / "net.npz")


@pytest.mark.parametrize(
    "dtypes", [["int64"], ["complex128"], ["float16"], ["float32", "float64"]]
)
def test_a_file_with_weights_of_another_dtype_is_refused(dtypes, tmp_path):
    parameters = MLP(SIZES, 0).parameters
    arrays = {f"p{i}": p.astype(dtypes[i % len(dtypes)]) for i, p in enumerate(parameters)}
    save_checkpoint(tmp_path / "net.npz", arrays, {"sizes": SIZES, "seeds": [0]})
    with pytest.raises(ValueError, match=f"dtype {', '.join(dtypes)}; expected float32"):
        MLP.load(tmp_path / "net.npz")


# ---------------------------------------------------------------- bad calls


@pytest.mark.parametrize("sizes", [[784], [784, 0, 10], [784, 2.5, 10]])
def test_bad_sizes(sizes):
    said = f"sizes is {sizes}; expected at least two positive integers, like [784, 100, 10]"
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        MLP(sizes, 0)


def test_one_unit_is_enough():
    assert MLP([1, 1], 0)([[2.0]]).shape == (1, 1)


@pytest.mark.parametrize("rng", [-1, 1.5, None, True, []])
def test_bad_seeds(rng):
    with pytest.raises(ValueError, match="rng"):
        MLP(SIZES, rng)


def test_seeds_in_an_array_are_numbers():
    with pytest.raises(
        ValueError,
        match=r"^rng is an array .*; expected a sequence of seeds, one for each member$",
    ):
        MLP(SIZES, np.array(["a", "b"]))


@pytest.mark.parametrize("caches", [None, [], [(None, None, None)], [1, 2, 3]])
def test_caches_are_those_of_a_forward_pass(caches):
    net = MLP(SIZES, 0)
    for use in (net.off, lambda caches: net.backward(np.zeros((5, 3)), caches)):
        with pytest.raises(
            ValueError, match=r"^caches is .*; expected the caches that forward"
        ):
            use(caches)


def test_masks_fit_their_layers():
    said = "masks has one of shape (5, 3); expected (5, 5) beside x, (5, 6)"
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        MLP(SIZES, 0).forward(np.zeros((5, 6)), [None, np.ones((5, 3)), None])


def test_a_path_is_a_path():
    with pytest.raises(ValueError, match=r"^path is 3; expected a path$"):
        MLP(SIZES, 0).save(3)


def test_masks_are_drawn_for_a_network():
    said = r"^net is 3; expected a network, like MLP\(\[784, 100, 10\], rng=0\)$"
    with pytest.raises(ValueError, match=said):
        draw_masks(3, [0.5], [np.random.default_rng(0)], 5)
    with pytest.raises(ValueError, match=said):
        mask_generators(3, 0)


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
