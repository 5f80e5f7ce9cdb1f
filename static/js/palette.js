/** Ctrl/⌘-K: pages, actions and environments at once; whatever else there is by that name, from the server. */
import { on, run } from "./actions.js";

const dialog = document.getElementById("palette");
const input = dialog.querySelector("input");
const found = dialog.querySelector("#palette-found");
const nothing = dialog.querySelector("[data-nothing]");
const PAUSE = 120;
let timer = 0;
let asked = "";

on("palette", () => {
  if (dialog.open) return dialog.close();
  document.querySelectorAll("dialog[open]").forEach((other) => other.close());
  input.value = "";
  dialog.showModal();
  return narrow();
});

input.addEventListener("input", narrow);
dialog.addEventListener("keydown", (event) => {
  const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (move) step(move);
  else if (event.key === "Enter") choose(chosen());
  else return;
  event.preventDefault();
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
  else choose(event.target.closest("[role=option]"));
});
dialog.addEventListener("pointermove", (event) => mark(event.target.closest("[role=option]")));

const options = () => [...dialog.querySelectorAll("[role=option]:not([hidden])")];
const chosen = () => dialog.querySelector("[role=option][aria-selected=true]");

function narrow() {
  const words = input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  for (const group of dialog.querySelectorAll("[data-group]")) narrowGroup(group, words);
  ask(input.value.trim());
  settle();
}

function narrowGroup(group, words) {
  const items = [...group.querySelectorAll("[role=option]")];
  for (const item of items) item.hidden = !words.every((word) => item.textContent.toLowerCase().includes(word));
  group.hidden = items.every((item) => item.hidden);
}

/** The first one is chosen; when there is none, say so. */
function settle() {
  mark(options()[0]);
  nothing.hidden = options().length > 0;
}

function ask(query) {
  clearTimeout(timer);
  asked = query;
  if (!query) return found.replaceChildren();
  timer = setTimeout(() => fill(query), PAUSE);
  return undefined;
}

async function fill(query) {
  const answer = await fetch(`${dialog.dataset.search}?q=${encodeURIComponent(query)}`).catch(() => null);
  // Another letter was typed meanwhile: its own answer comes.
  if (query !== asked) return;
  found.innerHTML = answer?.ok ? await answer.text() : "";
  settle();
}

function mark(item) {
  if (!item || item === chosen()) return;
  chosen()?.removeAttribute("aria-selected");
  item.setAttribute("aria-selected", "true");
  input.setAttribute("aria-activedescendant", item.id);
  item.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const items = options();
  mark(items.at((items.indexOf(chosen()) + by) % items.length));
}

function choose(item) {
  if (!item) return;
  dialog.close();
  if (item.dataset.go) location.assign(item.dataset.go);
  else run(item.dataset.do, item);
}
