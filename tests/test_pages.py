"""Pages: numbers come from records, claims hold, links lead somewhere, no result is typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from minikd import cli
from minikd.experiments import EXPERIMENTS
from minikd.report import PLACEHOLDER, check_claim, filled, pages_of, read_results, value_of

ROOT = Path(__file__).parents[1]
PAGES = pages_of(ROOT)
RECORDS = read_results(ROOT / "results")
ROOMS = sorted((ROOT / "docs" / "reproduction").glob("*.md"))


def text_of(page):
    return page.read_text(encoding="utf-8")


def ids(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_a_page_shows_what_the_records_say(page):
    """Also: every claim on it holds."""
    assert filled(text_of(page), RECORDS) == text_of(page)


def test_every_experiment_with_a_record_has_its_page_and_every_record_stands_on_it():
    assert {page.stem for page in ROOMS} == {record["name"] for record in RECORDS.values()}
    for key, record in RECORDS.items():
        page = text_of(ROOT / "docs" / "reproduction" / f"{record['name']}.md")
        for block in ("picture", "table", "findings", "settings", "provenance"):
            assert f"<!--= {key} {block} -->" in page, (key, block)
        assert (ROOT / "docs" / "images" / f"{key}.png").exists()


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"], ids=ids
)
def test_pictures_and_links_are_there(page):
    for target in re.findall(r"\]\(([^)#\s]+)\)", text_of(page)):
        assert target.startswith("https://") or (page.parent / target).exists(), target
    for words in re.findall(r"!\[(.*?)\]", text_of(page)):
        assert len(words) > 15, "a picture without words for those who do not see it"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_no_line_with_words_begins_with_a_comment(page):
    """Markdown takes such a line for HTML, and shows its stars and brackets as they are."""
    assert not re.findall(r"^\s*(?:[-*] )?<!--.*?-->[^\s<].*", text_of(page), re.MULTILINE)


def test_reproduction_is_short():
    assert len(text_of(ROOT / "REPRODUCTION.md").splitlines()) < 150


# ---------------------------------------------------------------- no typed results

RESULT = re.compile(
    r"±|\d\.\d|\d[\d,]* (?:errors|points?|nats|minutes|seconds)\b|\d (?:%|times\b|ms\b)"
)
# What may be typed: the paper's numbers, where the sentence says so; settings and sizes of data.
ALLOWED = re.compile(
    r"paper|§|\(n\)|Mean ± standard|Means ± standard|mean ± standard|±2 px"
    r"|GiB|MB\b|Python 3\.\d|CuPy \d|pip install|Eq\. 5|weights 0\.4|within 1e-|0\.1; of several"
    r"|steps of 0\.1|soft_targets|1/256|1e-8|3 % of|at 30 times at most"
)


def typed_results(text):
    """Sentences that give a result that no placeholder gives."""
    text = PLACEHOLDER.sub("", text)
    text = re.sub(r"<!-- (?!test command)(\S+) -->.*?<!-- end -->", "", text, flags=re.DOTALL)
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"`[^`]*`|\]\([^)]*\)|arXiv:[\d.]+", "", text)
    found = []
    for paragraph in re.split(r"\n\s*\n|\n(?=[-|#\d*])", text):
        # The paper's own paragraph says so at its beginning.
        if re.match(r"\*\*The paper", paragraph):
            continue
        for sentence in re.split(r"(?<=[.:;!?]) ", paragraph):
            if RESULT.search(sentence) and not ALLOWED.search(sentence):
                found.append(sentence.strip())
    return found


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_no_result_is_typed(page):
    assert not typed_results(text_of(page))


@pytest.mark.parametrize(
    "sentence",
    [
        "The student makes 92.5 errors.", "It gains 3 points.", "Words: 3.1 % wrong.",
        "It takes 35 minutes.", "A step is 3 times as fast.", "That is 12 ± 3.",
        "| teacher | 79.0 |", "- It makes 85 errors.", "A step takes 8 ms.",
    ],
)  # fmt: skip
def test_a_typed_result_is_found(sentence):
    assert typed_results(f"# Page\n\nSome words. {sentence}\n\nMore of them.")
    assert typed_results(f"# Page\n{sentence}\n")


def test_what_a_placeholder_gives_is_not_typed():
    assert not typed_results("It makes <!--= a.b c -->92.5 ± 3.1 (n = 4)<!--/--> errors.")
    assert not typed_results("The paper's student makes 74 errors.")
    assert not typed_results("Run `minikd run --rate 3.5`.\n\n```\n3 errors\n```")


@pytest.mark.parametrize("page", ROOMS, ids=ids)
def test_what_was_found_comes_from_the_record_or_has_a_claim(page):
    found = text_of(page).split("## What it found")[1].split("\n## ")[0]
    blocks = re.sub(r"<!--= \S+ (?:findings|tables) -->.*?<!--/-->", "", found, flags=re.DOTALL)
    for paragraph in re.split(r"\n\s*\n|\n(?=- )", blocks):
        words = paragraph.strip()
        guarded = "<!--?" in words or "<!--=" in words
        assert not words or guarded or words.startswith(("On ", "A first run")), words


# ---------------------------------------------------------------- the language of placeholders


def made_up(a, b, cases=10_000):
    n = len(a)
    return {
        "name": "teacher-student", "data": "mnist", "config": {"T": 20, "teacher": {"epochs": 7}},
        "seeds": list(range(n)), "device": "cpu", "threads": 1, "seconds": [60.0] * n,
        "versions": {"numpy": "2.4.0", "python": "3.11.7"}, "curves": {},
        "metrics": {"teacher_errors": a, "alone_errors": b, "test_cases": [cases] * n},
    }  # fmt: skip


def test_what_placeholders_give():
    records = {"r.d": made_up([10.0, 20.0, 30.0], [30.0, 41.0, 49.0])}
    for asked, value in (
        ("r.d teacher_errors", "20.0 ± 10.0 (n = 3)"),
        ("r.d mean teacher_errors", "20.0"),
        ("r.d paper teacher_errors", "67 errors"),
        ("r.d change alone_errors teacher_errors", "+20.00 ± 0.58"),
        ("r.d set T", "20"),
        ("r.d set teacher.epochs", "7"),
        ("r.d seeds", "3"),
    ):
        assert value_of(asked, records) == value
    assert value_of("r.d known teacher_errors", records).startswith("58 (")
    assert "1 minutes of training a seed, on cpu with 1 thread" in value_of(
        "r.d provenance", records
    )
    table = value_of("r.d table", records)
    assert "| teacher | 3 | 67 errors | 20.0 ± 10.0 (n = 3) | 58 (" in table
    page = (
        "It is <!--= r.d mean teacher_errors -->old<!--/-->.\n\n<!--= r.d table -->\n<!--/-->\n"
    )
    new = filled(page, records)
    assert "It is <!--= r.d mean teacher_errors -->20.0<!--/-->." in new
    assert f"<!--= r.d table -->\n{table}\n<!--/-->" in new
    assert filled(new, records) == new  # once more changes nothing


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("x.d teacher_errors", r"no record x\.d"), ("r.d nothing", "no metric nothing"),
        ("r.d mean nothing", "no metric nothing"), ("r.d median teacher_errors", "no form 'median'"),
        ("r.d set epochs", "no setting epochs"), ("r.d change teacher_errors x", "no metric x"),
    ],
)  # fmt: skip
def test_a_placeholder_that_asks_for_what_is_not_there(asked, message):
    with pytest.raises(ValueError, match=message):
        value_of(asked, {"r.d": made_up([1.0], [2.0])})


def test_a_claim_that_no_longer_holds_is_an_error():
    records = {"r.d": made_up([10.0, 20.0, 30.0], [30.0, 41.0, 49.0])}
    for sign, other in (
        ("<", "alone_errors"),
        ("<<", "alone_errors"),
        (">", "19.5"),
        ("<", "21"),
    ):
        check_claim(("r.d", "teacher_errors", sign, other), records)
    for sign, other in ((">", "alone_errors"), ("<", "20"), (">>", "19.5"), ("<<", "21")):
        with pytest.raises(ValueError, match="no longer holds: the difference is"):
            check_claim(("r.d", "teacher_errors", sign, other), records)
    with pytest.raises(ValueError, match="no longer holds"):
        filled("<!--? r.d teacher_errors > alone_errors -->It is better.", records)
    for claim, message in (
        (("x.d", "teacher_errors", "<", "1"), "no record x.d"),
        (("r.d", "nothing", "<", "1"), "the record has no nothing"),
        (("r.d", "teacher_errors", "<", "nothing"), "the record has no nothing"),
    ):
        with pytest.raises(ValueError, match=message):
            check_claim(claim, records)


def test_the_command(tmp_path, capsys):
    for page in ("README.md", "docs/reproduction/omitted-3.md"):
        (tmp_path / page).parent.mkdir(parents=True, exist_ok=True)
        emptied = PLACEHOLDER.sub(r"\1\4", text_of(ROOT / page))
        (tmp_path / page).write_text(emptied, encoding="utf-8")
    argv = ["report", "--results", str(ROOT / "results"), "--root", str(tmp_path)]
    assert cli.main(argv) == 0
    assert "pages and pictures" in capsys.readouterr().out
    assert text_of(tmp_path / "README.md") == text_of(ROOT / "README.md")
    drawn = {path.stem for path in (tmp_path / "docs" / "images").iterdir()}
    assert drawn == {*RECORDS, "distillation"}


def test_reports_that_cannot_be_made(tmp_path, capsys):
    assert cli.main(["report", "--results", str(tmp_path)]) == 2
    assert "no records" in capsys.readouterr().err
    (tmp_path / "a.json").write_text("{}")
    assert cli.main(["report", "--results", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_list_of_experiments_names_their_pages():
    listed = value_of("experiments", RECORDS)
    for name in EXPERIMENTS:
        assert f"[{name}](docs/reproduction/{name}.md)" in listed
