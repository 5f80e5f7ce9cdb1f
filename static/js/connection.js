/** The pill: is what I see the truth of now? When it is not, what is live goes grey and the pill says since when. */
import { onFreshness } from "./live.js";

const pill = document.querySelector("[data-connection-pill]");
const STATUS = { live: "ok", stale: "unknown", reconnecting: "reconnecting" };

/** @param {import("./live.js").Freshness} now */
function show(now) {
  const started = now.since || now.state === "live";
  pill.hidden = false;
  pill.dataset.status = started ? (STATUS[now.state] ?? "unknown") : "unknown";
  pill.title = now.reason;
  write(started ? words(now) : "connecting");
  document.documentElement.dataset.connection = started && now.state !== "live" ? "stale" : now.state;
}

function words({ state, since }) {
  if (state === "stale") return `stale since ${clock(since)}`;
  return state === "refused" ? "not live" : state;
}

/** Only a change is written, or a reader would hear the same word again and again. */
function write(text) {
  const word = pill.querySelector("span");
  if (word.textContent !== text) word.textContent = text;
}

/** @param {Date} moment */
const clock = (moment) => moment.toLocaleTimeString("en-GB");

if (pill) onFreshness(show);
