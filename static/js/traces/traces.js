/** The list of traces: suggestions while a search is typed, and new traces that wait behind a button. */
import { offer } from "../newer.js";
import "./suggest.js";
import { every } from "./poll.js";

const list = document.querySelector("[data-newer]");
const button = list?.querySelector("[data-newer-show]");
const waiting = new Set();
let cursor = list?.dataset.tail ?? "";

// When nobody answers, what stands here may be old: it goes grey.
if (cursor) every(ask, (failed) => list.toggleAttribute("data-stale", failed));

/** Says whether asking again at once is worth it. */
async function ask() {
  const query = new URLSearchParams(location.search);
  query.set("after", cursor);
  const answer = await fetch(`${list.dataset.newer}?${query}`);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const found = await answer.json();
  cursor = found.cursor;
  found.traces.forEach((id) => waiting.add(id));
  show();
  return found.more;
}

function show() {
  if (waiting.size) offer(button, waiting.size);
}
