// A run's live log: each line once and in order, filters and place kept, and a plain word when lines are missing.
"use strict";

const MOST_LINES = 2000;
const DRAW_MS = 250;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30000;
const BANNER_MS = 2000;
const SIGN_IN = 4401;
const NOT_YOURS = 4404;

class LiveLog {
  constructor(section) {
    this.section = section;
    this.list = section.querySelector(".log");
    this.banner = section.querySelector(".banner");
    this.level = section.querySelector("#level");
    this.search = section.querySelector("#search");
    this.hold = section.querySelector("[data-pause]");
    this.fresh = section.querySelector("[data-new]");
    this.count = section.querySelector("[data-count]");
    this.after = Number(section.dataset.after);
    this.waiting = [];
    this.held = false;
    this.retry = FIRST_RETRY_MS;
    this.ended = "ended" in section.dataset;
    this.listen();
    this.list.scrollTop = this.list.scrollHeight;
    if (this.ended) return;
    this.connect();
    window.setInterval(() => this.draw(), DRAW_MS);
  }

  listen() {
    this.level.addEventListener("change", () => this.filter());
    this.search.addEventListener("input", () => this.filter());
    this.hold.addEventListener("click", () => this.setHeld(!this.held));
    this.fresh.addEventListener("click", () => { this.setHeld(false); this.draw(true); });
    // Scrolling up is reading: new lines wait until the reader comes back to the end.
    this.list.addEventListener("scroll", () => {
      if (this.atEnd() && this.waiting.length && !this.held) this.draw(true);
    });
  }

  setHeld(held) {
    this.held = held;
    this.hold.setAttribute("aria-pressed", String(held));
    this.hold.textContent = held ? "Go on" : "Hold the view";
    if (!held) this.list.scrollTop = this.list.scrollHeight;
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const path = `${this.section.dataset.root}ws/v1/runs/${this.section.dataset.run}`;
    this.socket = new WebSocket(`${scheme}//${location.host}${path}`);
    this.socket.addEventListener("open", () => {
      // The first message carries the last offset, so nothing is missed and nothing comes twice.
      this.socket.send(JSON.stringify({ after: this.after }));
      this.retry = FIRST_RETRY_MS;
      window.clearTimeout(this.bannerTimer);
      this.say("");
    });
    this.socket.addEventListener("message", (event) => this.take(JSON.parse(event.data)));
    this.socket.addEventListener("close", (event) => this.lost(event.code));
  }

  lost(code) {
    if (code === SIGN_IN) { this.say("Your session has ended. Reload the page to sign in again."); return; }
    if (code === NOT_YOURS) { this.say("This run is not there any more."); return; }
    if (this.ended) return;
    this.bannerTimer = window.setTimeout(() => this.say("Connection lost; trying again. Figures may be old."), BANNER_MS);
    window.setTimeout(() => this.connect(), this.retry * (0.7 + 0.6 * Math.random()));
    this.retry = Math.min(this.retry * 2, LONGEST_RETRY_MS);
  }

  take(message) {
    if (message.type === "run") {
      const moved = this.status !== undefined && this.status !== message.run.status;
      this.status = message.run.status;
      if (moved) document.body.dispatchEvent(new Event("run-changed"));
      if (!message.run.is_running) this.finish();
      return;
    }
    if (message.type === "snapshot") this.waiting.push({ gap: true, from: this.after + 1, lines: message.lines });
    for (const line of message.lines) {
      if (line.offset > this.after || message.type === "snapshot") this.waiting.push(line);
    }
    this.after = message.offset;
    this.count.textContent = String(message.offset + 1);
  }

  finish() {
    // The last lines came before this message; what follows is only the closing of the socket.
    this.ended = true;
    this.socket.close();
    this.draw();
  }

  atEnd() { return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40; }

  draw(force) {
    if (!this.waiting.length) return;
    if (!force && (this.held || !this.atEnd())) {
      this.fresh.hidden = false;
      this.fresh.textContent = `${this.waiting.length} new line${this.waiting.length === 1 ? "" : "s"}`;
      return;
    }
    const part = document.createDocumentFragment();
    for (const line of this.waiting) part.append(line.gap ? this.gapRow(line) : this.row(line));
    this.waiting = [];
    this.list.append(part);
    while (this.list.children.length > MOST_LINES) this.list.firstElementChild.remove();
    this.fresh.hidden = true;
    this.filter();
    this.list.scrollTop = this.list.scrollHeight;
  }

  row(line) {
    const item = document.createElement("li");
    item.dataset.offset = line.offset;
    item.dataset.level = line.level;
    const when = document.createElement("span");
    const moment = line.candle_at || line.timestamp;
    when.className = "quiet";
    when.title = `offset ${line.offset}`;
    const time = document.createElement("time");
    time.dateTime = moment;
    time.textContent = this.shown(moment);
    when.append(time);
    const level = document.createElement("span");
    level.className = line.level === "error" ? "bad" : line.level === "warning" ? "warn" : "quiet";
    level.textContent = line.level;
    const said = document.createElement("span");
    said.textContent = `${line.message} `;
    if (line.order_id) {
      const link = document.createElement("a");
      link.href = `#order-${line.order_id}`;
      link.textContent = "order";
      said.append(link);
    }
    item.append(when, level, said);
    return item;
  }

  // As the server writes times on the same page: the person's order and separators, in UTC.
  shown(moment) {
    const { order, dash, between, clock } = this.section.dataset;
    const [year, month, day] = moment.slice(0, 10).split("-");
    const parts = { D: day, M: month, Y: year };
    const hour = Number(moment.slice(11, 13));
    const time = clock === "24H" ? moment.slice(11, 16)
      : `${String(hour % 12 || 12).padStart(2, "0")}${moment.slice(13, 16)} ${hour < 12 ? "AM" : "PM"}`;
    return `${[...order].map((letter) => parts[letter]).join(dash)}${between}${time}`;
  }

  gapRow(gap) {
    const item = document.createElement("li");
    item.className = "gap";
    const first = gap.lines.length ? gap.lines[0].offset : 0;
    item.textContent = first > gap.from ? `${first - gap.from} lines are not shown here; the API has them.` : "The log was read anew.";
    return item;
  }

  filter() {
    const level = this.level.value;
    const wanted = this.search.value.trim().toLowerCase();
    for (const item of this.list.children) {
      const fits = !level || item.dataset.level === "error" || item.dataset.level === level;
      item.hidden = item.className !== "gap" && !(fits && (!wanted || item.textContent.toLowerCase().includes(wanted)));
    }
  }

  say(sentence) {
    this.banner.textContent = sentence;
    this.banner.hidden = !sentence;
  }
}

document.addEventListener("DOMContentLoaded", () => {
  for (const section of document.querySelectorAll("[data-live]")) new LiveLog(section);
});
