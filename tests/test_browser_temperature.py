"""The page on temperature: its numbers are the library's, and everybody can use it."""

from __future__ import annotations

import base64
import itertools
import json
import re
import time

import browser
import numpy as np
import pytest

from minikd import equations as eq
from minikd.browser.temperature import _digits, write_temperature_page

FUNCTIONS = {
    "softmax": eq.softmax, "logSoftmax": eq.log_softmax, "entropy": eq.entropy,
    "softTargetCost": eq.soft_target_cost, "klDivergence": eq.kl_divergence,
    "softmaxDifference": eq.softmax_difference, "softTargetGradient": eq.soft_target_gradient,
    "highTemperatureGradient": eq.high_temperature_gradient,
    "zeroMeanGradient": eq.zero_mean_gradient,
}  # fmt: skip
OF_ONE = {"softmax", "logSoftmax", "entropy"}
THREE = "v=2,1,0.1&z=0,0.5,1&names=cat,dog,fox&T=4&squared=0"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return write_temperature_page(tmp_path_factory.mktemp("page") / "temperature.html")


@pytest.fixture
def page(chromium, file):
    with browser.opened(chromium) as opened:
        yield at(opened, file)


@pytest.fixture(scope="module")
def shared(chromium, file):
    """A page for many short tests that need no fresh one."""
    with browser.opened(chromium) as opened:
        yield at(opened, file)


def at(page, file, fragment=""):
    page.goto("about:blank")  # so that another fragment loads the page anew
    page.goto(browser.address(file, fragment))
    page.wait_for_selector("html[data-ready]")
    return page


def state(page):
    """The state that the address holds, once it is written."""
    page.wait_for_timeout(300)
    fragment = page.evaluate("location.hash").removeprefix("#")
    found = dict(pair.split("=") for pair in fragment.split("&"))
    for key in ("v", "z"):
        found[key] = [float(each) for each in found[key].split(",")]
    return found


def slider(page, letter, i):
    panel = {"v": "#teacher", "z": "#student"}[letter]
    return page.locator(f"{panel} [role=slider]").nth(i)


# ---------------------------------------------------------------- the file


def test_the_page_is_one_small_file_that_asks_for_nothing(file):
    text = file.read_text(encoding="utf-8")
    assert file.stat().st_size < 300_000
    assert not re.search(r"(src|href|url\(|import\b.*from)\s*=?\s*[\"'(]?\s*(https?:|//)", text)
    assert "default-src 'none'" in text
    for mark in ("/* digits */", "/* equations.js */", "/* temperature.js */"):
        assert mark not in text


def test_the_digits_are_real_and_told_by_a_rule(file):
    digits = _digits()
    assert len(digits) == 6
    assert "printed digits, not handwriting" in " ".join(file.read_text("utf-8").split())
    for digit in digits:
        assert len(base64.b64decode(digit["pixels"])) == 28 * 28
        assert abs(sum(digit["v"])) < 1e-9
        assert abs(sum(digit["z"])) < 1e-9
    # A title says what the logits say.
    for digit in digits[:4]:
        label, other = map(int, re.findall(r"\d", digit["title"]))
        assert np.argsort(digit["v"])[::-1][:2].tolist() == [label, other]
        assert digit["label"] == label
    sure, wrong = digits[4:]
    assert np.argmax(sure["v"]) == sure["label"]
    assert np.argmax(wrong["v"]) != wrong["label"]
    margins = [-np.diff(np.sort(digit["v"])[::-1])[0] for digit in digits]
    assert max(margins) == margins[4]


def test_a_bad_path_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="path is None"):
        write_temperature_page(None)
    with pytest.raises(ValueError, match="is a folder"):
        write_temperature_page(tmp_path)


# ---------------------------------------------------------------- numbers


def random_cases(count):
    """Logits of 2 to 50 classes, of all sizes, at all temperatures; in a third z is nearly v."""
    rng = np.random.default_rng(0)
    for k in range(count):
        N = int(rng.integers(2, 51))
        size = 10 ** rng.uniform(-2, 3)
        v = rng.normal(rng.normal(), size, N)
        z = rng.normal(rng.normal(), size, N)
        if k % 3 == 0:
            z = v + rng.normal(0, size * 10 ** rng.uniform(-12, -3), N)
        yield z, v, float(10 ** rng.uniform(-1, 3))


def test_the_numbers_are_those_of_the_equations(page):
    cases = list(random_cases(300))
    given = [[z.tolist(), v.tolist(), T] for z, v, T in cases]
    for name, function in FUNCTIONS.items():
        arguments = "z, T" if name in OF_ONE else "z, v, T"
        found = page.evaluate(f"cases => cases.map(([z, v, T]) => {name}({arguments}))", given)
        for (z, v, T), ours in zip(cases, found, strict=True):
            expected = function(z, T) if name in OF_ONE else function(z, v, T)
            # Of the largest entry; where that is below 1e-290, floats have fewer digits.
            scale = max(np.abs(expected).max(), 1e-290)
            assert np.abs(np.subtract(ours, expected)).max() <= 1e-9 * scale, (name, z, v, T)


def relative_difference(approximation, z, v, T):
    exact = eq.soft_target_gradient(z, v, T)
    return np.linalg.norm(approximation(z, v, T) - exact) / np.linalg.norm(exact)


def test_from_which_temperature_an_approximation_holds(page):
    rng = np.random.default_rng(1)
    for _ in range(30):
        z, v = rng.normal(0, rng.uniform(0.5, 8), (2, rng.integers(2, 20)))
        z, v = z - z.mean(), v - v.mean()
        for name in ("highTemperatureGradient", "zeroMeanGradient"):
            T = page.evaluate(
                f"([z, v]) => holdsFrom({name}, z, v, 0.1)", [z.tolist(), v.tolist()]
            )
            assert abs(relative_difference(FUNCTIONS[name], z, v, T) - 0.1) < 1e-6
            above = [
                relative_difference(FUNCTIONS[name], z, v, t) for t in np.geomspace(T, 1e4, 300)
            ]
            assert max(above) < 0.1 + 1e-6


def test_equation_4_never_holds_where_the_means_differ(page):
    never = page.evaluate(
        "Number.isNaN(holdsFrom(zeroMeanGradient, [3, 2, 4], [1, 0, -1], 0.1))"
    )
    assert never


def test_what_is_shown_is_what_is_computed(page, file):
    at(page, file, THREE.replace("squared=0", "squared=1"))
    v, z, T = np.array([2, 1, 0.1]), np.array([0, 0.5, 1]), 4.0

    def number(text):
        return float(text.replace("−", "-"))

    def shown(selector):
        return number(page.inner_text(selector).split()[0])

    assert shown("#entropy-p") == pytest.approx(eq.entropy(v, T), rel=1e-3)
    assert shown("#entropy-q") == pytest.approx(eq.entropy(z, T), rel=1e-3)
    assert "log 3 = 1.099" in page.inner_text("#limit")
    assert shown("#cost") == pytest.approx(T**2 * eq.soft_target_cost(z, v, T), rel=1e-3)
    assert shown("#kl") == pytest.approx(T**2 * eq.kl_divergence(z, v, T), rel=1e-3)
    assert page.locator("thead th").all_inner_texts()[1:] == [
        "T² × Eq. 2",
        "T² × Eq. 3",
        "T² × Eq. 4",
    ]
    cells = page.locator("#gradients td").all_inner_texts()
    table = np.array([number(cell) for cell in cells]).reshape(3, 3).T
    for column, name in zip(
        table,
        ("softTargetGradient", "highTemperatureGradient", "zeroMeanGradient"),
        strict=True,
    ):
        assert np.allclose(column, T**2 * FUNCTIONS[name](z, v, T), rtol=6e-3)
    assert page.inner_text("#mean-v") == "1.03"
    assert "Subtract the means" in page.inner_text("#means")


# ---------------------------------------------------------------- hands


def test_a_bar_follows_the_mouse(page):
    bar = slider(page, "v", 3)
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=4)
    page.mouse.move(box["x"] + box["width"] * 0.75, middle, steps=4)
    page.mouse.up()
    v = state(page)["v"]
    limit = float(bar.get_attribute("aria-valuemax"))
    assert v[3] == pytest.approx(limit / 2, abs=limit / 100)
    assert float(bar.get_attribute("aria-valuenow")) == v[3]
    assert v[:3] + v[4:] == _digits()[0]["v"][:3] + _digits()[0]["v"][4:]
    # The digit is no longer the one that was loaded.
    assert page.locator("#image").is_hidden()


def test_a_bar_that_leaves_its_track_stays_within_reach(page):
    bar = slider(page, "z", 0)
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(5, box["y"] + 200)
    page.mouse.up()
    assert state(page)["z"][0] == -10
    # The next drag may go further.
    assert bar.get_attribute("aria-valuemin") == "-20"


def test_a_bar_follows_a_finger_but_not_one_that_scrolls(chromium, file):
    with browser.opened(chromium, 360, 740, has_touch=True) as page:
        at(page, file)
        before = state(page)["v"]
        bar = slider(page, "v", 0)
        bar.scroll_into_view_if_needed()
        bar.dispatch_event("pointerdown", {"pointerId": 1, "pointerType": "touch", "button": 0})
        assert state(page)["v"] == before
    # A tap is meant.
    with browser.opened(chromium, 360, 740, has_touch=True) as page:
        at(page, file)
        bar = slider(page, "v", 0)
        bar.scroll_into_view_if_needed()
        box = bar.bounding_box()
        page.touchscreen.tap(box["x"] + box["width"] - 1, box["y"] + box["height"] / 2)
        assert state(page)["v"][0] == pytest.approx(10, abs=0.3)


def test_keys_move_a_bar(page, file):
    at(page, file, THREE)
    bar = slider(page, "z", 1)
    bar.focus()
    for key, expected in (
        ("ArrowRight", 0.6), ("ArrowUp", 0.7), ("ArrowLeft", 0.6), ("ArrowDown", 0.5),
        ("PageUp", 1.5), ("PageDown", 0.5), ("End", 10), ("Home", -20),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert float(bar.get_attribute("aria-valuenow")) == expected
    assert bar.get_attribute("aria-label") == "student’s logit of dog"
    assert bar.get_attribute("aria-valuetext").startswith("−20.00, probability 0.0")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").endswith("fox")


def test_the_temperature_by_slider_and_by_number(page):
    page.focus("#T-slider")
    page.keyboard.press("ArrowRight")
    assert page.input_value("#T") == "1.02"
    page.keyboard.press("End")
    assert page.input_value("#T") == "1000"
    page.fill("#T", "20")
    assert state(page)["T"] == "20"
    assert page.get_attribute("#T-slider", "aria-valuetext") == "T = 20"
    page.fill("#T", "0")
    assert (
        page.inner_text("#T-error")
        == "T is “0”; expected 0.1 to 1000: give a number in between."
    )
    assert page.get_attribute("#T", "aria-invalid") == "true"
    page.locator("#T").blur()
    assert page.input_value("#T") == "20"
    assert not page.inner_text("#T-error")


def test_buttons_set_the_student(page, file):
    at(page, file, THREE)
    page.click("#equal")
    assert state(page)["z"] == [2, 1, 0.1]
    assert "Eq. 2 is 0" in page.inner_text("#verdict")
    page.click("#near")
    z = state(page)["z"]
    assert 0 < np.abs(np.subtract(z, [2, 1, 0.1])).max() <= 1
    page.click("#zeros")
    assert state(page)["z"] == [0, 0, 0]
    page.click("#centre")
    assert abs(sum(state(page)["v"])) < 1e-9
    assert "have the mean 0" in page.inner_text("#means")
    page.check("#squared")
    assert state(page)["squared"] == "1"


def test_every_digit_loads(page):
    for i, digit in enumerate(_digits()):
        button = page.locator("#digits button").nth(i)
        button.click()
        found = state(page)
        assert (found["v"], found["z"]) == (digit["v"], digit["z"])
        assert page.get_attribute("#image", "aria-label").endswith(digit["title"])
        assert page.locator("#digits [aria-pressed=true]").inner_text() == digit["title"]
        ink = page.evaluate(
            "() => { const copy = new OffscreenCanvas(28, 28).getContext('2d');"
            "copy.drawImage(document.getElementById('image'), 0, 0);"
            "return [...copy.getImageData(0, 0, 28, 28).data]; }"
        )
        assert bytes(ink[::4]) == base64.b64decode(digit["pixels"])


def test_a_screen_reader_hears_the_result_once(page):
    heard = page.evaluate_handle(
        "() => { const heard = []; new MutationObserver(() => heard.push("
        "document.getElementById('live').textContent)).observe("
        "document.getElementById('live'), {childList: true}); return heard; }"
    )
    page.wait_for_timeout(1000)
    page.evaluate("heard => { heard.length = 0; }", heard)
    page.focus("#T-slider")
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(1000)
    (said,) = heard.json_value()
    assert re.match(
        r"T is 1\.\d+\. Entropy of p .* nats\. Eq\. 3 differs from Eq\. 2 by ", said
    )


# ---------------------------------------------------------------- pasting


@pytest.mark.parametrize(
    ("text", "v", "z", "names"),
    [
        ("2, 1, 0.1", [2, 1, 0.1], [0, 0, 0], None),
        ("2 1 −0.1", [2, 1, -0.1], [0, 0, 0], None),
        ("2\t1\n3\t4\n", [2, 1], [3, 4], None),
        ("2,5;1,5", [2.5, 1.5], [0, 0], None),
        ("cat, dog\n\n1e3, -.5", [1000, -0.5], [0, 0], ["cat", "dog"]),
        ("0, 1, 2\n1, 2, 3\n4, 5, 6", [1, 2, 3], [4, 5, 6], None),
        ('"a, b",<b>c</b>\r\n1,2\r\n3,4\r\n', [1, 2], [3, 4], ["a, b", "<b>c</b>"]),
        ("3d, 2nd\n1, 2", [1, 2], [0, 0], ["3d", "2nd"]),
    ],
)
def test_good_text_is_taken(shared, text, v, z, names):
    shared.fill("#paste", text)
    shared.click("#use")
    assert shared.inner_text("#paste-error") == ""
    found = state(shared)
    assert (found["v"], found["z"]) == (v, z)
    shown = shared.locator("#teacher .rows .name").all_inner_texts()
    assert shown == (names or [str(i) for i in range(len(v))])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "There is no text; expected logits like 2, 1, 0.1: write or paste some."),
        ("2, x, 1", "Line 1, entry 2, is “x”; expected a number like -1.5: write one there."),
        ("2,,1", "Line 1, entry 2, is “”; expected a number"),
        ("2, 0x10", "Line 1, entry 2, is “0x10”; expected a number"),
        ("1, NaN", "Line 1, entry 2, is “NaN”; expected a number"),
        ("1, Infinity", "Line 1, entry 2, is “Infinity”; expected a number"),
        ("1, 1e999", "Line 1, entry 2, is 1e999; expected at most 1e9 in size"),
        ("7", "Line 1 has 1 entry; expected 2 to 50, one for each class: add or leave out some."),
        (", ".join(["1"] * 51), "Line 1 has 51 entries; expected 2 to 50"),
        ("1, 2\n1, 2, 3", "There are 2 logits of the teacher and 3 of the student; expected as many"),
        ("a, b, c\n1, 2", "There are 2 logits of the teacher and 3 class names; expected as many"),
        ("a, \n1, 2", "Line 1, name 2, has 0 characters; expected 1 to 40"),
        ("1,2\n" * 4, "There are 4 lines of logits; expected the teacher’s and at most"),
        ("1, <img src=x onerror=alert(1)>", "Line 1, entry 2, is “<img src=x onerror=alert…”;"),
    ],
)  # fmt: skip
def test_bad_text_gets_one_line_and_changes_nothing(shared, text, said):
    before = state(shared)
    shared.fill("#paste", text)
    shared.click("#use")
    error = shared.inner_text("#paste-error")
    assert error.startswith(said)
    assert "expected" in error
    assert ": " in error
    assert "\n" not in error
    assert state(shared) == before


def test_what_is_written_into_the_field_can_be_taken_again(page):
    page.fill("#paste", '"a, b", c\n0.1, 0.25\n-3, 1e-7')
    page.click("#use")
    before = state(page)
    page.click("#take")
    page.click("#zeros")
    page.click("#use")
    assert state(page) == before


# ---------------------------------------------------------------- the address


def test_an_address_shows_the_same_to_somebody_else(chromium, file, page):
    page.fill("#paste", 'Katze & Maus,"50 %, ü=#",<i>x</i>\n0.1,-2.5e-7,3\n1,2,1e6')
    page.click("#use")
    page.fill("#T", "7.25")
    page.check("#squared")
    shared = state(page)
    address = page.evaluate("location.href")
    with browser.opened(chromium) as other:
        other.goto(address)
        other.wait_for_selector("html[data-ready]")
        assert other.inner_text("#refused") == ""
        assert state(other) == shared
        for selector in ("#teacher", "#student", ".numbers", "#gradients", "#verdict"):
            assert other.inner_text(selector) == page.inner_text(selector)
        assert other.input_value("#T") == "7.25"
        assert other.is_checked("#squared")


def test_changes_do_not_fill_the_history(page):
    before = page.evaluate("history.length")
    for T in range(1, 30):
        page.fill("#T", str(T))
    assert state(page)["T"] == "29"
    assert page.evaluate("history.length") == before


def test_another_fragment_in_the_same_tab_is_taken(page):
    page.evaluate(f"location.hash = '{THREE}'")
    page.wait_for_function("document.querySelectorAll('#gradients tr').length === 3")
    assert page.locator("#teacher .rows .name").all_inner_texts() == ["cat", "dog", "fox"]


HOSTILE = [
    "v=1,2&names=<img src=x onerror=alert(1)>",
    "v=1,2&v=3,4",
    "v=1,2&__proto__=1",
    "v=1,2&constructor=3",
    "v=javascript:alert(1),2",
    "v=1,2&T=-1",
    "v=1,2&T=NaN",
    "v=1,2&T=",
    "v=1,2&squared=yes",
    "v=1,2&z=1,2,3",
    "v=1,2&names=%E0%A4%A,b",
    "v=1e999,2",
    "v=1",
    "v=" + "1," * 99_999 + "1",
    "z=1,2",
    "<script>alert(1)</script>",
    "v=1,2&names=" + "x" * 5000 + ",b",
]


@pytest.mark.parametrize("fragment", HOSTILE, ids=lambda fragment: fragment[:40])
def test_a_hostile_fragment_is_refused_in_one_line(shared, file, fragment):
    at(shared, file, fragment)
    said = shared.inner_text("#refused")
    assert said.startswith("The address was not taken: ")
    assert "\n" not in said
    assert len(said) < 300
    assert shared.locator("img, #refused *").count() == 0
    # The page works with what it had, and the line goes with the first change.
    assert shared.locator("#gradients tr").count() == 10
    shared.fill("#T", "3")
    assert shared.inner_text("#refused") == ""
    assert state(shared)["v"] == _digits()[0]["v"]


def test_names_are_text_and_never_markup(page, file):
    at(page, file, "v=1,2&names=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E,b")
    assert page.locator("img").count() == 0
    assert page.locator(".name").first.inner_text() == "<img src=x onerror=alert(1)>"


# ---------------------------------------------------------------- everybody, everywhere


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_is_accessible_and_fits(chromium, file, scheme, width):
    with browser.opened(chromium, width, color_scheme=scheme) as page:
        for fragment in ("", THREE, "v=1,x"):
            at(page, file, fragment)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert browser.serious(page) == []


EXTREMES = {
    "large": "v=1000000,-1000000,3&z=-1000000,1000000,1&T=0.1",
    "largest": "v=1e9,-1e9&z=-1e9,1e9&T=0.1&squared=1",
    "equal": "v=1,1,1&z=1,1,1&T=5",
    "a constant apart": "v=1,2,3&z=1.1,2.1,3.1",
    "small": "v=1e-9,0&z=0,1e-9&T=1000",
    "zeros": "v=0,0&z=0,0&T=1000",
    "many": f"v={','.join(map(str, range(50)))}&names={','.join([39 * 'n'] * 50)}",
    "sums that cancel N": "v=-3,-3&z=-1,-1&T=3",
}  # fmt: skip


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("fragment", EXTREMES.values(), ids=list(EXTREMES))
def test_extremes_break_nothing(chromium, file, fragment, width):
    with browser.opened(chromium, width) as page:
        at(page, file, fragment)
        assert page.inner_text("#refused") == ""
        said = page.inner_text("body") + page.inner_html("main")
        assert not re.search(r"\bNaN\b|\bInfinity\b|undefined", said)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for row in page.locator(".rows > .class").all()[:5]:
            boxes = [
                cell.bounding_box() for cell in row.locator(".name, .slider, .number").all()
            ]
            for left, right in itertools.pairwise(boxes):
                assert left["x"] + left["width"] <= right["x"] + 1


def test_it_can_be_used_within_a_second(chromium, file):
    seconds = []
    for _ in range(3):
        with browser.opened(chromium) as page:
            begun = time.perf_counter()
            at(page, file)
            page.click("#zeros")
            assert page.inner_text("#answers").startswith("10 classes share")
            seconds.append(time.perf_counter() - begun)
    # The best of three: other programs may have the cores.
    assert min(seconds) < 1


def test_it_can_be_printed(page):
    page.set_viewport_size({"width": 720, "height": 1000})  # A4 without its margins
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 720
    assert page.locator("#use").is_hidden()
    assert page.locator("#gradients").is_visible()


def test_the_data_cannot_end_the_script(file):
    text = file.read_text(encoding="utf-8")
    data = text.split('type="application/json">')[1].split("</script>")[0]
    assert json.loads(data) == json.loads(json.dumps(_digits()))
    assert "<" not in data
