/** Every key of the console, declared once. The help on `?` is made from this list. */
import { run } from "./actions.js";

/** @typedef {{keys: string[], does: string, group: string, act?: string}} Key */

/** @type {Key[]} */
export const KEYS = [
  { keys: ["/"], does: "Where is it?", group: "Anywhere", act: "where" },
  { keys: ["Ctrl", "K"], does: "Go to, do, find", group: "Anywhere", act: "palette" },
  { keys: ["?"], does: "These keys", group: "Anywhere", act: "help" },
  { keys: ["t"], does: "Light or dark", group: "Anywhere", act: "theme" },
  { keys: ["Esc"], does: "Close, or back", group: "Anywhere", act: "back" },
  { keys: ["j"], does: "Next row", group: "In a table", act: "row-next" },
  { keys: ["k"], does: "Row before", group: "In a table", act: "row-before" },
  { keys: ["Enter"], does: "Open the row", group: "In a table", act: "row-open" },
  { keys: ["x"], does: "Select the row", group: "In a table", act: "row-select" },
  { keys: ["r"], does: "Redrive the row, or what is selected", group: "In a table", act: "row-redrive" },
  { keys: ["."], does: "Actions", group: "In a table", act: "row-actions" },
];

const GO = "g";
const PATIENCE = 1500;
const root = document.documentElement;
const byKey = new Map(KEYS.filter((key) => key.keys.length === 1).map((key) => [key.keys[0], key.act]));
let waiting = 0;

/** Every key as help shows it: the list above, and a `g` for each page of the rail. */
export function allKeys() {
  const pages = [...goLinks().values()].map((link) => ({
    keys: [GO, link.dataset.goKey],
    does: link.querySelector("span")?.textContent ?? "",
    group: "Go to",
  }));
  return [...KEYS, ...pages, ...pageKeys()];
}

/** The keys that this page's own buttons carry. */
function pageKeys() {
  return [...document.querySelectorAll("[data-key]")].map((button) => ({
    keys: [button.dataset.key],
    does: button.textContent.trim(),
    group: "On this page",
  }));
}

/** The rail shows a page twice on a phone: the last link of a letter does as well as the first. */
function goLinks() {
  const links = [...document.querySelectorAll("a[data-go-key]")];
  return new Map(links.map((link) => [link.dataset.goKey, link]));
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return undefined;
  const name = event.key === "Escape" ? "Esc" : event.key;
  if (event.ctrlKey || event.metaKey) return name.toLowerCase() === "k" ? done(event, "palette") : undefined;
  return event.altKey ? undefined : single(event, name);
});

function single(event, name) {
  if (name === "Esc") return run("back");
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return undefined;
  return waiting ? go(event, name) : plain(event, name);
}

function plain(event, name) {
  if (name === GO) return wait(event);
  // Enter on a link or a button is the browser's own.
  if (name === "Enter" && event.target.closest("a, button, summary")) return undefined;
  const button = document.querySelector(`[data-key="${CSS.escape(name)}"]`);
  if (button) {
    event.preventDefault();
    return button.click();
  }
  return byKey.has(name) ? done(event, byKey.get(name)) : undefined;
}

function wait(event) {
  event.preventDefault();
  root.dataset.keysPending = GO;
  waiting = setTimeout(settle, PATIENCE);
}

function settle() {
  clearTimeout(waiting);
  waiting = 0;
  delete root.dataset.keysPending;
}

function go(event, name) {
  settle();
  const link = goLinks().get(name);
  if (!link) return;
  event.preventDefault();
  link.click();
}

function done(event, act) {
  event.preventDefault();
  run(act);
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof Element && target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
}
