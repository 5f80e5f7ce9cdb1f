/** One log record whole, under the list. */
import { severity } from "./rows.js";

const place = document.querySelector("[data-log-details]");

export const isOpen = () => Boolean(place?.firstElementChild);
export const close = () => place.replaceChildren();

const make = (tag, name, ...children) => {
  const made = document.createElement(tag);
  made.className = name;
  made.append(...children);
  return made;
};

export function open(record) {
  const body = make("pre", "", record.body);
  body.tabIndex = 0;
  place.replaceChildren(make("section", "panel log-details", head(record), body, facts(record)));
}

function head(record) {
  const closing = make("button", "button small quiet push", "Close");
  closing.type = "button";
  closing.dataset.do = "log-close";
  const links = record.trace_id ? [link("Trace", traceOf(record)), link("All of this trace", `/logs?trace=${record.trace_id}`)] : [];
  return make("div", "panel-head", make("h2", "", `${severity(record.severity).word} of ${record.agent || "nobody named"}`), ...links, closing);
}

const traceOf = (record) => `/traces/${record.trace_id}${record.span_id ? `?span=${record.span_id}` : ""}`;

function link(text, href) {
  const made = make("a", "button small", text);
  made.href = href;
  return made;
}

const APART = new Set(["body", "attributes", "severity", "agent"]);

function facts(record) {
  const list = make("dl", "facts panel-body");
  const plain = Object.entries(record).filter(([name, value]) => value && !APART.has(name));
  for (const [name, value] of [...plain, ...Object.entries(record.attributes)]) {
    list.append(make("dt", "", name.replaceAll("_", " ")), make("dd", "", typeof value === "string" ? value : JSON.stringify(value)));
  }
  return list;
}
