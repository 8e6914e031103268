// What every page does beyond HTML: put the focus where the news is, guard against double sending, "/" searches.
"use strict";

const focusNews = (root) => {
  const news = root.querySelector("[data-focus]");
  if (news) news.focus();
};

document.addEventListener("DOMContentLoaded", () => focusNews(document));
document.addEventListener("htmx:afterSwap", (event) => focusNews(event.target));

// A form is sent once; its button comes back when the page is shown again from the history.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  for (const button of event.target.querySelectorAll("button[type=submit], button:not([type])")) {
    window.setTimeout(() => { button.disabled = true; }, 0);
  }
});
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form button[disabled]")) button.disabled = false;
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    const search = document.querySelector("input[type=search]");
    if (search) { event.preventDefault(); search.focus(); }
  }
});

// A file on its way says how far it is; leaving the page ends it.
document.addEventListener("htmx:xhr:progress", (event) => {
  const bar = event.target.querySelector(".sending progress");
  if (bar && event.detail.lengthComputable && event.detail.total > 0) {
    bar.value = event.detail.loaded / event.detail.total;
    bar.textContent = `${Math.round(100 * bar.value)} %`;
  }
});

// A file that is too large is said so before it is sent.
document.addEventListener("change", (event) => {
  const { files, dataset } = event.target;
  if (!files || !dataset.largest) return;
  const largest = Number(dataset.largest);
  const tooLarge = [...files].some((file) => file.size > largest);
  const said = `The file has more than ${Math.floor(largest / 2 ** 20)} MiB: send a part of it.`;
  event.target.setCustomValidity(tooLarge ? said : "");
  event.target.reportValidity();
});

// A form with a file shows whichever page answers it, refusals too, and says when none does.
document.addEventListener("htmx:beforeSwap", (event) => {
  const form = event.detail.requestConfig.elt;
  if (form.querySelector(".sending") && event.detail.xhr.status >= 400) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});
document.addEventListener("htmx:sendError", (event) => {
  const words = event.target.querySelector(".sending p");
  if (!words) return;
  words.parentElement.classList.add("failed");
  words.textContent = "The connection broke off before the file was taken: send it again.";
});

// A live part that cannot be refreshed says so instead of showing old figures as new ones.
const stale = (event, old) => {
  const part = event.target.closest("[hx-get]");
  if (part) part.classList.toggle("stale", old);
};
document.addEventListener("htmx:sendError", (event) => stale(event, true));
document.addEventListener("htmx:responseError", (event) => stale(event, true));
document.addEventListener("htmx:beforeSwap", (event) => stale(event, false));
