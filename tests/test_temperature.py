"""Figures of what temperature does: true for any logits, and right on a user's own axes."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_figures import outside, overlaps, text_of, under_a_legend

from minikd import equations as eq
from minikd import plots, temperature

AGREE = np.array([1.0, 2.0, 3.0])
LOGITS = {
    "example": temperature.EXAMPLE_LOGITS, "two": [0.3, -0.2], "sure": [1000.0, 0, -1000],
    "equal": [2.0] * 5, "tiny": [1e-6, 0, 2e-6], "huge": [1e6, -1e6, 3e5, 0],
    "tied": [5.0, 5.0, 0], "many": np.sin(np.arange(200.0)) * 9, "wide": np.arange(47.0),
}  # fmt: skip
NAMES = {
    "two": ["cat", "dog"], "sure": ["a very long name of a class", "b", "c"],
    "many": [f"class number {c}" for c in range(200)], "wide": [chr(65 + c) for c in range(47)],
}  # fmt: skip


def check(figure, tmp_path):
    assert not overlaps(figure)
    assert not outside(figure)
    assert not under_a_legend(figure)
    said = text_of(figure)
    assert "nan" not in said
    assert "inf" not in said
    plots.save_figure(figure, tmp_path / "figure.png")
    return said


def test_the_example(tmp_path):
    figure = temperature.plot_temperature()
    assert len(figure.axes) == 4
    said = check(figure, tmp_path)
    for word in ("T = 20", "T²", "Eq. 2", "Eq. 3", "Eq. 4", "log 10"):
        assert word in said


@pytest.mark.parametrize("which", LOGITS)
def test_any_logits_names_and_temperatures(which, tmp_path):
    v = np.array(LOGITS[which], dtype=float)
    for z, temperatures in (
        (None, (1,)), (v[::-1].copy(), (0.5, 1, 2, 4, 8, 16, 32)), (v + 3, (1, 4, 20)),
    ):  # fmt: skip
        figure = temperature.plot_temperature(v, z, NAMES.get(which), temperatures)
        said = check(figure, tmp_path)
        for T in temperatures:
            assert f"T = {T:g}" in said


@pytest.mark.parametrize(
    ("which", "style"),
    [
        ("example", "default"),
        ("many", "classic"),
        ("two", "dark_background"),
        ("sure", "ggplot"),
    ],
)
def test_on_axes_of_ones_own(which, style, tmp_path):
    """Under any style: no box, no title under labels, and no other axes touched."""
    v = np.array(LOGITS[which], dtype=float)
    draws = (
        lambda axes: temperature.plot_softmax_bars(axes, v, (1, 2, 5, 9, 20), NAMES.get(which)),
        lambda axes: temperature.plot_entropy(axes, v),
        lambda axes: temperature.plot_gradient_norms(axes, v[::-1], v),
        lambda axes: temperature.plot_limits(axes, v[::-1], v),
    )
    for draw in draws:
        with plt.style.context(style):
            figure, (axes, other) = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")
            draw(axes)
            assert not axes.spines["top"].get_visible()
            assert not other.has_data()
            assert other.get_title() == ""
            check(figure, tmp_path)


def test_colours_are_not_repeated():
    _, axes = plt.subplots()
    temperature.plot_softmax_bars(axes, [1.0, 2], np.arange(1, 13))
    colors = {mpl.colors.to_hex(bars.patches[0].get_facecolor()) for bars in axes.containers}
    assert len(colors) == 12


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.floats(-50, 50), min_size=2, max_size=12),
    st.lists(st.floats(0.05, 500), min_size=1, max_size=6, unique=True),
)
def test_the_title_of_probabilities_is_true(v, temperatures):
    _, axes = plt.subplots()
    temperature.plot_softmax_bars(axes, v, temperatures)
    said = axes.get_title(loc="left") or axes.get_title()
    p = eq.softmax(np.array(v), np.array(temperatures)[:, None])
    if "All logits are equal" in said:
        assert np.ptp(p, axis=-1).max() < 1e-9
    else:
        cold = p[np.argmin(temperatures)]
        assert f"class {cold.argmax()}" in said
        assert f"{min(100 * cold.max(), 99.9) if cold.max() < 1 else 100:.3g} %" in said
    heights = [[bar.get_height() for bar in bars] for bars in axes.containers]
    np.testing.assert_allclose(heights, p, atol=1e-12)
    plt.close("all")


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-20, 20), st.floats(-20, 20)), min_size=2, max_size=10),
)
@example([(0.0, 0.0), (0.0, 5e-17)])
@example([(0.0, 1e14), (0.0, -1e14)])
def test_the_temperature_from_which_eq_4_holds_is_true(pairs):
    z, v = np.array(pairs).T
    _, axes = plt.subplots()
    temperature.plot_limits(axes, z, v)
    said = axes.get_title(loc="left") or axes.get_title()
    z, v = z - z.mean(), v - v.mean()
    if "at most 10 % off from T = " in said:
        T = 1.1 * float(said.split("T = ")[1].split()[0])
        exact = eq.soft_target_gradient(z, v, T)
        off = np.linalg.norm(eq.zero_mean_gradient(z, v, T) - exact)
        assert off <= 0.1 * np.linalg.norm(exact)
    else:
        assert "more than 10 % off" in said or "agree" in said
    plt.close("all")


def test_titles_of_what_is_flat():
    _, axes = plt.subplots()
    temperature.plot_entropy(axes, [2.0, 2, 2])
    assert axes.get_title(loc="left") == "All logits are equal: the entropy is log 3, at any T"
    for draw in (temperature.plot_gradient_norms, temperature.plot_limits):
        _, axes = plt.subplots()
        draw(axes, AGREE + 5, AGREE)
        assert axes.get_title(loc="left").startswith("Student and teacher agree")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"v": [1.0]}, "v has 1 logit; expected one for each of two classes or more"),
        (
            {"v": [1.0, 2], "names": ["a"]},
            "v has 2 logits and names 1; expected one for each",
        ),
        ({"v": [1.0, 2], "temperatures": ()}, "expected one positive number or more"),
        ({"v": [1.0, 2], "temperatures": (0,)}, "temperatures"),
        ({"v": [1.0, 2], "z": [1.0]}, "z"),
        ({"v": [1.0, 2], "z": [1.0, 2, 3]}, "different numbers of classes: z 3 and v 2"),
        ({"v": [1.0, np.nan]}, "v"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        temperature.plot_temperature(**options)
    assert not plt.get_fignums()
