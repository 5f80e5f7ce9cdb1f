/** Where a message is, while the page is open: asked again when messages or causes change, until it has ended. */
import { subscribe } from "../live.js";
import { redraw } from "../live/one.js";

const LEAST_MS = 3_000;
let first = { messages: true, stuck: true };
let asking;

if (document.querySelector("[data-where-open]")) {
  for (const topic of ["messages", "stuck"]) subscribe(topic, { snapshot: () => changed(topic), delta: () => changed(topic) });
}

function changed(topic) {
  if (first[topic]) first = { ...first, [topic]: false };
  else asking ??= setTimeout(ask, LEAST_MS);
}

function ask() {
  asking = undefined;
  const here = document.querySelector("[data-where-open]");
  if (!here || here.contains(document.activeElement)) return;
  redraw("#where");
}
