/** One log record as one line. */
export const HEIGHT = 26;
const STEPS = [
  [21, "fatal", "bad"],
  [17, "error", "bad"],
  [13, "warn", "warn"],
  [9, "info", "info"],
  [5, "debug", "unknown"],
  [1, "trace", "unknown"],
];

/** OTLP's 24 steps as six words, each with its shape. */
export function severity(value) {
  const [, word, shape] = STEPS.find(([floor]) => value >= floor) ?? [0, "unset", "unknown"];
  return { word, shape };
}

const part = (name, parent) => {
  const made = document.createElement("span");
  made.className = name;
  made.setAttribute("role", "gridcell");
  parent.append(made);
  return made;
};

export function makeRow() {
  const row = document.createElement("div");
  row.className = "log-row";
  row.setAttribute("role", "row");
  const time = part("log-time", row);
  const status = part("status", row);
  const shape = document.createElement("i");
  shape.className = "shape";
  shape.setAttribute("aria-hidden", "true");
  status.append(shape, "");
  row.parts = { time, status, agent: part("log-agent", row), body: part("log-body", row) };
  return row;
}

/** @param {HTMLElement & {parts: any}} row */
export function fillRow(row, record, place) {
  const { word, shape } = severity(record.severity);
  row.dataset.place = place;
  row.setAttribute("aria-rowindex", place + 1);
  row.parts.time.textContent = record.time.slice(11, 23);
  row.parts.time.title = record.time;
  row.parts.status.dataset.status = shape;
  row.parts.status.lastChild.textContent = word;
  row.parts.agent.textContent = record.agent;
  row.parts.body.textContent = record.body;
}
