"""The ``minikd`` command."""

from __future__ import annotations

import argparse
import errno
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import minikd
from minikd.cli_parts import learners_commands, plots_without_display, up_to


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code.

    An error is one line on stderr and exit code 2; with ``--debug``, it is raised with its
    traceback.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    arguments = _parser().parse_args(_with_minus(argv))
    try:
        with _terminated():
            arguments.command(arguments)
    except KeyboardInterrupt as stopped:
        print(f"minikd: stopped{_how_to_go_on(arguments)}", file=sys.stderr)
        return 128 + (stopped.args[0] if stopped.args else signal.SIGINT)
    except Exception as error:
        if arguments.debug:
            raise
        said = " ".join(_of_system(error).split())
        clear = (ValueError, OSError, ArithmeticError, ModuleNotFoundError)
        # Not its subclasses: a RecursionError says nothing without its name.
        named = not isinstance(error, clear) and type(error) is not RuntimeError
        print(f"minikd: {repr(error) if named else said}", file=sys.stderr)
        return 2
    return 0


def _of_system(error: Exception) -> str:
    """What an error says; one of the system's own without its number, with the file first."""
    if not isinstance(error, OSError) or not str(error).startswith("[Errno"):
        return str(error)
    what = "the limit on open files is reached; ulimit -n raises it"
    said = what if error.errno == errno.EMFILE else str(error.strerror)
    return f"{error.filename}: {said}" if error.filename else said


def _how_to_go_on(arguments: argparse.Namespace) -> str:
    if arguments.command is not _run:
        return ""
    kept = (arguments.out / ".kept").glob("[!.]*.*")
    if any(path.suffix in (".npz", ".json") for path in kept):
        return "; the same command goes on from here"
    return "; nothing was kept yet"


def _with_minus(argv: Sequence[str]) -> list[str]:
    """``--logits -1,2`` as ``--logits=-1,2``: argparse takes the minus for an option's."""
    joined: list[str] = []
    for word in argv:
        if joined and joined[-1] in ("--logits", "--student") and word.startswith("-"):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


@contextmanager
def _terminated() -> Iterator[None]:
    """While inside, SIGTERM does what Ctrl-C does, and so does a terminal that is closed."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can set signal handlers
        return

    def stop(number: int, _frame: Any) -> NoReturn:
        raise KeyboardInterrupt(number)

    names = ("SIGTERM", "SIGHUP")  # the second one not on Windows
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # nohup has it ignored.
    before = {n: signal.getsignal(n) for n in numbers if signal.getsignal(n) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    from minikd.data.catalog import SOURCES
    from minikd.experiments import EXPERIMENTS

    parser = _Parser(
        prog="minikd",
        description="Knowledge distillation from scratch: Hinton, Vinyals & Dean 2015.",
    )
    parser.add_argument("--version", action="version", version=f"minikd {minikd.__version__}")
    parser.add_argument("--debug", action="store_true", help="show a traceback for errors")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="list the experiments, one line each")
    listing.set_defaults(command=_list)

    run = commands.add_parser(
        "run",
        help="run experiments: record and figure for each",
        description="Run experiments; write OUT/NAME.DATA.json and the figure beside it. A "
        "stopped run goes on from where it was.",
    )
    run.add_argument("names", nargs="+", metavar="NAME",
                     help=f"one or more of: {', '.join(EXPERIMENTS)}; or FILE.py, a file of your "
                     "own that declares an EXPERIMENT")  # fmt: skip
    of_kind = {
        kind: ", ".join(
            f"{n} ({s.words})" for n, s in SOURCES.items() if bool(s.fetch) == fetched
        )
        for kind, fetched in (("bundled", False), ("to be downloaded", True))
    }
    run.add_argument("--data", metavar="DATA",
                     help="; ".join(f"{kind}: {sets}" for kind, sets in of_kind.items())
                     + "; default: what is bundled")  # fmt: skip
    run.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="default: cpu")
    run.add_argument("--seeds", type=up_to(10_000), default=1, metavar="N",
                     help="run seeds 0 to N - 1 (default: 1)")  # fmt: skip
    run.add_argument(
        "--out", type=Path, default=Path("out"), metavar="DIR", help="default: out"
    )
    where = run.add_mutually_exclusive_group()
    where.add_argument("--workers", type=up_to(1024), metavar="N",
                       help="run N processes at once on this machine; the record is the same")  # fmt: skip
    where.add_argument("--cluster", metavar="ADDRESS",
                       help="use a running Dask cluster: tcp://HOST:PORT of its scheduler")  # fmt: skip
    run.add_argument("--threads", type=up_to(1024), metavar="N",
                     help="most CPU threads of each process (default: all; with --workers, a share "
                     "of them; with --cluster, 1). Their number changes how sums are rounded")  # fmt: skip
    run.set_defaults(command=_run)

    data = commands.add_parser("data", help="download a data set")
    data.add_argument("name", choices=[name for name, s in SOURCES.items() if s.fetch])
    data.set_defaults(command=_data)

    learners = learners_commands(commands)
    report = commands.add_parser(
        "report", help="write the numbers of records into pages, and draw the pictures"
    )
    report.add_argument("--results", type=Path, default=Path("results"), metavar="DIR",
                        help="folder of records (default: results)")  # fmt: skip
    report.add_argument("--root", type=Path, default=Path(), metavar="DIR",
                        help="where README.md, REPRODUCTION.md and docs/ are (default: here)")  # fmt: skip
    report.set_defaults(command=_report)
    # So that --debug works before and after the command's name.
    for command in (listing, run, data, *learners, report):
        command.add_argument("--debug", action="store_true", default=argparse.SUPPRESS,
                             help=argparse.SUPPRESS)  # fmt: skip
    return parser


def _list(arguments: argparse.Namespace) -> None:
    from minikd.experiments import EXPERIMENTS

    width = max(map(len, EXPERIMENTS))
    for name, experiment in EXPERIMENTS.items():
        print(f"{name:{width}}  {experiment.question} ({', '.join(experiment.presets)})")


def _run(arguments: argparse.Namespace) -> None:
    from minikd.experiments.run import load_data

    # All that was asked for, and its data, before the first of it is run.
    asked = [(experiment, _preset(experiment, arguments)) for experiment in
             map(_experiment, arguments.names)]  # fmt: skip
    for experiment, preset in asked:
        for ending in ("json", "png"):
            path = arguments.out / f"{experiment.stem(preset)}.{ending}"
            if path.is_dir():
                raise ValueError(f"--out: {path} is a folder; expected a file, or none")
    # With a cluster, the data is on its machines; and a record that is there may need none.
    others = {} if arguments.cluster else {
        (preset.data, experiment.load.get(preset.data))
        for experiment, preset in asked[1:]
        if not (arguments.out / f"{experiment.stem(preset)}.json").exists()
    }  # fmt: skip
    for data, load in others:
        load_data(data, load)
    with _client(arguments) as (client, threads):
        for experiment, preset in asked:
            _run_one(experiment, preset, arguments, client, threads)


def _preset(experiment: Any, arguments: argparse.Namespace) -> Any:
    """The settings of an experiment on the data that was asked for."""
    data = arguments.data or next(iter(experiment.presets))
    if data not in experiment.presets:
        raise ValueError(
            f"{experiment.name} has no data {data!r}; expected one of "
            f"{', '.join(experiment.presets)}"
        )
    return experiment.presets[data]


def _run_one(
    experiment: Any,
    preset: Any,
    arguments: argparse.Namespace,
    client: Any,
    threads: int | None,
) -> None:
    plots = plots_without_display()
    record = experiment.run(
        preset,
        seeds=range(arguments.seeds),
        out=arguments.out,
        device=arguments.device,
        progress=True,
        client=client,
        threads=threads,
    )
    stem = experiment.stem(preset)
    picture = plots.save_figure(experiment.figure(record), arguments.out / f"{stem}.png")
    print(experiment.summary(record))
    print(f"wrote {arguments.out / stem}.json and {picture}\n")


def _experiment(name: str) -> Any:
    """The experiment of this name, or the one that a user's own file declares."""
    from minikd.experiments import EXPERIMENTS
    from minikd.experiments.own import room

    if name in EXPERIMENTS:
        return EXPERIMENTS[name]
    if name.endswith(".py"):
        return room(name)
    raise ValueError(f"no experiment {name!r}; expected {', '.join(EXPERIMENTS)}, or FILE.py")


@contextmanager
def _client(arguments: argparse.Namespace) -> Iterator[tuple[Any, int | None]]:
    """The client whose workers compute the cells, if any, and the most threads of each process."""
    from minikd.experiments.workers import cluster
    from minikd.threads import count_blas_threads

    workers, threads = arguments.workers, arguments.threads
    if not workers and arguments.cluster is None:
        yield None, threads
        return
    share = max(1, count_blas_threads() // workers) if workers else 1
    with cluster(workers, arguments.cluster) as client:
        yield client, threads or share


def _data(arguments: argparse.Namespace) -> None:
    from minikd.data.catalog import SOURCES

    source = SOURCES[arguments.name]
    assert source.fetch is not None
    where, parts = source.fetch(sys.stderr.isatty()), source.load()
    counts = f"{len(parts.train)} + {len(parts.test)} {source.counts}"
    print(f"{arguments.name} is in {where}: {counts}")


def _report(arguments: argparse.Namespace) -> None:
    plots_without_display()
    from minikd.report import write_report

    written = write_report(arguments.results, arguments.root)
    print(f"wrote {len(written)} pages and pictures from the records in {arguments.results}")
