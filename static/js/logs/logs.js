/** The list of log records: windowed, older ones fetched when they come into view, new ones live until paused. */
import { on } from "../actions.js";
import { offer } from "../newer.js";
import "../traces/suggest.js";
import { every } from "../traces/poll.js";
import { Window } from "../traces/window.js";
import { close, isOpen, open } from "./details.js";
import { HEIGHT, fillRow, makeRow } from "./rows.js";

const MOST = 20_000;
const NEAR_THE_END = 40;
const root = document.querySelector("[data-logs]");
const view = root?.querySelector("[data-logs-view]");
const button = root?.querySelector("[data-newer-show]");
const pauseButton = document.querySelector("[data-do=logs-pause]");
let records = [];
let waiting = [];
let next = root?.dataset.next ?? "";
let tail = root?.dataset.tail ?? "";
let reading = false;
let paused = false;
let current = null;
let list = null;

if (root) start();

function start() {
  records = JSON.parse(document.getElementById("log-records").textContent);
  for (const part of root.querySelectorAll("[data-plain]")) part.remove();
  list = new Window(view, { height: HEIGHT, make: makeRow, fill });
  show();
  view.addEventListener("scroll", older, { passive: true });
  if (!tail) return;
  document.querySelector("[data-tail-tools]").hidden = false;
  every(follow, (failed) => tell(failed ? "stale" : paused ? "paused" : "live"));
}

function show() {
  view.hidden = !records.length;
  root.querySelector("[data-empty]")?.toggleAttribute("hidden", records.length > 0);
  list.resize(records.length);
  root.querySelector("[data-logs-count]").textContent = `${records.length.toLocaleString("en")} records${next ? ", more below" : ""}, the newest first`;
  root.dataset.drawn = "";
}

function fill(element, place) {
  fillRow(element, records[place], place);
  element.toggleAttribute("data-current", records[place] === current);
  element.setAttribute("aria-selected", String(records[place] === current));
}

// ---- Older and newer --------------------------------------------------------------------------------------------
const ask = async (more) => {
  const query = new URLSearchParams(root.dataset.query);
  for (const [name, value] of Object.entries(more)) query.set(name, value);
  const answer = await fetch(`${root.dataset.api}?${query}`);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
};

async function older() {
  const last = (view.scrollTop + view.clientHeight) / HEIGHT;
  if (!next || reading || last < records.length - NEAR_THE_END || records.length > MOST) return;
  reading = true;
  try {
    const found = await ask({ cursor: next, limit: 200 });
    records.push(...found.results);
    next = found.next ?? "";
    show();
  } catch {
    tell("stale");
  } finally {
    reading = false;
  }
}

/** Says whether asking again at once is worth it. */
async function follow() {
  if (paused && waiting.length > MOST) return false;
  const found = await ask({ tail });
  tail = found.tail;
  waiting.unshift(...found.results.reverse());
  // Under the cursor nothing moves: only who is at the top and did not choose a row sees them at once.
  if (waiting.length && !paused && view.scrollTop < HEIGHT && !current) take();
  offer(button, waiting.length, take);
  return found.more;
}

function take() {
  records = [...waiting, ...records].slice(0, MOST);
  waiting = [];
  offer(button, waiting.length, take);
  show();
  view.scrollTop = 0;
}

const SHAPES = { live: "ok", paused: "paused", stale: "unknown" };

function tell(state) {
  const status = document.querySelector("[data-tail-state]");
  if (status.dataset.state === state) return;
  status.dataset.state = state;
  status.dataset.status = SHAPES[state];
  status.lastElementChild.textContent = state === "stale" ? `stale since ${new Date().toLocaleTimeString("en-GB")}` : state;
}

on("logs-pause", () => {
  paused = !paused;
  pauseButton.textContent = paused ? "Go on" : "Pause";
  pauseButton.setAttribute("aria-pressed", String(paused));
  tell(paused ? "paused" : "live");
  if (!paused && waiting.length) take();
});

// ---- One record -------------------------------------------------------------------------------------------------
function choose(place, { details = true } = {}) {
  if (!records[place]) return;
  current = records[place];
  list.reveal(place);
  list.redraw();
  if (details) open(current);
}

function move(by) {
  if (!records.length) return;
  const place = current ? records.indexOf(current) + by : 0;
  choose(Math.min(Math.max(place, 0), records.length - 1), { details: isOpen() });
}

view?.addEventListener("click", (event) => {
  const row = event.target.closest(".log-row");
  if (row) choose(Number(row.dataset.place));
});

view?.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") move(1);
  else if (event.key === "ArrowUp") move(-1);
  else if (event.key === "Enter" && current) open(current);
  else return;
  event.preventDefault();
});

document.addEventListener(
  "keydown",
  (event) => {
    if (event.key !== "Escape" || !isOpen() || document.querySelector("dialog[open]")) return;
    event.stopPropagation();
    leave();
  },
  { capture: true },
);

function leave() {
  close();
  current = null;
  list.redraw();
  view.focus({ preventScroll: true });
}

on("row-next", () => move(1));
on("row-before", () => move(-1));
on("row-open", () => current && open(current));
on("log-close", leave);
