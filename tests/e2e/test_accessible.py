"""The checks that every page goes through find what they are there to find."""

from __future__ import annotations

import accessible
import pytest

FAULTS = {
    "id twice": ("<p id=a>x</p><p id=a>y</p>", "2 elements have the id a"),
    "reference into nothing": ("<input aria-describedby=gone aria-label=x>", "leads to gone"),
    "button without a name": ("<button></button>", "has no name"),
    "link around a picture that says nothing": ("<a href=/><img alt=''></a>", "has no name"),
    "picture without words": ("<svg role=img></svg>", "says nothing"),
    "button inside a link": ("<a href=/>x <button>y</button></a>", "is inside another"),
    "table without headings": ("<table><tr><td>1</td></tr></table>", "has no headings"),
    "heading left out": ("<h1>x</h1><h3>y</h3>", "after a heading of level 1"),
    "grey on white": ("<p style='color:#999'>faint</p>", "contrast of 2.8"),
    "white on something half clear": (
        "<div style='background:rgba(0,0,0,.4)'><p style='color:#fff'>faint</p></div>",
        "contrast of 2.8",
    ),
}
SOUND = "<h1>x</h1><h2>y</h2><p style='color:#666'>read</p><p hidden style='color:#eee'>unseen</p><a href=/>z</a>"


@pytest.fixture
def blank(browser):
    page = browser.new_page()
    yield lambda body: (page.set_content(f"<html lang=en><body>{body}"), page)[1]
    page.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(blank, fault):
    body, said = FAULTS[fault]
    assert [one for one in accessible.findings(blank(body)) if said in one]


def test_a_sound_page_has_none(blank):
    assert accessible.findings(blank(SOUND)) == []
