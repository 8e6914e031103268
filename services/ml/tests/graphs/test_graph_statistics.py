"""The figures behind graphs, beside other ways of computing them."""

import numpy as np
import pytest
from scipy import stats

from ml.graphs.statistics.anova import anova
from ml.graphs.statistics.means import correlation, means, regression
from ml.graphs.statistics.plane import contours, grid, hexagons
from ml.graphs.statistics.spread import bin_edges, box, density, letter_values

CHANCE = np.random.default_rng(11)
SKEWED = np.exp(CHANCE.normal(size=5000))
# Tooth growth of guinea pigs (Crampton 1947): two ways of giving vitamin C, three doses, ten animals each.
TEETH = {
    ("VC", 0.5): [4.2, 11.5, 7.3, 5.8, 6.4, 10, 11.2, 11.2, 5.2, 7],
    ("VC", 1.0): [16.5, 16.5, 15.2, 17.3, 22.5, 17.3, 13.6, 14.5, 18.8, 15.5],
    ("VC", 2.0): [23.6, 18.5, 33.9, 25.5, 26.4, 32.5, 26.7, 21.5, 23.3, 29.5],
    ("OJ", 0.5): [15.2, 21.5, 17.6, 9.7, 14.5, 10, 8.2, 9.4, 16.5, 9.7],
    ("OJ", 1.0): [19.7, 23.3, 23.6, 26.4, 20, 25.2, 25.8, 21.2, 14.5, 27.3],
    ("OJ", 2.0): [25.5, 26.4, 22.4, 24.5, 24.8, 30.9, 26.4, 27.3, 29.4, 23],
}


def test_a_box_has_its_whiskers_at_the_last_values_within_reach():
    found = box(np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 30]))
    assert (found.q1, found.median, found.q3) == (3.25, 5.5, 7.75)
    assert (found.low, found.high, found.outliers.tolist()) == (1, 9, [30])


def test_a_box_of_one_value_is_that_value():
    found = box(np.array([4.0]))
    assert {found.low, found.q1, found.median, found.q3, found.high} == {4.0}


def test_outliers_and_whiskers_hold_all_lines():
    found = box(SKEWED)
    inside = ((found.low <= SKEWED) & (found.high >= SKEWED)).sum()
    assert inside + len(found.outliers) == len(SKEWED)


def test_letter_values_halve_the_tails():
    found = letter_values(SKEWED)
    for letter in found:
        assert np.mean(letter.low > SKEWED) == pytest.approx(letter.tail, abs=0.01)
        assert np.mean(letter.high < SKEWED) == pytest.approx(letter.tail, abs=0.01)
    assert [letter.tail for letter in found] == [0.5**place for place in range(2, 2 + len(found))]


def test_letter_values_go_deeper_the_more_lines_there_are():
    assert len(letter_values(SKEWED[:50])) < len(letter_values(SKEWED))


def test_a_density_holds_all_lines_and_lies_near_the_kernel_estimate():
    places, heights = density(SKEWED)
    assert np.trapezoid(heights, places) == pytest.approx(1)
    assert places[np.argmax(heights)] == pytest.approx(np.exp(-1), abs=0.35)


def test_a_density_of_one_value_is_finite():
    places, heights = density(np.full(20, 7.0))
    assert np.isfinite(heights).all()
    assert places[0] < 7 < places[-1]


@pytest.mark.parametrize("values", [SKEWED, np.array([3.0]), np.zeros(5), np.array([-2.0, -2.0])])
def test_bins_hold_every_value(values):
    assert np.histogram(values, bin_edges(values))[0].sum() == len(values)


def test_a_mean_has_students_interval():
    codes = CHANCE.integers(0, 3, 200).astype(np.int32)
    values = CHANCE.normal(size=200) + codes
    found = means(values, codes, 3)
    for group in range(3):
        of_group = values[codes == group]
        low, high = stats.t.interval(0.95, len(of_group) - 1, of_group.mean(), stats.sem(of_group))
        assert (found.low[group], found.high[group]) == pytest.approx((low, high))


def test_a_group_of_one_has_a_mean_and_no_interval():
    found = means(np.array([5.0]), np.zeros(1, dtype=np.int32), 1)
    assert found.mean[0] == 5
    assert np.isnan(found.low[0])


def test_a_mean_far_from_zero_keeps_its_interval():
    values = 1e9 + CHANCE.normal(size=100)
    found = means(values, np.zeros(100, dtype=np.int32), 1)
    assert found.high[0] - found.low[0] == pytest.approx(2 * 1.984 * values.std(ddof=1) / 10, rel=0.01)


def test_a_regression_is_the_textbooks():
    x = CHANCE.normal(size=80)
    y = 3 - 2 * x + CHANCE.normal(size=80)
    found, known = regression(x, y), stats.linregress(x, y)
    assert (found.slope, found.intercept, found.r, found.slope_error) == pytest.approx(
        (known.slope, known.intercept, known.rvalue, known.stderr)
    )
    assert found.p == pytest.approx(known.pvalue, rel=1e-6)


def test_the_band_is_narrowest_in_the_middle():
    x = CHANCE.normal(size=80)
    found = regression(x, x + CHANCE.normal(size=80))
    _, low, high = found.line(np.array([x.mean(), x.mean() + 3]))
    assert high[0] - low[0] < high[1] - low[1]


@pytest.mark.parametrize("x", [[1.0, 1, 1, 1], [1.0, 2]])
def test_no_line_goes_through_what_does_not_vary_or_is_too_little(x):
    assert regression(np.array(x), np.arange(len(x), dtype=float)) is None


def test_nothing_correlates_with_a_constant():
    assert correlation(np.ones(10), np.arange(10.0)) is None


def test_the_analysis_of_variance_of_tooth_growth_is_the_textbooks():
    values = np.concatenate([np.array(lengths, dtype=float) for lengths in TEETH.values()])
    ways = np.repeat([0, 0, 0, 1, 1, 1], 10).astype(np.int32)
    doses = np.tile(np.repeat([0, 1, 2], 10), 2).astype(np.int32)
    found = anova(values, [ways, doses])
    assert [round(effect.f, 2) for effect in found.effects] == [15.57, 92.0, 4.11]
    assert [effect.freedom for effect in found.effects] == [1, 2, 2]
    assert (found.residual_freedom, round(found.residual, 1)) == (54, 712.1)


def test_three_unbalanced_factors_are_compared_as_over_all_lines():
    a, b, c = (CHANCE.integers(0, size, 300).astype(np.int32) for size in (3, 2, 4))
    values = a + 0.5 * b * c + CHANCE.normal(size=300)
    found = {effect.factors: effect for effect in anova(values, [a, b, c]).effects}

    def rest(*terms):
        one = np.ones((300, 1))
        dummies = [np.eye(codes.max() + 1)[codes][:, 1:] for codes in (a, b, c)]
        blocks = [one]
        for term in terms:
            block = one
            for place in term:
                block = np.einsum("ni,nj->nij", block, dummies[place]).reshape(300, -1)
            blocks.append(block)
        design = np.concatenate(blocks, axis=1)
        return ((values - design @ np.linalg.lstsq(design, values, rcond=None)[0]) ** 2).sum()

    assert found[(0,)].sum_of_squares == pytest.approx(rest((1,), (2,), (1, 2)) - rest((0,), (1,), (2,), (1, 2)))
    everything = rest((0,), (1,), (2,), (0, 1), (0, 2), (1, 2))
    whole = rest((0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2))
    assert found[(0, 1, 2)].sum_of_squares == pytest.approx(everything - whole)


def test_no_variance_is_analysed_without_lines_to_spare():
    assert (
        anova(np.arange(4.0), [np.array([0, 0, 1, 1], dtype=np.int32), np.array([0, 1, 0, 1], dtype=np.int32)]) is None
    )


def test_every_line_is_in_its_nearest_hexagon():
    x, y = CHANCE.uniform(-50, 50, (2, 500))
    found = hexagons(x, y, None, radius=9)
    assert found.count.sum() == 500
    away = np.hypot(x[:, None] - found.x, y[:, None] - found.y).min(axis=1)
    assert away.max() <= 9 + 1e-9


def test_a_hexagon_tells_the_mean_of_its_lines():
    x, y = CHANCE.uniform(0, 60, (2, 200))
    z = CHANCE.normal(size=200)
    found = hexagons(x, y, z, radius=9)
    assert (found.mean * found.count).sum() == pytest.approx(z.sum())


def test_a_grid_holds_every_line():
    x, y = CHANCE.normal(size=(2, 300))
    edges = [np.linspace(values.min(), values.max(), 9) for values in (x, y)]
    cells, right, upper = grid(x, y, None, *edges)
    assert cells.count.sum() == 300
    assert (right > cells.x).all()
    assert (upper > cells.y).all()


def test_lines_around_the_densest_places_hold_about_their_share():
    x, y = CHANCE.normal(size=(2, 20_000))
    for share, lines in contours(x, y):
        radius = np.hypot(*np.array(max(lines, key=len)).T).mean()
        assert 1 - np.exp(-(radius**2) / 2) == pytest.approx(share, abs=0.06)


def test_there_are_no_lines_around_what_does_not_vary():
    assert contours(np.ones(50), np.arange(50.0)) == []
