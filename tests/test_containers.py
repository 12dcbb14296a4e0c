"""Right values are taken from whatever holds them: lists, tensors on any device, NumPy scalars."""

from __future__ import annotations

import gzip
import json
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from minikd import (
    MLP,
    Dataset,
    Recipe,
    equations,
    errors,
    fetch_mnist,
    hard_targets,
    load_glyphs,
    load_mnist,
    soft_targets,
    sweep_bias,
    train,
    with_bias,
)
from minikd.backend import to_host
from minikd.data import mnist as mnist_module
from minikd.ensembles import arithmetic_mean, geometric_mean
from minikd.evaluate import calibration_error, confusion, log_loss
from minikd.experiments import Experiment
from minikd.specialists import cluster_classes, prediction_covariance, specialist_labels
from minikd.statistics import mean_of, paired_test

RNG = np.random.default_rng(5)
V = RNG.normal(0, 3, (6, 4)).astype(np.float32)
Y = np.array([0, 1, 2, 3, 1, 2])
X = RNG.random((6, 4)).astype(np.float32)


# ---------------------------------------------------------------- what holds an array


class Tensor:
    """Behaves like a tensor of PyTorch: on a GPU, recording a gradient, or of bfloat16."""

    def __init__(
        self, values: Any, on_gpu: bool = False, grad: bool = False, half: bool = False
    ):
        self.values, self.on_gpu, self.grad, self.half = np.asarray(values), on_gpu, grad, half

    shape = property(lambda self: self.values.shape)
    ndim = property(lambda self: self.values.ndim)
    dtype = property(lambda self: "torch.bfloat16" if self.half else "torch.float32")

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, k: Any) -> Tensor:
        return Tensor(self.values[k], self.on_gpu, self.grad, self.half)

    def detach(self) -> Tensor:
        return Tensor(self.values, self.on_gpu, False, self.half)

    def cpu(self) -> Tensor:
        return Tensor(self.values, False, self.grad, self.half)

    def float(self) -> Tensor:
        return Tensor(self.values, self.on_gpu, self.grad, False)

    def tolist(self) -> Any:
        return self.values.tolist()

    def numpy(self) -> Any:
        if self.grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        if self.on_gpu:
            raise TypeError("can't convert cuda:0 device type tensor to numpy.")
        if self.half:
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self.values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    @property
    def __cuda_array_interface__(self) -> Any:
        if not self.on_gpu:
            raise AttributeError("not a CUDA tensor")
        if self.grad:
            raise RuntimeError(
                "Can't get __cuda_array_interface__ on Variable that requires grad."
            )
        return {"shape": self.shape}


class Series:
    """Behaves like a column or a table of pandas: NumPy can read it, and it has a ``get``."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    def get(self, key: Any) -> Any:
        raise KeyError(key)

    def __getattr__(self, name: str) -> Any:
        if name in ("detach", "cpu", "float"):  # columns of these names
            return self.values
        raise AttributeError(name)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.values if dtype is None else self.values.astype(dtype)


class Capsule:
    """Knows DLPack and nothing else."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    def __dlpack__(self, **options: Any) -> Any:
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.values.__dlpack_device__()


def torch_on_the_cpu(values: Any) -> Any:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    return torch.tensor(np.asarray(values))


def torch_with_gradient(values: Any) -> Any:
    tensor = torch_on_the_cpu(values)
    return tensor.requires_grad_() if tensor.is_floating_point() else tensor


def torch_on_a_gpu(values: Any) -> Any:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    return torch.tensor(np.asarray(values), device="cuda")


def jax_array(values: Any) -> Any:
    return pytest.importorskip("jax.numpy", reason="jax is not installed").asarray(values)


CONTAINERS = {
    "list": lambda a: np.asarray(a).tolist(),
    "tuple": lambda a: (
        tuple(map(tuple, a)) if np.ndim(a) == 2 else tuple(np.asarray(a).tolist())
    ),
    "list of arrays": lambda a: list(np.asarray(a)),
    "matrix": lambda a: np.asarray(a).view(np.matrix) if np.ndim(a) == 2 else np.asarray(a),
    "big endian": lambda a: np.asarray(a).astype(np.asarray(a).dtype.newbyteorder(">")),
    "read-only": lambda a: np.broadcast_to(a, np.shape(a)),
    "tensor": Tensor,
    "tensor with a gradient": lambda a: Tensor(a, grad=True),
    "tensor on a GPU": lambda a: Tensor(a, on_gpu=True),
    "tensor with a gradient on a GPU": lambda a: Tensor(a, on_gpu=True, grad=True),
    "list of tensors on a GPU": lambda a: [Tensor(row, on_gpu=True, grad=True) for row in a],
    "pandas": Series,
    "DLPack": Capsule,
    "torch": torch_on_the_cpu,
    "torch with a gradient": torch_with_gradient,
    "torch on a GPU": torch_on_a_gpu,
    "jax": jax_array,
}


@pytest.fixture(params=CONTAINERS)
def within(request: pytest.FixtureRequest) -> Any:
    """Puts an array into a container."""
    return CONTAINERS[request.param]


def test_every_container_comes_to_the_host(within):
    for a in (V, Y):
        np.testing.assert_array_equal(to_host(within(a)), a)


def test_equations_take_every_container(within):
    z = V[::-1].copy()
    for got, expected in (
        (equations.softmax(within(V), 2.0), equations.softmax(V, 2.0)),
        (equations.soft_target_cost(within(z), within(V), 3.0),
         equations.soft_target_cost(z, V, 3.0)),
        (equations.soft_target_gradient(z, within(V), 3.0),
         equations.soft_target_gradient(z, V, 3.0)),
        (equations.hard_target_cost(within(z), within(Y)), equations.hard_target_cost(z, Y)),
        (equations.distillation_gradient(z, within(V), within(Y), 2.0, 0.5),
         equations.distillation_gradient(z, V, Y, 2.0, 0.5)),
        (equations.softmax(V, within(np.full((6, 1), 2.0, np.float32))), equations.softmax(V, 2.0)),
    ):  # fmt: skip
        np.testing.assert_allclose(to_host(got), expected, rtol=2e-5, atol=1e-6)


def test_evaluation_takes_every_container(within):
    z, y = within(V), within(Y)
    assert errors(z, y) == errors(V, Y)
    np.testing.assert_array_equal(confusion(z, y), confusion(V, Y))
    assert log_loss(z, y) == pytest.approx(log_loss(V, Y), rel=1e-6)
    assert calibration_error(z, y) == pytest.approx(calibration_error(V, Y), rel=1e-6)
    np.testing.assert_allclose(with_bias(z, within(np.array([1])), 2.0), with_bias(V, [1], 2.0))
    grid = np.array([0.0, 1.0])
    np.testing.assert_array_equal(
        sweep_bias(z, y, 1, within(grid)).errors, sweep_bias(V, Y, [1], grid).errors
    )
    wrong = (V.argmax(-1) != Y).astype(int)
    assert paired_test(within(wrong), wrong) == 1
    assert mean_of(within(grid)).value == 0.5


def test_teachers_of_any_kind_can_be_averaged(within):
    several = [V, V[::-1].copy(), 2 * V]
    for mean in (geometric_mean, lambda v: arithmetic_mean(v, 2.0)):
        expected = mean(np.stack(several))
        np.testing.assert_allclose(mean(several), expected, rtol=1e-6)
        got = to_host(mean([within(v) for v in several]))
        np.testing.assert_allclose(got, expected, rtol=2e-5, atol=1e-6)


def test_data_and_networks_take_every_container(within):
    data = Dataset(within(X), within(Y), within(V), shape=(2, 2))
    np.testing.assert_array_equal(data.x, X)
    np.testing.assert_array_equal(data.with_logits(within(V)).v, V)
    np.testing.assert_array_equal(data.take(within(np.array([0, 2]))).y, Y[[0, 2]])
    assert set(data.without(within(np.array([1, 2]))).y) == {0, 3}
    net = MLP([4, 5, 4], rng=0)
    np.testing.assert_allclose(to_host(net(within(X))), net(X), rtol=1e-6)
    train(net, data, soft_targets(2.0, 0.5), Recipe(1, 0.01, batch=3))


def test_specialists_take_every_container(within):
    q = equations.softmax(V.astype(np.float64)).astype(np.float32)
    covariance = prediction_covariance(within(q))
    np.testing.assert_allclose(covariance, prediction_covariance(q))
    np.testing.assert_array_equal(
        cluster_classes(within(covariance), 2, 2), cluster_classes(covariance, 2, 2)
    )
    classes = np.array([[0, 1], [2, 3]])
    np.testing.assert_array_equal(
        specialist_labels(within(Y), within(classes), 4), specialist_labels(Y, classes, 4)
    )


def test_bfloat16_becomes_float32():
    short = (V.view(np.uint32) & 0xFFFF0000).view(np.float32)  # what bfloat16 can hold
    half = Tensor(short, on_gpu=True, grad=True, half=True)
    data = Dataset(X, Y, shape=(2, 2)).with_logits(half)
    np.testing.assert_array_equal(data.v, short)
    assert equations.softmax(half).dtype == np.float32
    np.testing.assert_array_equal(equations.softmax(half), equations.softmax(short))
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    real = torch.tensor(short).to(torch.bfloat16).requires_grad_()
    np.testing.assert_array_equal(Dataset(X, Y, shape=(2, 2)).with_logits(real).v, short)
    np.testing.assert_array_equal(equations.softmax(real), equations.softmax(short))


def test_bfloat16_of_jax():
    jnp = pytest.importorskip("jax.numpy", reason="jax is not installed")
    half = jnp.asarray(V, dtype=jnp.bfloat16)
    short = np.asarray(half.astype(jnp.float32))
    np.testing.assert_array_equal(Dataset(X, Y, shape=(2, 2)).with_logits(half).v, short)
    np.testing.assert_array_equal(MLP([4, 4], 0)(half[:, :4]), MLP([4, 4], 0)(short))
    assert errors(half, Y) == errors(short, Y)


# ---------------------------------------------------------------- numbers

NUMBERS = {
    "int64": np.int64, "int8": np.int8, "float32": np.float32, "0-d": np.array,
    "tensor": Tensor, "tensor on a GPU": lambda n: Tensor(n, on_gpu=True, grad=True),
    "torch": torch_on_the_cpu, "jax": jax_array,
}  # fmt: skip


@pytest.fixture(params=NUMBERS)
def number(request: pytest.FixtureRequest) -> Any:
    """Puts a number into a scalar of some library."""
    return NUMBERS[request.param]


def test_settings_are_plain_numbers_whatever_they_came_as(number):
    given = Recipe(
        epochs=number(2), learning_rate=number(1), batch=number(3), momentum=number(0),
        warm_up=number(1), max_norm=number(3), jitter=number(1), subpixel=np.bool(True),
        dropout=[number(0), number(0)],
    )  # fmt: skip
    assert given == Recipe(2, 1.0, 3, 0.0, 1, (0.0, 0.0), 3.0, 1, True)
    json.dumps(given.__dict__)
    assert MLP([number(4), number(2)], rng=0, gain=number(1)).sizes == [4, 2]
    np.testing.assert_array_equal(equations.softmax(V, number(3)), equations.softmax(V, 3.0))
    np.testing.assert_array_equal(with_bias(V, number(3), number(2)), with_bias(V, [3], 2.0))


def test_a_checkpoint_knows_numbers_of_any_kind(number, tmp_path):
    data = Dataset(X, Y, V, shape=(2, 2))
    costs = []
    for n in (number, int):
        net = MLP([n(4), n(5), n(4)], rng=n(1))
        recipe = Recipe(n(2), 0.01, batch=n(3), max_norm=n(3), dropout=(n(0), np.float32(0.5)))
        history = train(
            net, data, soft_targets(n(2), hard_weight=n(1)), recipe, rng=n(3),
            checkpoint=tmp_path / "run.npz", observe=lambda net, epoch: np.float32(epoch),
        )  # fmt: skip
        costs.append(history.costs)
        assert history.observed == [1, 2]
    assert costs[0] == costs[1]  # one run, so one checkpoint


def test_an_experiment_knows_numbers_of_any_kind(number, tmp_path):
    """Its settings, its seeds, and what its cells find."""

    def one_cell(config, data, kept, cell):
        found = {"errors": number(3), "share": np.float32(0.5)}
        return {"seconds": 0.0, "metrics": found, "curves": {"grid": np.arange(2)}}

    experiment = Experiment(
        "toy", "1", "Does it run?", {}, one_cell, (), lambda record: None,
        load={"none": lambda: 0},
    )  # fmt: skip
    records = [
        experiment.run(Settings("toy", "none", kind(3)), seeds=[kind(1)], out=tmp_path)
        for kind in (number, int)
    ]
    assert records[0] == records[1]
    assert records[0]["config"]["units"] == records[0]["metrics"]["errors"][0] == 3
    assert records[0]["curves"]["grid"] == [[0, 1]]


@dataclass(frozen=True)
class Settings:
    name: str
    data: str
    units: Any


def test_one_class_or_several_in_any_container():
    digits = load_glyphs(train=40, test=10).train
    for seven in (7, 7.0, np.int64(7), [7], (7,), {7}, np.array(7), np.array([7]), range(7, 8)):
        np.testing.assert_array_equal(digits.only(seven).x, digits.only(7).x)
        np.testing.assert_array_equal(digits.without(seven).x, digits.without(7).x)
    for both in ([[3, 5]], [(3, 5)], [np.array([3, 5])], [3, 5], [[3], 5], [{3, 5}]):
        np.testing.assert_array_equal(digits.without(*both).x, digits.without(3, 5).x)


def test_lists_of_learning_rates_and_temperatures():
    stack = MLP([4, 5, 4], rng=[0, 1])
    data = Dataset(X, Y, V, shape=(2, 2))
    for pair in ([0.01, 0.02], (0.01, 0.02), np.array([0.01, 0.02]), Tensor([0.01, 0.02])):
        train(stack, data, soft_targets(pair), Recipe(1, pair, batch=3))


# ---------------------------------------------------------------- MNIST, packed again or not at all


@pytest.fixture
def small_mnist(tmp_path, monkeypatch):
    """A folder with four small files whose content the module takes for MNIST's."""
    import hashlib

    monkeypatch.setenv("MINIKD_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(mnist_module, "CONTENT", dict(mnist_module.CONTENT))
    # Nothing can be downloaded.
    monkeypatch.setattr(mnist_module, "MIRRORS", ("http://127.0.0.1:9/",))
    folder = tmp_path / "mnist"
    folder.mkdir()
    for name in mnist_module.CONTENT:
        shape = (5, 28, 28) if "images" in name else (5,)
        header = bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
        content = header + bytes(int(np.prod(shape)))
        mnist_module.CONTENT[name] = hashlib.sha256(content).hexdigest()
        (folder / name).write_bytes(gzip.compress(content, compresslevel=3))
    return folder


def test_mnist_that_was_packed_again_or_unpacked_is_mnist(small_mnist):
    assert len(load_mnist().train) == 5
    assert fetch_mnist() == small_mnist  # nothing is downloaded
    for path in list(small_mnist.iterdir()):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert len(load_mnist().test) == 5
    assert fetch_mnist() == small_mnist
    labels = small_mnist / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\1")
    with pytest.raises(
        ValueError, match=r"train-labels-idx1-ubyte is not MNIST's original file"
    ):
        load_mnist()


@pytest.mark.data
def test_the_real_mnist_packed_again_is_mnist(mnist, tmp_path, monkeypatch):
    (tmp_path / "mnist").mkdir()
    for k, name in enumerate(mnist_module.SHA256):
        content = gzip.decompress((mnist / name).read_bytes())
        packed = gzip.compress(content, compresslevel=1) if k % 2 else content
        (tmp_path / "mnist" / (name if k % 2 else name.removesuffix(".gz"))).write_bytes(packed)
    monkeypatch.setenv("MINIKD_DATA_DIR", str(tmp_path))
    assert len(load_mnist().train) == 60_000
    assert fetch_mnist() == tmp_path / "mnist"


# ---------------------------------------------------------------- minikd's own forms stay as they are


def test_nothing_is_copied_that_need_not_be():
    assert to_host(V) is V
    assert Dataset(X, Y, V, shape=(2, 2)).x is X
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        replace(Dataset(X, Y, V, shape=(2, 2)), y=None)


def test_a_recipe_of_plain_numbers_trains_as_before():
    data = Dataset(X, Y, V, shape=(2, 2))
    train(MLP([4, 4], 0), data, hard_targets(), Recipe(1, 0.01))
