/** The lists beside the waterfall: errors first, what was sent and not received, logs. A click shows the row. */
import { number, took } from "./words.js";

const MOST = 500;
const SEVERE = 17;
const WARNING = 13;

/**
 * @param {import("./model.js").Trace} trace
 * @param {(row: number) => void} open
 */
export function drawSide(trace, open) {
  list("errors", trace.errors, ([row, text]) => ({ row, text, status: "bad", about: trace.lanes[trace.lane[row]] }), open);
  list("ghosts", trace.ghosts, (ghost) => ghostLine(trace, ghost), open);
  list("logs", trace.logs, (log) => logLine(trace, log), open);
}

function ghostLine(trace, [row, since, queue, elsewhere]) {
  if (!elsewhere) return { row, text: `${queue || "a queue"} for ${took(trace.now - since)}`, status: "unknown", about: trace.lanes[trace.lane[row]] };
  if (elsewhere === "-") return { row, text: `${queue}: taken where you may not see`, status: "ok", about: "" };
  return { row, text: `${queue}: taken in trace ${elsewhere.slice(0, 8)}…`, status: "ok", about: "", href: `/traces/${elsewhere}` };
}

function logLine(trace, [row, at, severity, body]) {
  const status = severity >= SEVERE ? "bad" : severity >= WARNING ? "warn" : "info";
  return { row, text: body, status, about: at < 0 ? `−${took(-at)}` : `+${took(at)}` };
}

function list(name, rows, line, open) {
  const panel = document.querySelector(`[data-${name}-panel]`);
  panel.hidden = !rows.length;
  panel.querySelector(`[data-${name}-count]`).textContent = rows.length > MOST ? `the first ${MOST} of ${number(rows.length)}` : number(rows.length);
  panel.querySelector(`[data-${name}]`).replaceChildren(...rows.slice(0, MOST).map((each) => item(line(each), open)));
}

function item({ row, text, status, about, href }, open) {
  const made = document.createElement("li");
  made.dataset.status = status;
  const shape = document.createElement("i");
  shape.className = "shape";
  shape.setAttribute("aria-hidden", "true");
  const aside = document.createElement("span");
  aside.className = "muted";
  aside.textContent = about;
  made.append(shape, href ? link(text, href) : button(text, row, open), aside);
  return made;
}

function button(text, row, open) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "trace-jump truncate";
  made.textContent = text;
  made.title = text;
  made.disabled = row < 0;
  made.addEventListener("click", () => open(row));
  return made;
}

function link(text, href) {
  const made = document.createElement("a");
  made.className = "truncate";
  made.textContent = text;
  made.href = href;
  return made;
}
