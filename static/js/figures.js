/**
 * Live figures in the page that the server drew: `data-topic` on a table or list, `data-row` on each row, `data-field`
 * on each figure. A figure changes in its place, with a short tint. A row that is new is made from the topic's
 * <template>. `data-count` in the rail follows the topic `counts`.
 */
import { subscribe } from "./live.js";
import { timeElement } from "./times.js";

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
  for (const field of row?.querySelectorAll("[data-field]") ?? []) write(field, data[field.dataset.field], data);
  body.dispatchEvent(new CustomEvent("figures", { bubbles: true }));
}

function added(body, id) {
  const template = body.parentElement.querySelector(`template[data-row-of="${body.dataset.topic}"]`);
  if (!template) return null;
  const row = template.content.firstElementChild.cloneNode(true);
  row.dataset.row = id;
  body.append(row);
  return row;
}

/** What a figure is, stands in `data-as`: status, ago, span, or plain text. */
function write(field, value, data) {
  const shown = `${value ?? ""}`;
  if (field.dataset.value === shown) return;
  const first = field.dataset.value === undefined && field.textContent.trim() === shown;
  field.dataset.value = shown;
  if (first) return;
  draw(field, value, data);
  tint(field);
}

function draw(field, value, data) {
  const how = field.dataset.as;
  if (how === "status") drawStatus(field, value, data.shape);
  else if (how === "ago" || how === "span") field.replaceChildren(value ? timeElement(value, how) : "—");
  else field.textContent = value ?? "";
}

function drawStatus(field, word, shape) {
  const status = field.querySelector(".status");
  status.dataset.status = shape;
  status.lastChild.textContent = word.replaceAll("_", " ");
}

function tint(field) {
  field.classList.remove("changed");
  void field.offsetWidth;
  field.classList.add("changed");
}

const counts = document.querySelectorAll("[data-count]");
if (counts.length) {
  const show = (rows) => counts.forEach((badge) => count(badge, rows.get(badge.dataset.count)?.count ?? 0));
  subscribe("counts", { snapshot: show, delta: (_ops, rows) => show(rows) });
}

function count(badge, figure) {
  badge.hidden = !figure;
  badge.textContent = figure.toLocaleString("en");
}
