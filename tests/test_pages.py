"""Pages: numbers come from records, claims hold, links lead somewhere, no result is typed."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from minikd import cli, cli_parts
from minikd.checkpoint import write_together
from minikd.experiments import EXPERIMENTS
from minikd.report import (
    CLAIM,
    PLACEHOLDER,
    check_claim,
    filled,
    pages_of,
    read_results,
    value_of,
)

ROOT = Path(__file__).parents[1]
PAGES = pages_of(ROOT)
RECORDS = read_results(ROOT / "results")
ROOMS = sorted((ROOT / "docs" / "reproduction").glob("*.md"))
REPRODUCTION = ROOT / "REPRODUCTION.md"


def text_of(page):
    return page.read_text(encoding="utf-8")


def ids(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_a_page_shows_what_the_records_say(page):
    """Also: every claim on it holds."""
    assert filled(text_of(page), RECORDS) == text_of(page)


def not_understood(text):
    """Comments that look like a placeholder or a claim and are neither: nothing checks them."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    rest = CLAIM.sub("", PLACEHOLDER.sub("", text))
    return re.findall(r"<!--\s*[=?/].*?-->", rest, re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_placeholder_and_claim_is_understood(page):
    assert not not_understood(text_of(page))


@pytest.mark.parametrize(
    "text",
    ["<!--? a.b c <= d -->", "<!--?a.b c < d -->", "<!--? a.b c < d e -->", "<!--= a.b c -->", "<!--/-->"],
)  # fmt: skip
def test_a_misspelt_placeholder_or_claim_is_found(text):
    assert not_understood(f"Some words. {text}It is so.")
    assert not not_understood(
        "<!--? a.b c << d -->So. <!--= a.b c -->1<!--/--> <!-- a note -->"
    )


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_no_line_with_words_begins_with_a_comment(page):
    """Markdown takes such a line for HTML, and shows its stars and brackets as they are."""
    assert not re.findall(r"^\s*(?:[-*] )?<!--.*?-->[^\s<].*", text_of(page), re.MULTILINE)


def test_every_experiment_with_a_record_has_its_page_and_every_record_stands_on_it():
    assert {page.stem for page in ROOMS} == {record["name"] for record in RECORDS.values()}
    for key, record in RECORDS.items():
        page = text_of(ROOT / "docs" / "reproduction" / f"{record['name']}.md")
        for block in ("picture", "table", "findings", "settings", "provenance"):
            assert f"<!--= {key} {block} -->" in page, (key, block)
        metrics = EXPERIMENTS[record["name"]].in_record(record)
        if any(metric.control for metric in metrics):
            assert f"<!--= {key} controls -->" in page, key
        if EXPERIMENTS[record["name"]].tables(record):
            assert f"<!--= {key} tables -->" in page, key
        assert (ROOT / "docs" / "images" / f"{key}.png").exists()


# ---------------------------------------------------------------- links and pictures


def targets(text):
    """Where links and pictures of a page lead."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    found = re.findall(r"\]\(<?([^)>\s]+)>?(?: \"[^\"]*\")?\)", text)
    found += re.findall(r"^\[[^\]]+\]:\s*(\S+)", text, re.MULTILINE)
    return found + re.findall(r"<(?:img|a)\b[^>]*?(?:src|href)=\"([^\"]+)\"", text)


def anchors(text):
    """The anchors that GitHub gives to the headings of a page."""
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def broken_links(page, text):
    broken = []
    for target in targets(text):
        if re.match(r"https://", target):
            continue
        if target.removesuffix(".html") in cli_parts.PAGES:  # the build of the site writes it
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        there = not path or (file.resolve().is_relative_to(ROOT) and file.exists())
        if not there or (anchor and anchor not in anchors(text_of(file) if path else text)):
            broken.append(target)
    return broken


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"], ids=ids
)
def test_pictures_and_links_are_there(page):
    assert not broken_links(page, text_of(page))
    for words in re.findall(r"!\[(.*?)\]", text_of(page)):
        assert len(words) > 15, "a picture without words for those who do not see it"


@pytest.mark.parametrize(
    "text",
    [
        "[a](no.md)", "[a](README.md#no-such-heading)", "![a picture](docs/images/no.png)",
        "[a](#no-such-heading)", '[a](no.md "title")', '<img src="no.png">', "[a]: no.md",
        "[a](http://example.org)",
    ],
)  # fmt: skip
def test_a_broken_link_is_found(text):
    assert broken_links(ROOT / "PAGE.md", f"# A heading\n{text}\n")
    assert not broken_links(
        ROOT / "PAGE.md", "# A heading\n[a](README.md#read) [b](#a-heading) `[c](no.md)`"
    )


def test_reproduction_is_short_and_begins_with_its_results():
    lines = text_of(REPRODUCTION).splitlines()
    assert len(lines) < 150
    assert next(k for k, line in enumerate(lines) if line.startswith("|")) < 6


# ---------------------------------------------------------------- no typed results

_WORD = (
    "half|third|quarter|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|thirty|forty|"
    "fifty|hundred|dozen"
)
_UNIT = "errors?|mistakes?|points?|nats|ms|minutes?|seconds?|hours?|times|fold"
# What a run could have produced: decimals, spreads, shares, and whole numbers of something counted.
RESULT = re.compile(
    rf"±|[+−-]?\b\d+\.\d+|\b\d[\d,]*(?:\s*%|[ -](?:\w+ )?(?:{_UNIT}|fewer|more|wrong|right)\b)"
    rf"|\b\d[\d,]* of (?:the|its|them|\d)|\b\d+×"
    rf"|\b(?:{_WORD})[ -](?:errors|mistakes|points|nats|minutes|seconds|times|fold)\b"
    r"|\b(?:twice|thrice) as (?:fast|slow|many|few|good|often|long)\b"
    # "It makes 85.", "falls from 140 to 92", "92 against 85": counted, though nothing says what.
    r"|\b(?:makes?|gets?|gains?|scores?|saves?|loses?|keeps?|reache?s?|falls?|rises?|drops?|goe?s?)"
    r"(?: about| only| from| to| by| up to)* \d+\b|\b\d+ (?:against|instead of|→) \d+",
    re.IGNORECASE,
)
PAPERS = re.compile(r"\bpaper\b|§|\bbest public\b")
OURS = re.compile(r"\bminikd\b|\bhere\b|\bours?\b", re.IGNORECASE)

# Blocks that the commands in benchmarks/ and proofs/ write.
WRITTEN = re.compile(
    r"<!-- (counts|ratios|setting|processors|verdict|growth|gradcheck|accuracy|backwards|crashes|fuzz|"
    r"installs|lessons|load|mutants|covered|survivors|fused) -->.*?<!-- end -->",
    re.DOTALL,
)

# What may be typed though it looks like a result, by page: settings, sizes of data and of machines,
# versions. Each phrase must stand on its page; nothing but the phrase itself is passed over.
EXCEPTIONS = {
    "README.md": ("Python 3.11",),
    "docs/trust.md": ("CuPy 14.2",),
    "docs/index.md": ("Python 3.11",),
    "docs/how-fast.md": ("CuPy 14.2",),
    "docs/lecturers.md": (
        "0:00", "0:10", "0:20", "0:35", "0:40", "0:50", "1:00", "1:20", "0, 10, 50", "2 points",
    ),
    # What the checker says of an example, which a test runs.
    "docs/gradcheck.md": (
        "0.25 times the derivative everywhere: a factor of 4 (also the length of axis 0 of the output) is "
        "missing", "4 cases of 5 features, not 5 of 5",
        "its sum over axis 0 is right",
    ),
    "docs/accuracy.md": ("logits that are 0.01, a millionth and one ulp apart",),
    "docs/reproduction/three-percent.md": ("It looks 30 times at most",),
}  # fmt: skip
# The same on every page: explanations of what a table shows, and a setting in an experiment's name.
EVERYWHERE = (
    "mean ± standard deviation", "means ± standard deviations", "mean ± standard error",
    "3 % of the data", "10 % of the data", "ten wrong losses",
    "an exact 95 % interval", "the ± is over seeds",
)  # fmt: skip


def blank(text, *phrases):
    for phrase in phrases:
        text = re.sub(rf"\b{re.escape(phrase)}\b", "…", text, flags=re.IGNORECASE)
    return text


def prose_of(text):
    """A page without what is not typed prose."""
    text = WRITTEN.sub("", PLACEHOLDER.sub("", text))
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    return re.sub(r"`[^`\n]*`|\]\([^)]*\)|https?://\S+|arXiv:[\d.]+", "", text)


def sentences(prose):
    """Each with whether a paragraph that begins with "**The paper" speaks of the paper."""
    for paragraph in re.split(r"\n\s*\n|\n(?=[-#*]|\d+\. )", prose):
        of_paper = bool(re.match(r"\*\*The paper", paragraph.strip()))
        for sentence in re.split(r"(?<=[.:;!?])\s+|(?<=[.!?]\*\*) ", paragraph):
            yield sentence.strip(), of_paper


def tables(prose):
    """Each table as rows of cells."""
    for block in re.findall(r"(?:^\|.*\|\s*$\n?)+", prose, re.MULTILINE):
        rows = [
            [cell.strip() for cell in row.strip()[1:-1].split("|")]
            for row in block.strip().splitlines()
        ]
        yield [row for row in rows if not all(re.fullmatch(r":?-+:?", cell) for cell in row)]


def typed_results(text, exceptions=()):
    """What a page says that looks like a result, gives no placeholder, and is not the paper's.

    A number is the paper's where its sentence names the paper, or a section by §, and does not
    speak of minikd too: a sentence about both has one of its numbers from a record.
    """
    prose = blank(prose_of(text), *EVERYWHERE, *exceptions)
    found = []
    for head, *rows in tables(prose):
        for row in rows:
            for column, cell in zip(head, row, strict=False):
                bare = re.fullmatch(r"[^A-Za-z]*\d[^A-Za-z]*", cell)
                if (bare or RESULT.search(cell)) and not PAPERS.search(f"{column} {cell}"):
                    found.append(cell)
    without = re.sub(r"^\|.*$", "", prose, flags=re.MULTILINE)
    for sentence, of_paper in sentences(without):
        papers = (of_paper or PAPERS.search(sentence)) and not OURS.search(sentence)
        if RESULT.search(sentence) and not papers:
            found.append(sentence)
    return found


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_no_result_is_typed(page):
    assert not typed_results(text_of(page), EXCEPTIONS.get(ids(page), ()))


@pytest.mark.parametrize("page", EXCEPTIONS)
def test_exceptions_are_few_and_needed(page):
    """One that is no longer needed could hide a result later."""
    assert len(EXCEPTIONS[page]) <= 12
    for phrase in EXCEPTIONS[page]:
        others = [other for other in EXCEPTIONS[page] if other != phrase]
        assert typed_results(text_of(ROOT / page), others), phrase
    everything = " ".join(map(text_of, PAGES)).lower()
    assert all(phrase in everything for phrase in EVERYWHERE)


@pytest.mark.parametrize(
    "sentence",
    [
        "The student makes 92.5 errors.", "It gains 3 points.", "Words: 3.1 % wrong.",
        "It takes 35 minutes.", "A step is 3 times as fast.", "That is 12 ± 3.",
        "- It makes 85 errors.", "A step takes 8 ms.", "It gets 9 of the 1010 threes wrong.",
        "The student makes 85.", "Errors fall from 140 to 92.", "Errors: 92 against 85.",
        "It makes 27 test errors.", "With Eq. 5 it gets 83.5 % right.", "It gains three points.",
        "It is twice as fast.", "The loss falls by 0.026.", "That is 3× as fast.", "85 fewer.",
        # The paper's number beside one of ours: naming the paper does not cover both.
        "The paper's student makes 74 errors, and ours 92.", "Here it makes 92, and 74 in the paper.",
        "minikd makes 79 errors where the paper makes 67.",
        "**The paper (§ 3).** A student makes 74 errors. Here it makes 92 errors.",
    ],
)  # fmt: skip
def test_a_typed_result_is_found(sentence):
    assert typed_results(f"# Page\n\nSome words. {sentence}\n\nMore of them.")
    assert typed_results(f"# Page\n{sentence}\n")


@pytest.mark.parametrize("cell", ["79", "79.0", "79 errors", "4.1 %", "**79**", "79 → 67"])
def test_a_typed_result_in_a_table_is_found(cell):
    table = "| | § | paper | minikd |\n| --- | --- | --- | --- |\n| teacher | 3 | 67 errors | {} |\n"
    assert typed_results(table.format(cell)) == [cell]
    filled_in = f"<!--= a.b c -->{cell}<!--/-->"
    assert not typed_results(table.format(filled_in))


@pytest.mark.parametrize(
    "text",
    [
        "It makes <!--= a.b c -->92.5 ± 3.1 (n = 4)<!--/--> errors.",
        "The paper's student makes 74 errors.", "§ 3 gives 74 errors.",
        "**The paper (§ 3).** The student makes 146 errors. With soft targets, it makes 74.",
        "Run `minikd run --rate 3.5`.\n\n```\n3 errors\n```",
        "<!-- ratios -->\n| (a) | 0.88 |\n<!-- end -->",
        "See [the paper](https://arxiv.org/abs/1503.02531), arXiv:1503.02531.",
        "<!--? a.b c < 74.5 -->It makes fewer.", "The teacher has two hidden layers of 1,200 units.",
        "n = 1 seed, at T = 20, for 100 epochs.",
    ],
)  # fmt: skip
def test_what_is_no_typed_result(text):
    assert not typed_results(text)


def test_only_the_blocks_of_the_benchmarks_are_passed_over():
    assert typed_results("<!-- mine -->\nIt makes 92.5 errors.\n<!-- end -->")


# ---------------------------------------------------------------- what was found


def unguarded(page):
    """Bullets and paragraphs under "What it found" with neither a placeholder nor a claim."""
    found = page.split("## What it found\n")[1].split("\n## ")[0]
    # A block that a placeholder gives is one piece, whatever is in it.
    pieces = re.split(r"\n\s*\n|\n(?=- )", PLACEHOLDER.sub(r"\1\4", found).strip())
    return [
        piece for piece in map(str.strip, pieces)
        if piece and "<!--=" not in piece and not CLAIM.search(piece)
    ]  # fmt: skip


@pytest.mark.parametrize("page", ROOMS, ids=ids)
def test_what_was_found_comes_from_the_record_or_has_a_claim(page):
    assert not unguarded(text_of(page))


def test_an_unguarded_finding_is_found():
    page = (
        "# A\n## What it found\n<!--= a.b findings -->\n- One.\n- Two.\n<!--/-->\n"
        "- Good.<!--? a.b c < d -->\n- Bad.\n- It is <!--= a.b c -->1<!--/-->.\n\nWorse.\n\n"
        "## Settings\nNo finding.\n"
    )
    assert unguarded(page) == ["- Bad.", "Worse."]


# ---------------------------------------------------------------- words that not every reader knows

TERMS = (
    r"teachers?", r"students?", r"soft targets?", r"hard (?:labels?|targets?)", r"transfer set",
    r"logits?", r"temperatures?", r"dropout", r"held-out", r"biase?s?", r"log-loss", r"frames?",
    r"early stopping", r"ensemble", r"generalist", r"specialists?", r"dustbin", r"mixture of experts",
)  # fmt: skip


def not_introduced(text):
    """Terms that are not in italics where they first occur, which is where they are explained."""
    prose = re.sub(r"^#.*$", "", prose_of(text), flags=re.MULTILINE)
    prose = re.sub(r"\[[^\]]*", "", prose)  # names of other pages
    missing = []
    for term in TERMS:
        first = re.search(rf"(\*?)\b{term}\b(\*?)", prose, re.IGNORECASE)
        if first and first[0][0] + first[0][-1] != "**":
            missing.append(first[0])
    return missing


@pytest.mark.parametrize("page", ROOMS, ids=ids)
def test_terms_are_introduced_where_they_first_occur(page):
    assert not not_introduced(text_of(page))


def test_a_term_that_is_not_introduced_is_found():
    assert not_introduced("A teacher. Then a *teacher*.") == ["teacher"]
    assert not not_introduced("# teacher\nA *teacher*, a large network. The teacher says.")


# ---------------------------------------------------------------- the language of placeholders


def made_up(a, b, cases=10_000):
    n = len(a)
    return {
        "name": "teacher-student", "data": "mnist",
        "config": {"T": 20, "teacher_hidden": [1200, 1200], "student_hidden": [800, 800],
                   "teacher": {"epochs": 7}},
        "seeds": list(range(n)), "device": "cpu", "threads": 1, "seconds": [60.0] * n,
        "versions": {"numpy": "2.4.0", "python": "3.11.7"}, "curves": {},
        "metrics": {"teacher_errors": a, "alone_errors": b, "test_cases": [cases] * n},
    }  # fmt: skip


def test_what_placeholders_give():
    records = {"r.d": made_up([10.0, 20.0, 30.0], [30.0, 41.0, 49.0])}
    for asked, value in (
        ("r.d teacher_errors", "20.0 ± 10.0 errors (n = 3)"),
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
    assert "| teacher | 3 | 67 errors | 20.0 ± 10.0 errors (n = 3) | 12 to 31 | 58 (" in table
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
        ("r.d mean nothing", "no metric nothing"), ("r.d undeclared", "declares no Metric undeclared"),
        ("r.d median teacher_errors", "no form 'median'"),
        ("r.d set epochs", "no setting epochs"), ("r.d change teacher_errors x", "no metric x"),
    ],
)  # fmt: skip
def test_a_placeholder_that_asks_for_what_is_not_there(asked, message):
    record = made_up([1.0], [2.0])
    record["metrics"]["undeclared"] = [3.0]
    with pytest.raises(ValueError, match=message):
        value_of(asked, {"r.d": record})


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


@pytest.mark.parametrize("fault", ["a folder in the way", "a full disk"])
def test_a_page_that_cannot_be_written_leaves_all_as_it_was(tmp_path, monkeypatch, fault):
    files = {tmp_path / name: name.encode() for name in ("a", "b", "c")}
    for path in files:
        path.write_bytes(b"before")
    if fault == "a full disk":
        real, calls = os.fsync, []

        def full(number):
            calls.append(number)
            if len(calls) == 3:
                raise OSError(errno.ENOSPC, "No space left on device")
            real(number)

        monkeypatch.setattr(os, "fsync", full)
    else:
        (tmp_path / "c").unlink()
        (tmp_path / "c").mkdir()
    with pytest.raises((OSError, ValueError), match=r"c (cannot be written|is a folder)"):
        write_together(files)
    assert [(tmp_path / name).read_bytes() for name in "ab"] == [b"before"] * 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]


def test_the_list_of_experiments_names_their_pages():
    listed = value_of("experiments", RECORDS)
    for name in EXPERIMENTS:
        assert f"[{name}](docs/reproduction/{name}.md)" in listed
