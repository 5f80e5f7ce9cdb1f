/**
 * Live figures in the page that the server drew: `data-topic` on a table or list, `data-row` on each row, `data-field`
 * on each figure. A figure changes in its place, with a short tint. A row that is new is made from the topic's
 * <template>. `data-count` in the rail follows the topic `counts`.
 */
import { subscribe } from "./live.js";
import { timeElement } from "./times.js";
import { tint } from "./tint.js";

for (const body of document.querySelectorAll("[data-topic]")) follow(body);

function follow(body) {
  subscribe(body.dataset.topic, {
    snapshot: (rows) => {
      for (const row of body.querySelectorAll("[data-row]")) if (!rows.has(row.dataset.row)) row.remove();
      for (const [id, data] of rows) put(body, id, data);
    },
    delta: (ops) => {
      for (const op of ops) apply(body, op);
    },
  });
}

function apply(body, op) {
  if (op.op === "put") put(body, op.id, op.row);
  else rowOf(body, op.id)?.remove();
}

const rowOf = (body, id) => body.querySelector(`[data-row="${CSS.escape(id)}"]`);

function put(body, id, data) {
  const row = rowOf(body, id) ?? added(body, id);
  if (!row) return;
  const changed = [...row.querySelectorAll("[data-field]")].filter((field) => write(field, data[field.dataset.field]));
  if (changed.length) tell(body);
}

/** Whoever shows something that follows from these figures draws it anew. */
const tell = (body) => body.dispatchEvent(new CustomEvent("figures", { bubbles: true }));

function added(body, id) {
  const template = document.querySelector(`template[data-row-of="${body.dataset.topic}"]`);
  if (!template) return null;
  const row = template.content.firstElementChild.cloneNode(true);
  row.dataset.row = id;
  body.append(row);
  return row;
}

/** Write a figure if it is another one than the page shows; says whether it is. */
function write(field, value) {
  const text = `${value ?? ""}`;
  if (text === shown(field)) return false;
  field.dataset.value = text;
  draw(field, value);
  tint(field);
  return true;
}

/** What the page shows now: what was last written, or what the server drew. */
function shown(field) {
  const { value, as } = field.dataset;
  if (value !== undefined) return value;
  if (as === "ago" || as === "span") return field.querySelector("time")?.dateTime ?? "";
  return field.textContent.trim().replaceAll(" ", as === "status" ? "_" : " ");
}

/** What a figure is, stands in `data-as`: status, ago, span, or plain text. */
function draw(field, value) {
  const how = field.dataset.as;
  if (how === "status") drawStatus(field, value);
  else if (how === "ago" || how === "span") field.replaceChildren(value ? timeElement(value, how) : "—");
  else field.textContent = value ?? "";
}

function drawStatus(field, state) {
  const shapes = JSON.parse(field.closest("[data-shapes]").dataset.shapes);
  const status = field.querySelector(".status");
  status.dataset.status = shapes[state] ?? "unknown";
  status.lastChild.textContent = state.replaceAll("_", " ");
}

const counts = document.querySelectorAll("[data-count]");
if (counts.length) {
  const show = (rows) => counts.forEach((badge) => count(badge, rows.get(badge.dataset.count)?.count ?? 0));
  subscribe("counts", { snapshot: show, delta: (_ops, rows) => show(rows) });
}

function count(badge, figure) {
  const text = figure.toLocaleString("en");
  const before = badge.textContent;
  if (before === text) return;
  badge.hidden = !figure;
  badge.textContent = text;
  if (before) badge.dispatchEvent(new CustomEvent("counts", { bubbles: true }));
}
