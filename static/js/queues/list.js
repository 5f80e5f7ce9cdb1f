/**
 * The list of queues while it is open: figures.js keeps figures and states live; this greys what is old, draws the
 * small lines anew every minute, says when there are queues that the list does not show yet, and when a broker is away.
 */
import { subscribe } from "../live.js";
import { offer } from "../newer.js";
import { timeElement } from "../times.js";

const LINES_EVERY = 60_000;
const MOST = 200;
const OLD = new Set(["unreachable", "stale", "gone"]);
const body = document.querySelector("[data-queues]");

if (body) {
  subscribe("queues", { snapshot: show, delta: (_ops, rows) => show(rows) });
  setInterval(drawLines, LINES_EVERY);
  if (!body.querySelector("[data-spark] polyline[points]:not([points=''])")) drawLines();
}
subscribe("brokers", { snapshot: say, delta: (_ops, rows) => say(rows) });

/** @param {Map<string, Record<string, any>>} rows */
function show(rows) {
  const elements = [...body.querySelectorAll("[data-row]")];
  for (const element of elements) element.classList.toggle("queue-old", OLD.has(rows.get(element.dataset.row)?.state));
  if ("queuesAll" in body.dataset) offerNewer(rows, new Set(elements.map((element) => element.dataset.row)));
}

function offerNewer(rows, shown) {
  const { environment } = body.dataset;
  const newer = [...rows].filter(([id, row]) => !shown.has(id) && (!environment || row.environment === environment));
  // A list that is cut shows less than there is anyway.
  offer(document.querySelector("[data-queues-newer]"), shown.size < MOST ? newer.length : 0);
}

async function drawLines() {
  if (document.hidden) return;
  try {
    const answer = await fetch(`${body.dataset.queues}${location.search}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    for (const [id, points] of Object.entries(await answer.json())) {
      body.querySelector(`[data-row="${CSS.escape(id)}"] [data-spark] polyline`)?.setAttribute("points", points);
    }
  } catch {
    // The connection's pill says that figures are stale; the next minute asks again.
  }
}

/** @param {Map<string, Record<string, any>>} rows */
function say(rows) {
  const place = document.querySelector("[data-brokers-away]");
  if (!place) return;
  const away = [...rows.values()].filter((row) => !row.reachable && row.since);
  const names = away.map((row) => `${row.name} ${row.since}`).join();
  if (names === place.dataset.shows) return;
  place.dataset.shows = names;
  place.replaceChildren(...away.map(notice));
}

function notice(row) {
  const element = Object.assign(document.createElement("div"), { className: "notice" });
  element.dataset.status = "unknown";
  const shape = Object.assign(document.createElement("i"), { className: "shape", ariaHidden: "true" });
  const words = document.createElement("div");
  const name = Object.assign(document.createElement("b"), { textContent: row.name });
  const reason = Object.assign(document.createElement("span"), { className: "muted", textContent: row.reason });
  const since = row.since.slice(11, 19);
  words.append("Cannot reach ", name, ` since ${since} UTC (`, timeElement(row.since, "span"), "). Its figures are the last ones, and nothing is known of now. ", reason);
  element.append(shape, words);
  return element;
}
