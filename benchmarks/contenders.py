"""The contenders, each alone in a process: it makes its networks, then does a round when told to.

``python benchmarks/contenders.py WORKLOAD CONTENDER DEVICE`` reads commands from stdin, a word a
line, and answers each with a line of JSON. ``benchmarks/run.py`` is what talks to it.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import json
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from workloads import GROWTH, WORKLOADS, Workload

import minikd

RATE, MOMENTUM = 0.01, 0.9


def peak_mib() -> float:
    """The most memory that this process ever held."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (2**20 if sys.platform == "darwin" else 2**10)


def cases_of(work: Workload, cases: int) -> minikd.Dataset:
    """As many cases as one round needs, with labels and a made-up teacher's logits.

    They are bundled digits, or made up too where the network has other inputs.
    """
    rng = np.random.default_rng(0)
    v = rng.normal(0, 3, (cases, work.sizes[-1]))
    if work.sizes[0] != 784:
        x = rng.standard_normal((cases, work.sizes[0]), dtype=np.float32)
        y = rng.integers(work.sizes[-1], size=cases)
        return minikd.Dataset(x, y, shape=(1, work.sizes[0])).with_logits(v)
    digits = minikd.load_glyphs(rng=0, train=2000, test=10).train
    digits = digits.take(np.arange(cases) % len(digits))
    return digits.with_logits(v) if work.temperatures else digits


def first_weights(work: Workload) -> list[np.ndarray]:
    """What every contender starts from."""
    rng = range(work.members) if work.members else 0
    return [np.array(p) for p in minikd.MLP(work.sizes, rng).parameters]


# ---------------------------------------------------------------- minikd


class Minikd:
    """``minikd.train`` as a user calls it."""

    def __init__(self, work: Workload, device: str) -> None:
        self.work = work
        self.data = cases_of(work, work.cases or work.steps * work.batch)
        rng = list(range(work.members)) if work.members else 0
        self.net = minikd.MLP(work.sizes, rng, device=device)
        self.x = self.net.xp.asarray(self.data.x)
        T = work.temperatures
        self.objective = (
            minikd.soft_targets(T if work.members else T[0], work.hard_weight)
            if T else minikd.hard_targets()
        )  # fmt: skip
        self.recipe = minikd.Recipe(
            epochs=work.epochs, learning_rate=RATE, batch=work.batch, momentum=MOMENTUM,
            dropout=work.dropout, max_norm=work.max_norm, jitter=work.jitter,
        )  # fmt: skip

    def round(self) -> None:
        if self.work.cases:
            for _ in range(self.work.steps):
                self.net(self.x)
            minikd.backend.to_host(self.net.parameters[-1])  # waits for a GPU
        else:
            minikd.train(self.net, self.data, self.objective, self.recipe)

    def after_one_step(self) -> list[np.ndarray]:
        self.round()
        return [minikd.backend.to_host(p) for p in self.net.parameters]


class MinikdPlain(Minikd):
    """The same network on the labels alone."""

    def __init__(self, work: Workload, device: str) -> None:
        super().__init__(replace(work, temperatures=(), hard_weight=0.0), device)


class MinikdSeparate(Minikd):
    """The members of a stack as networks of their own, one after the other."""

    def __init__(self, work: Workload, device: str) -> None:
        super().__init__(work, device)
        self.nets = [self.net[k] for k in range(work.members)]
        self.objectives = [minikd.soft_targets(T, work.hard_weight) for T in work.temperatures]

    def round(self) -> None:
        for net, objective in zip(self.nets, self.objectives, strict=True):
            minikd.train(net, self.data, objective, self.recipe)

    def after_one_step(self) -> list[np.ndarray]:
        self.round()
        together = zip(*(net.parameters for net in self.nets), strict=True)
        return [np.stack([minikd.backend.to_host(p) for p in ps]) for ps in together]


class Floor:
    """The matrix products of a step by ``matmul(out=)``, and nothing else."""

    def __init__(self, work: Workload, device: str) -> None:
        self.work, self.xp = work, minikd.backend.array_module(device)
        rng = np.random.default_rng(0)
        xp, E = self.xp, max(work.members, 1)

        def made(*shape: int) -> Any:
            return xp.asarray(rng.standard_normal(shape, dtype=np.float32) / shape[-1] ** 0.5)

        # The members of a stack share their input: side by side, their first layers are one.
        B, (n_in, first, *_) = work.cases or work.batch, work.sizes
        lead = (E,) if work.members else ()
        wide = [(n_in, E * first)]
        deep = [(*lead, n, m) for n, m in itertools.pairwise(work.sizes[1:])]
        self.W = [made(*shape) for shape in (*wide, *deep)]
        self.dW = [xp.empty_like(w) for w in self.W]
        self.h = [made(B, n_in), *(made(*lead, B, n) for n in work.sizes[1:])]
        self.dh = [xp.empty_like(h) for h in self.h]
        self.dh[-1][...] = self.h[-1]
        self.wide_z, self.wide_dz = made(B, E * first), made(B, E * first)

    def round(self) -> None:
        mm, t = self.xp.matmul, functools.partial(self.xp.swapaxes, axis1=-1, axis2=-2)
        W, dW, h, dh = self.W, self.dW, self.h, self.dh
        for _ in range(self.work.epochs * self.work.steps):
            mm(h[0], W[0], out=self.wide_z)
            for i in range(1, len(W)):
                mm(h[i], W[i], out=h[i + 1])
            if self.work.cases:
                continue
            for i in reversed(range(1, len(W))):
                mm(t(h[i]), dh[i + 1], out=dW[i])
                mm(dh[i + 1], t(W[i]), out=dh[i])
            mm(t(h[0]), self.wide_dz, out=dW[0])
        minikd.backend.to_host(self.wide_z[:1])  # a GPU is done only when asked


# ---------------------------------------------------------------- PyTorch


class Torch:
    """What a PyTorch user writes: modules, autograd, ``torch.optim``."""

    compiled: ClassVar[dict[str, Any] | None] = None
    options: ClassVar[dict[str, Any]] = {}

    def __init__(self, work: Workload, device: str) -> None:
        import torch

        self.torch, self.work, self.device = torch, work, device
        torch.manual_seed(0)
        # The same choice as for minikd, on a GPU.
        tf32 = os.environ.get("CUPY_TF32", "0") not in ("", "0")
        torch.backends.cuda.matmul.allow_tf32 = tf32
        data = cases_of(work, work.cases or work.steps * work.batch)
        self.x, self.y, self.v = (
            None if a is None else torch.from_numpy(np.array(a)).to(device)
            for a in (data.x, data.y, data.v)
        )
        self.make()
        if self.compiled is not None:
            self.loss = torch.compile(self.loss, **self.compiled)
            self.update = torch.compile(self.update, **self.compiled)
            self.answer = torch.compile(self.answer, **self.compiled)

    def make(self) -> None:
        nn = self.torch.nn
        self.linears = nn.ModuleList(
            nn.Linear(*n) for n in itertools.pairwise(self.work.sizes)
        ).to(self.device)
        weights = first_weights(self.work)
        with self.torch.no_grad():
            for linear, W, b in zip(self.linears, weights[::2], weights[1::2], strict=True):
                linear.weight.copy_(self.torch.from_numpy(np.ascontiguousarray(W.T)))
                linear.bias.copy_(self.torch.from_numpy(b))
        self.optimizer = self.optimizer_of(self.linears.parameters())

    def optimizer_of(self, parameters: Any) -> Any:
        return self.torch.optim.SGD(parameters, lr=RATE, momentum=MOMENTUM, **self.options)

    def forward(self, x: Any) -> Any:
        F, rates = self.torch.nn.functional, self.work.dropout or (0.0,) * len(self.linears)
        for i, (linear, rate) in enumerate(zip(self.linears, rates, strict=True)):
            if rate:
                x = F.dropout(x, rate)
            x = linear(x)
            if i < len(self.linears) - 1:
                x = F.relu(x)
        return x

    def cost(self, z: Any, y: Any, v: Any) -> Any:
        F, work = self.torch.nn.functional, self.work
        if v is None:
            return F.cross_entropy(z, y)
        T = work.temperatures[0]
        soft = T**2 * F.kl_div(
            F.log_softmax(z / T, -1), F.log_softmax(v / T, -1),
            reduction="batchmean", log_target=True,
        )  # fmt: skip
        return soft + work.hard_weight * F.cross_entropy(z, y) if work.hard_weight else soft

    def loss(self, x: Any, y: Any, v: Any) -> Any:
        return self.cost(self.forward(x), y, v)

    def update(self) -> None:
        self.optimizer.step()
        if self.work.max_norm is not None:
            limit = self.work.max_norm
            with self.torch.no_grad():
                for linear in self.linears[:-1]:
                    norms = linear.weight.norm(dim=1, keepdim=True)
                    linear.weight.mul_(limit / norms.clamp(min=limit))

    def moved(self, x: Any) -> Any:
        torch, p = self.torch, self.work.jitter
        at = torch.randint(0, 2 * p + 1, (2, len(x)), device=self.device)
        padded = torch.nn.functional.pad(x.view(-1, 28, 28), (p, p, p, p))
        windows = padded.unfold(1, 28, 1).unfold(2, 28, 1)
        return windows[torch.arange(len(x), device=self.device), at[0], at[1]].reshape(
            len(x), -1
        )

    def step(self, chosen: Any) -> Any:
        x = self.x[chosen]
        if self.work.jitter:
            x = self.moved(x)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(x, self.y[chosen], None if self.v is None else self.v[chosen])
        loss.backward()
        self.update()
        return loss.detach()

    def round(self) -> None:
        torch, B = self.torch, self.work.batch
        if self.work.cases:
            with torch.no_grad():
                for _ in range(self.work.steps):
                    self.answer(self.x)
            self.wait()
            return
        for _ in range(self.work.epochs):
            total = torch.zeros((), device=self.device)
            order = torch.randperm(len(self.x), device=self.device)
            for start in range(0, len(self.x), B):
                total += self.step(order[start : start + B])
            float(total)

    def answer(self, x: Any) -> Any:
        return self.forward(x)

    def wait(self) -> None:
        if self.device == "cuda":
            self.torch.cuda.synchronize()

    def after_one_step(self) -> list[np.ndarray]:
        self.round()
        return [
            p.detach().cpu().numpy().T
            for linear in self.linears
            for p in (linear.weight, linear.bias)
        ]


class TorchFused(Torch):
    """With the fused optimizer, which has to be asked for."""

    options: ClassVar[dict[str, Any]] = {"fused": True}


class TorchCompile(Torch):
    """The same with the loss and its gradient, the update and the answer compiled."""

    compiled: ClassVar[dict[str, Any] | None] = {}


class TorchCudaGraphs(Torch):
    """Compiled, and replayed as CUDA graphs."""

    compiled: ClassVar[dict[str, Any] | None] = {"mode": "reduce-overhead"}


class TorchSeparate(Torch):
    """The members of a stack as models of their own, one after the other."""

    def make(self) -> None:
        self.models = []
        for k, T in enumerate(self.work.temperatures):
            alone = replace(self.work, temperatures=(T,), members=0)
            model = Torch.__new__(Torch)
            model.torch, model.work, model.device = self.torch, alone, self.device
            model.x, model.y, model.v = self.x, self.y, self.v
            model.make()
            with self.torch.no_grad():
                for p, q in zip(model.linears.parameters(), self.of_member(k), strict=True):
                    p.copy_(q)
            self.models.append(model)
        self.linears = self.models[0].linears

    def of_member(self, k: int) -> list[Any]:
        return [self.torch.from_numpy(np.array(p[k].T)) for p in first_weights(self.work)]

    def round(self) -> None:
        for model in self.models:
            model.round()

    def after_one_step(self) -> list[np.ndarray]:
        self.round()
        found = [
            [p.detach().cpu().numpy().T for p in m.linears.parameters()] for m in self.models
        ]
        return [np.stack(p) for p in zip(*found, strict=True)]


class TorchBatched(Torch):
    """All members at once by ``baddbmm``."""

    def make(self) -> None:
        self.W = [
            self.torch.from_numpy(np.ascontiguousarray(p)).to(self.device).requires_grad_()
            for p in first_weights(self.work)
        ]
        T = self.torch.tensor(self.work.temperatures, device=self.device)
        self.T = T[:, None, None]
        self.optimizer = self.optimizer_of(self.W)

    def forward(self, x: Any) -> Any:
        h = x.expand(self.work.members, *x.shape)
        for i in range(0, len(self.W), 2):
            h = self.torch.baddbmm(self.W[i + 1][:, None, :], h, self.W[i])
            if i < len(self.W) - 2:
                h = self.torch.relu(h)
        return h

    def cost(self, z: Any, y: Any, v: Any) -> Any:
        F, T = self.torch.nn.functional, self.T
        log_p, log_q = F.log_softmax(v / T, -1), F.log_softmax(z / T, -1)
        each = T**2 * (log_p.exp() * (log_p - log_q)).sum(-1, keepdim=True)
        return each.sum() / z.shape[-2]

    def update(self) -> None:
        self.optimizer.step()

    def after_one_step(self) -> list[np.ndarray]:
        self.round()
        return [p.detach().cpu().numpy() for p in self.W]


class TorchBatchedCompile(TorchBatched):
    compiled: ClassVar[dict[str, Any] | None] = {}


class TorchVmap(TorchBatched):
    """All members at once by ``torch.func``: the gradient of one model, mapped over members."""

    def make(self) -> None:
        super().make()
        func = self.torch.func
        of_all = func.vmap(func.grad_and_value(self.of_one), in_dims=(0, 0, None, None))
        self.gradients = of_all

    def of_one(self, parameters: Any, T: Any, x: Any, v: Any) -> Any:
        F, h = self.torch.nn.functional, x
        for i in range(0, len(parameters), 2):
            h = F.linear(h, parameters[i].T, parameters[i + 1])
            if i < len(parameters) - 2:
                h = F.relu(h)
        log_p, log_q = F.log_softmax(v / T, -1), F.log_softmax(h / T, -1)
        return T[0, 0] ** 2 * F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)

    def step(self, chosen: Any) -> Any:
        with self.torch.no_grad():
            gradients, losses = self.gradients(
                tuple(self.W), self.T, self.x[chosen], self.v[chosen]
            )
        for p, g in zip(self.W, gradients, strict=True):
            p.grad = g
        self.update()
        return losses.sum()


# ---------------------------------------------------------------- scikit-learn


class Sklearn:
    """``MLPClassifier`` with the same gradient descent: no Nesterov, no penalty."""

    def __init__(self, work: Workload, device: str) -> None:
        from sklearn.neural_network import MLPClassifier

        data = cases_of(work, work.cases or work.steps * work.batch)
        self.work, self.x, self.y = work, data.x, data.y
        self.model = MLPClassifier(
            work.sizes[1:-1], solver="sgd", momentum=MOMENTUM, nesterovs_momentum=False,
            alpha=0.0, batch_size=work.batch, learning_rate_init=RATE,
        )  # fmt: skip
        # Labels of all classes make the model; then it gets the weights of the others.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model.partial_fit(
                self.x[: work.batch], self.y[: work.batch], classes=range(10)
            )
        weights = first_weights(work)
        for own, p in zip(self.model.coefs_ + self.model.intercepts_,
                          weights[::2] + weights[1::2], strict=True):  # fmt: skip
            own[...] = p
        for velocity in self.model._optimizer.velocities:
            velocity[...] = 0

    def round(self) -> None:
        if self.work.cases:
            for _ in range(self.work.steps):
                self.model.predict_proba(self.x)
        else:
            for _ in range(self.work.epochs):
                self.model.partial_fit(self.x, self.y)

    def after_one_step(self) -> list[np.ndarray]:
        self.round()
        pairs = zip(self.model.coefs_, self.model.intercepts_, strict=True)
        return [p for pair in pairs for p in pair]


# What a step of minikd consists of: functions, by the module that calls them.
PARTS = {
    "matrix products": [("kernels", "product"), ("fast", "product")],
    "ReLU, dropout, bias": [("fast", "forward"), ("fast", "backward")],
    "dropout masks": [("fast", "draw_masks")],
    "update": [("fast", "add_scaled")],
    "max-norm": [("fast", "clip_norms")],
    "cost and its gradient": [("objectives.equations", name) for name in (
        "hard_target_cost", "hard_target_gradient", "distillation_cost", "distillation_gradient"
    )],
    "feeding: order, jitter": [("sampling.Cases", "epoch")],
    "watching for divergence": [("watch.Watch", "logits"), ("watch.Watch", "epoch")],
}  # fmt: skip


def seconds_of_parts(contender: Minikd) -> dict[str, float]:
    """Where the time of a round goes. Time inside an inner part is not counted in an outer one."""
    spent = dict.fromkeys([*PARTS, "the rest"], 0.0)
    running = ["the rest"]
    last = time.perf_counter()

    def switch() -> None:
        nonlocal last
        now = time.perf_counter()
        spent[running[-1]] += now - last
        last = now

    def timed(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            switch()
            running.append(part)
            try:
                return function(*args, **kwargs)
            finally:
                switch()
                running.pop()

        def generate(*args: Any, **kwargs: Any) -> Any:
            step = timed(part, function(*args, **kwargs).__next__)
            while True:
                try:
                    yield step()
                except StopIteration:
                    return

        return generate if inspect.isgeneratorfunction(function) else call

    undo: list[tuple[Any, str, Any]] = []
    for part, functions in PARTS.items():
        for module, name in functions:
            holder = functools.reduce(getattr, module.split(".")[1:],
                                      sys.modules[f"minikd.{module.split('.')[0]}"])  # fmt: skip
            undo.append((holder, name, getattr(holder, name)))
            setattr(holder, name, timed(part, getattr(holder, name)))
    switch()
    try:
        contender.round()
    finally:
        for holder, name, function in undo:
            setattr(holder, name, function)
    switch()
    return spent


CONTENDERS: dict[str, Callable[[Workload, str], Any]] = {
    "floor": Floor,
    "minikd": Minikd,
    "minikd, labels alone": MinikdPlain,
    "minikd, one by one": MinikdSeparate,
    "PyTorch": Torch,
    "PyTorch, fused SGD": TorchFused,
    "PyTorch compile": TorchCompile,
    "PyTorch CUDA graphs": TorchCudaGraphs,
    "PyTorch, one by one": TorchSeparate,
    "PyTorch bmm": TorchBatched,
    "PyTorch bmm compile": TorchBatchedCompile,
    "PyTorch vmap": TorchVmap,
    "scikit-learn": Sklearn,
}


def main(name: str, who: str, device: str) -> None:
    """Answer commands until there are no more."""
    work = {**WORKLOADS, **GROWTH}[name]
    if "PyTorch" in who:
        import torch

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    if who == "scikit-learn":
        import sklearn.neural_network  # noqa: F401
    before = peak_mib()
    contender = None
    for line in sys.stdin:
        command = line.strip()
        answer: dict[str, Any] = {}
        if command == "check":
            # Dropout and jitter are drawn differently by each, so they are left out.
            plain = replace(work, epochs=1, steps=1, dropout=(), jitter=0)
            weights = CONTENDERS[who](plain, device).after_one_step()
            # Some thousand of each array, from all over it.
            some = [np.asarray(p, dtype=float).ravel() for p in weights]
            answer["weights"] = [p[:: max(1, p.size // 4001)].tolist() for p in some]
        else:
            if contender is None:
                contender = CONTENDERS[who](work, device)
            start = time.perf_counter()
            if command == "parts":
                answer["parts"] = seconds_of_parts(contender)
            else:
                contender.round()
            answer["seconds"] = time.perf_counter() - start
            answer["peak_mib"] = round(peak_mib() - before, 1)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
