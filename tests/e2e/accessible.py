"""What keeps somebody out of a page: names that are missing, references into nothing, text too faint to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

# WCAG 2.2 AA: 4.5 to 1 for text, 3 to 1 where it is large.
FINDINGS = r"""() => {
  const found = [];
  const shown = (e) => e.checkVisibility({visibilityProperty: true, opacityProperty: true});
  const tag = (e) => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "");
  const told = (e) => `${tag(e)} ${(e.textContent || "").trim().slice(0, 30)}`;
  const each = (what, then) => document.querySelectorAll(what).forEach(then);
  const all = [...document.querySelectorAll("body *")];
  const ids = new Map();
  for (const e of all.filter((e) => e.id)) ids.set(e.id, (ids.get(e.id) || 0) + 1);
  for (const [id, count] of ids) if (count > 1) found.push(`${count} elements have the id ${id}`);
  for (const e of all) for (const name of ["aria-describedby", "aria-labelledby", "aria-controls", "for", "list"])
    for (const id of (e.getAttribute(name) || "").split(/\s+/).filter(Boolean))
      if (!ids.has(id)) found.push(`${told(e)}: ${name} leads to ${id}, which is not there`);
  const picture = (e) => e.querySelector("img[alt]:not([alt=''])");
  const named = (e) => e.getAttribute("aria-label") || e.textContent.trim() || picture(e);
  each("a[href], button, summary", (e) => { if (shown(e) && !named(e)) found.push(`${told(e)} has no name`); });
  each("img:not([alt]), [role=img]:not([aria-label])", (e) => found.push(`${told(e)} says nothing`));
  each("a a, a button, button a, label label", (e) => found.push(`${told(e)} is inside another`));
  each("table", (e) => { if (!e.querySelector("th")) found.push(`${told(e)} has no headings`); });
  if (!document.documentElement.lang) found.push("the page has no language");
  let level = 1;
  each("h1, h2, h3, h4, h5, h6", (e) => {
    const own = Number(e.tagName[1]);
    if (own > level + 1) found.push(`${told(e)} comes after a heading of level ${level}`);
    level = own;
  });
  const pen = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const paint = (under, colour) => {
    pen.fillStyle = `rgb(${under.join(" ")})`; pen.fillRect(0, 0, 1, 1);
    pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const linear = (v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = (rgb) => rgb.reduce((sum, v, i) => sum + linear(v / 255) * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    const above = []; for (let p = e; p; p = p.parentElement) above.unshift(getComputedStyle(p).backgroundColor);
    return above.reduce(paint, [255, 255, 255]);
  };
  for (const e of all) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !shown(e) || e.closest("svg, [disabled], option, .stale, .skip")) continue;
    const style = getComputedStyle(e), under = ground(e), size = parseFloat(style.fontSize);
    const [a, b] = [light(paint(under, style.color)), light(under)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push(`${told(e)} has a contrast of ${ratio.toFixed(2)}`);
  }
  return [...new Set(found)].slice(0, 12);
}"""


def findings(page: Page) -> list[str]:
    """What is wrong with the page as it is shown now; empty when nothing is."""
    found: list[str] = page.evaluate(FINDINGS)
    return found
