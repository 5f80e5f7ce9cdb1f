/**
 * The list of messages while it is open: what the rows show changes in its place, the counts by state are asked for
 * anew, and new messages wait behind a button. Nothing moves under the cursor, and no row goes: the topic holds only
 * what was heard of last.
 */
import { subscribe } from "../live.js";
import { offer } from "../newer.js";
import { timeElement } from "../times.js";
import { tint } from "../tint.js";

const COUNT_AGAIN_MS = 2_000;
const body = document.querySelector("[data-messages]");
let known;
let counting;

if (body) {
  subscribe("messages", { snapshot: (rows) => show(rows, true), delta: (_ops, rows) => show(rows, false) });
}

/** @param {Map<string, Record<string, any>>} rows */
function show(rows, first) {
  known ??= new Set(rows.keys());
  for (const row of body.querySelectorAll("[data-row]")) {
    const data = rows.get(row.dataset.row);
    if (data) for (const field of row.querySelectorAll("[data-live-field]")) write(field, data[field.dataset.liveField]);
  }
  if ("messagesAll" in body.dataset) offerNewer(rows);
  if (!first) countSoon();
}

function write(field, value) {
  const text = `${value ?? ""}`;
  if (field.dataset.value === text) return;
  const drawn = field.dataset.value === undefined;
  field.dataset.value = text;
  const how = { state: drawState, since: drawTime("span"), heard: drawTime("ago") }[field.dataset.liveField] ?? drawText;
  how(field, value);
  if (!drawn) tint(field);
}

const drawText = (field, value) => (field.textContent = value ?? "—");
const drawTime = (how) => (field, value) => field.replaceChildren(value ? timeElement(value, how) : "—");

function drawState(field, state) {
  const shapes = JSON.parse(body.dataset.shapes);
  const status = field.querySelector(".status");
  status.dataset.status = shapes[state] ?? "unknown";
  status.lastChild.textContent = state.replaceAll("_", " ");
}

function offerNewer(rows) {
  const { environment } = body.dataset;
  const shown = new Set([...body.querySelectorAll("[data-row]")].map((row) => row.dataset.row));
  const isNew = ([id, row]) => !shown.has(id) && !known.has(id) && (!environment || row.environment === environment);
  offer(document.querySelector("[data-messages-newer]"), [...rows].filter(isNew).length);
}

/** Counting goes through all of them, so not at every change. */
function countSoon() {
  counting ??= setTimeout(async () => {
    try {
      const answer = await fetch(body.dataset.counts, { headers: { "HX-Request": "true" } });
      if (answer.ok) putCounts(await answer.text());
    } finally {
      counting = undefined;
    }
  }, COUNT_AGAIN_MS);
}

function putCounts(html) {
  const counts = document.querySelector("[data-message-counts]");
  if (!counts || counts.contains(document.activeElement)) return;
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("[data-message-counts]");
  if (fresh) counts.replaceWith(fresh);
}
