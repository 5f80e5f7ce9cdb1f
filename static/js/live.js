/**
 * The page's one connection to what is live. Import it and follow a topic:
 *
 *     import { subscribe } from "./live.js";
 *     const leave = subscribe("processes", {
 *       snapshot(rows) { … },       // Map of id → row
 *       delta(ops, rows) { … },     // [{op: "put", id, row} | {op: "drop", id}], and all rows after them
 *       state({ state, since, reason }) { … },  // live | stale | reconnecting | refused
 *     });
 *
 * The whole page's state is `freshness()`, and `onFreshness` (also the document's event `live:state`, with the same
 * value in `detail`) tells of each change. `since` is the last moment that is known to be right, or null.
 */

import { Live } from "./live/live.js";

/** @typedef {import("./live/live.js").Freshness} Freshness */
/** @typedef {import("./live/live.js").Handlers} Handlers */

const live = new Live(`${location.origin.replace(/^http/, "ws")}/ws/live`);

/**
 * Follow a topic; the returned function ends it.
 *
 * @param {string} topic
 * @param {Handlers} handlers
 */
export const subscribe = (topic, handlers) => live.subscribe(topic, handlers);

/** @returns {Freshness} how fresh the page is as a whole */
export const freshness = () => live.freshness;

/**
 * Hear of every change of the page's freshness, the present one first.
 *
 * @param {(freshness: Freshness) => void} listener
 */
export function onFreshness(listener) {
  live.addEventListener("state", (event) => listener(/** @type {CustomEvent} */ (event).detail));
  listener(live.freshness);
}

live.addEventListener("state", (event) => {
  document.dispatchEvent(new CustomEvent("live:state", { detail: /** @type {CustomEvent} */ (event).detail }));
});
document.addEventListener("visibilitychange", () => (document.hidden ? live.hide() : live.show()));
if (document.hidden) live.hide();
