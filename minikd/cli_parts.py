"""The commands of the ``minikd`` command that are for learners and lecturers."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any


def learners_commands(commands: Any) -> list[argparse.ArgumentParser]:
    """Add the commands to a parser."""
    temperature = commands.add_parser(
        "temperature",
        help="draw what temperature does to logits, an example's or your own",
        description="Draw what temperature does: probabilities and entropy; with a student's logits, "
        "gradients and their limits too. Write OUT/temperature.FORMAT.",
    )
    given = temperature.add_mutually_exclusive_group()
    given.add_argument("--logits", metavar="V,V,...", help="of a teacher, for one case")
    given.add_argument("--logits-file", type=Path, metavar="FILE",
                       help="of many cases, one in each row: .csv, perhaps with the names of the classes "
                       "in its first row, or .npy")  # fmt: skip
    temperature.add_argument("--student", metavar="Z,Z,...", help="logits of a student")
    temperature.add_argument("--names", metavar="NAME,...", help="of the classes")
    temperature.add_argument("--T", metavar="T,T,...", default="1,4,20",
                             help="temperatures (default: 1,4,20)")  # fmt: skip
    temperature.add_argument("--together", action="store_true",
                             help="all rows of a file in one figure; else one figure each")  # fmt: skip
    temperature.add_argument("--format", metavar="FORMAT", default="png",
                             help="png, svg or pdf (default: png)")  # fmt: skip
    temperature.add_argument("--out", type=Path, default=Path("out"), metavar="DIR",
                             help="default: out")  # fmt: skip
    temperature.set_defaults(command=_temperature)
    lessons = commands.add_parser(
        "lessons", help="write the lessons into a folder, as notebooks or scripts"
    )
    lessons.add_argument("to", type=Path, metavar="DIR")
    lessons.add_argument("--scripts", action="store_true",
                         help="as Python scripts; notebooks need the extra 'course'")  # fmt: skip
    lessons.set_defaults(command=_lessons)
    check = commands.add_parser(
        "check",
        help="check an answer to an exercise",
        description="Check the functions in FILE, named as the exercise is: 01_softmax.py or .ipynb.",
    )
    check.add_argument(
        "file", type=Path, metavar="FILE", help="or a folder of answers, with --scores"
    )
    what = check.add_mutually_exclusive_group()
    what.add_argument("--watch", action="store_true", help="check again whenever FILE changes")
    what.add_argument("--hint", type=positive, nargs="?", const=1, metavar="N",
                      help="show a hint; the first unless N is given")  # fmt: skip
    what.add_argument(
        "--solution", action="store_true", help="show a right answer, once yours is"
    )
    what.add_argument("--scores", type=Path, metavar="OUT",
                      help="check all answers in the folder FILE; OUT is scores, .csv or .json")  # fmt: skip
    check.add_argument(
        "--seed", type=int, default=0, metavar="S", help="try other numbers (default: 0)"
    )
    check.set_defaults(command=_check)
    bundle = commands.add_parser(
        "bundle", help="pack site, lessons and wheel into one file to hand out, some minutes"
    )
    bundle.add_argument("to", type=Path, metavar="FILE.zip")
    bundle.set_defaults(command=_bundle)
    figures = commands.add_parser(
        "figures", help="run lessons and keep their figures; all take some minutes"
    )
    figures.add_argument("numbers", nargs="*", metavar="NN",
                         help="of lessons, such as 05 07 (default: all)")  # fmt: skip
    figures.add_argument("--out", type=Path, default=Path("out"), metavar="DIR",
                         help="default: out")  # fmt: skip
    figures.add_argument("--format", metavar="FORMAT,...", default="png",
                         help="some of png, svg, pdf (default: png)")  # fmt: skip
    figures.set_defaults(command=_figures)
    explore = commands.add_parser(
        "explore",
        help="write a page for a browser, and open it",
        description="Write OUT/PAGE.html, one file that needs no server and no network, and open "
        "it in the browser.",
    )
    explore.add_argument("page", nargs="?", choices=list(PAGES), default=next(iter(PAGES)),
                         metavar="PAGE",
                         help=f"{', '.join(PAGES)} (default: {next(iter(PAGES))})")  # fmt: skip
    explore.add_argument(
        "--out", type=Path, default=Path("out"), metavar="DIR", help="default: out"
    )
    explore.add_argument("--no-browser", action="store_true",
                         help="open nothing; print the path of the page")  # fmt: skip
    explore.set_defaults(command=_explore)
    return [temperature, lessons, check, bundle, figures, explore]


def positive(text: str) -> int:
    """A whole number above 0, as an argument is given."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer ≥ 1")
    return number


def up_to(most: int) -> Callable[[str], int]:
    """As :func:`positive`, with an end."""

    def number(text: str) -> int:
        if positive(text) > most:
            raise argparse.ArgumentTypeError(f"{text!r} is not an integer from 1 to {most}")
        return int(text)

    return number


def plots_without_display() -> Any:
    """The module of plots, which needs no display."""
    import matplotlib

    matplotlib.use("Agg")
    from minikd import plots

    return plots


def _temperature(arguments: argparse.Namespace) -> None:
    plots = plots_without_display()
    from minikd.logits import parse_logits, read_logits
    from minikd.temperature import plot_softmax_of_many, plot_temperature

    if arguments.format not in ("png", "svg", "pdf"):
        raise ValueError(f"--format is {arguments.format!r}; expected png, svg or pdf")
    temperatures = parse_logits(arguments.T, "--T")
    if not (temperatures > 0).all():
        raise ValueError(f"--T is {arguments.T!r}; expected positive numbers")
    options: dict[str, Any] = {"temperatures": temperatures}
    names = arguments.names.split(",") if arguments.names else None
    student = parse_logits(arguments.student, "--student") if arguments.student else None
    figures: dict[str, Any] = {}
    if arguments.logits_file:
        logits, of_file = read_logits(arguments.logits_file)
        options["names"] = names or of_file
        if arguments.together:
            figures["temperature"] = partial(plot_softmax_of_many, logits, **options)
        else:
            figures = {
                f"temperature_{n}": partial(plot_temperature, v, student, **options)
                for n, v in enumerate(logits, 1)
            }
    else:
        v = parse_logits(arguments.logits, "--logits") if arguments.logits else None
        figures["temperature"] = partial(plot_temperature, v, student, names, **options)
    for stem, draw in figures.items():
        print("wrote", plots.save_figure(draw(), arguments.out / f"{stem}.{arguments.format}"))


def _lessons(arguments: argparse.Namespace) -> None:
    from minikd.course import write_lessons

    form = "script" if arguments.scripts else "notebook"
    written = write_lessons(arguments.to, form)
    print(
        f"wrote {len(written)} lessons and exercises as {form}s to {arguments.to}; begin with "
        f"{written[0].name}"
    )


def _check(arguments: argparse.Namespace) -> None:
    from minikd.exercises import check

    file, seed = arguments.file, arguments.seed
    if arguments.scores:
        rows = check.scores(file, seed)
        check.write_scores(rows, arguments.scores)
        print(f"wrote the scores of {len(rows)} answers to {arguments.scores}")
    elif arguments.hint:
        print(check.hint(check.exercise_of(file), arguments.hint))
    elif arguments.watch:
        check.watch(
            file, lambda: print(check.told(check.check_file(file, seed)), "\n", flush=True)
        )
    else:
        lines = check.check_file(file, seed)
        print(check.told(lines))
        if not check.solved(lines):
            raise ValueError("not solved yet; --hint helps")
        if arguments.solution:
            print("", check.solution(check.exercise_of(file)), sep="\n")


def _bundle(arguments: argparse.Namespace) -> None:
    from minikd.bundle import write_bundle

    print("wrote", write_bundle(arguments.to))


def _figures(arguments: argparse.Namespace) -> None:
    plots_without_display()
    from minikd.course import draw_lessons

    for figure in draw_lessons(arguments.out, arguments.format.split(","), arguments.numbers):
        print("wrote", figure, flush=True)


def _explore(arguments: argparse.Namespace) -> None:
    page = PAGES[arguments.page](arguments.out / f"{arguments.page}.html").resolve()
    if arguments.no_browser:
        print(page)
        return
    import webbrowser

    opened = webbrowser.open(page.as_uri())
    print(f"wrote {page}" if opened else f"wrote {page}; no browser was found, please open it")


def _temperature_page(path: Path) -> Path:
    from minikd.browser.temperature import write_temperature_page

    return write_temperature_page(path)


def _playground(path: Path) -> Path:
    from minikd.browser.playground import write_playground

    return write_playground(path)


# What writes each page that a browser can show.
PAGES: dict[str, Callable[[Path], Path]] = {
    "temperature": _temperature_page,
    "playground": _playground,
}
