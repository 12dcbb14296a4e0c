"""The ``minikd`` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import minikd


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code.

    Errors that a user can mend are one line on stderr and exit code 2; ``--debug`` shows where
    they come from.
    """
    arguments = _parser().parse_args(argv)
    try:
        arguments.command(arguments)
    except KeyboardInterrupt:
        resumes = "; the same command goes on from here" if arguments.command is _run else ""
        print(f"minikd: stopped{resumes}", file=sys.stderr)
        return 130
    except Exception as error:
        if arguments.debug:
            raise
        what = (
            "" if isinstance(error, (ValueError, OSError, ArithmeticError)) else f"{error!r}: "
        )
        print(f"minikd: {what}{' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    from minikd.experiments import EXPERIMENTS

    parser = _Parser(
        prog="minikd",
        description="Knowledge distillation from scratch: Hinton, Vinyals & Dean 2015.",
    )
    parser.add_argument("--version", action="version", version=f"minikd {minikd.__version__}")
    parser.add_argument("--debug", action="store_true", help="show a traceback for errors")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="the experiments, a line each")
    listing.set_defaults(command=_list)

    run = commands.add_parser(
        "run",
        help="run experiments: record and figure for each",
        description="Run experiments; write OUT/NAME.DATA.json and the figure beside it. A run "
        "that was stopped goes on where it was.",
    )
    run.add_argument("names", nargs="+", choices=list(EXPERIMENTS), metavar="NAME",
                     help=f"one or more of: {', '.join(EXPERIMENTS)}; see minikd list")  # fmt: skip
    data_sets = list(dict.fromkeys(d for e in EXPERIMENTS.values() for d in e.presets))
    run.add_argument("--data", choices=data_sets,
                     help="bundled: glyphs (printed digits), synthetic (a stand-in for speech), "
                     "characters (in print); to be downloaded: mnist, speech (spoken digits), "
                     "emnist (handwriting, 62 classes); default: what is bundled")  # fmt: skip
    run.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="default: cpu")
    run.add_argument("--seeds", type=_positive, default=1, metavar="N",
                     help="run seeds 0 to N - 1 (default: 1)")  # fmt: skip
    run.add_argument(
        "--out", type=Path, default=Path("out"), metavar="DIR", help="default: out"
    )
    where = run.add_mutually_exclusive_group()
    where.add_argument("--workers", type=_positive, metavar="N",
                       help="so many processes at once on this machine; the record is the same")  # fmt: skip
    where.add_argument("--cluster", metavar="ADDRESS",
                       help="a Dask cluster that is running: tcp://HOST:PORT of its scheduler")  # fmt: skip
    run.add_argument("--threads", type=_positive, metavar="N",
                     help="CPU threads of each process (default: all; with --workers, a share of "
                     "them; with --cluster, 1). Their number changes how sums are rounded")  # fmt: skip
    run.set_defaults(command=_run)

    data = commands.add_parser("data", help="download a data set")
    data.add_argument("name", choices=["mnist", "speech", "emnist"])
    data.set_defaults(command=_data)

    temperature = commands.add_parser("temperature", help="draw what temperature does")
    temperature.add_argument("--out", type=Path, default=Path("out"), metavar="DIR")
    temperature.set_defaults(command=_temperature)
    report = commands.add_parser(
        "report", help="write README table, REPRODUCTION.md and pictures from records"
    )
    report.add_argument("--results", type=Path, default=Path("results"), metavar="DIR",
                        help="folder of records (default: results)")  # fmt: skip
    report.add_argument("--readme", type=Path, default=Path("README.md"), metavar="FILE")
    report.add_argument("--images", type=Path, default=Path("docs/images"), metavar="DIR")
    report.set_defaults(command=_report)
    # So that --debug is understood on both sides of the command's name.
    for command in (listing, run, data, temperature, report):
        command.add_argument("--debug", action="store_true", default=argparse.SUPPRESS,
                             help=argparse.SUPPRESS)  # fmt: skip
    return parser


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no integer ≥ 1")
    return number


def _list(arguments: argparse.Namespace) -> None:
    from minikd.experiments import EXPERIMENTS

    width = max(map(len, EXPERIMENTS))
    for name, experiment in EXPERIMENTS.items():
        print(f"{name:{width}}  {experiment.claim} ({', '.join(experiment.presets)})")


def _run(arguments: argparse.Namespace) -> None:
    with _executor(arguments) as (executor, threads):
        for name in arguments.names:
            _run_one(name, arguments, executor, threads)


def _run_one(
    name: str, arguments: argparse.Namespace, executor: Executor | None, threads: int | None
) -> None:
    from minikd.experiments import EXPERIMENTS

    plots, experiment = _plots(), EXPERIMENTS[name]
    data = arguments.data or next(iter(experiment.presets))
    if data not in experiment.presets:
        raise ValueError(
            f"{name} has no data {data!r}; expected one of {', '.join(experiment.presets)}"
        )
    record = experiment.run(
        experiment.presets[data],
        seeds=range(arguments.seeds),
        out=arguments.out,
        device=arguments.device,
        progress=True,
        executor=executor,
        threads=threads,
    )
    stem = f"{name}.{data}"
    picture = plots.save_figure(plots.plot_record(record), arguments.out / f"{stem}.png")
    print(_summary(record))
    print(f"wrote {arguments.out / stem}.json and {picture}\n")


@contextmanager
def _executor(arguments: argparse.Namespace) -> Iterator[tuple[Executor | None, int | None]]:
    """What does the cells of a run, and the threads that each of its processes may use."""
    from minikd.experiments import workers

    threads = arguments.threads
    if arguments.cluster:
        with workers.cluster(arguments.cluster) as executor:
            yield executor, threads or 1
    elif arguments.workers:
        share = max(1, workers.count_blas_threads() // arguments.workers)
        with workers.Processes(arguments.workers) as executor:
            yield executor, threads or share
    else:
        yield None, threads


def _data(arguments: argparse.Namespace) -> None:
    if arguments.name == "speech":
        from minikd.data import fetch_speech, load_speech

        path, speech = fetch_speech(progress=sys.stderr.isatty()), load_speech()
        words = [sum(len(u.digits) for u in part) for part in speech]
        print(f"the spoken digits are in {path}: {words[0]} + {words[1]} recordings")
        return
    if arguments.name == "emnist":
        from minikd.data import fetch_emnist, load_emnist

        folder, characters = fetch_emnist(progress=sys.stderr.isatty()), load_emnist()
        counts = f"{len(characters.train)} + {len(characters.test)}"
        print(f"EMNIST is in {folder}: {counts} images")
        return
    folder = minikd.fetch_mnist(progress=sys.stderr.isatty())
    digits = minikd.load_mnist()
    print(f"MNIST is in {folder}: {len(digits.train)} + {len(digits.test)} images")


def _temperature(arguments: argparse.Namespace) -> None:
    plots = _plots()
    print(
        f"wrote {plots.save_figure(plots.plot_temperature(), arguments.out / 'temperature.png')}"
    )


def _report(arguments: argparse.Namespace) -> None:
    _plots()
    from minikd.report import write_report

    write_report(arguments.results, arguments.readme, arguments.images)
    print(
        f"wrote the numbers of {arguments.results} into {arguments.readme} and REPRODUCTION.md, "
        f"and pictures into {arguments.images}"
    )


def _plots() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    from minikd import plots

    return plots


def _summary(record: dict[str, Any]) -> str:
    """The record's main numbers beside the paper's, as a table."""
    from minikd.experiments import EXPERIMENTS
    from minikd.paper import figures
    from minikd.report import VERDICTS, in_papers_unit

    paper, m = figures(record["name"], record["data"]), record["metrics"]
    rows = [("", "this run", "paper")]
    for metric, what in EXPERIMENTS[record["name"]].shown.items():
        if metric in m:
            said = str(paper[metric]) if metric in paper else ""
            rows.append((what, in_papers_unit(record, metric), said))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    title = (
        f"{record['name']} on {record['data']}: {m['test_cases'][0]} test cases; "
        f"{sum(record['seconds']):.0f} s on {record['device']}"
    )
    lines = [f"  {a:{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
    verdict = VERDICTS[record["name"]](record) if record["name"] in VERDICTS else []
    return "\n".join([title, *lines, *verdict])
