/** `?`: every key, from the one list. */
import { on } from "./actions.js";
import { allKeys } from "./keys.js";

const dialog = document.getElementById("key-help");
const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);
const CAPS = { Ctrl: isMac ? "⌘" : "Ctrl", Enter: "↵" };

on("help", () => {
  dialog.querySelector(".key-groups").replaceChildren(...groups().map(section));
  dialog.showModal();
});

/** @returns {[string, import("./keys.js").Key[]][]} */
function groups() {
  const found = new Map();
  for (const key of allKeys()) found.set(key.group, [...(found.get(key.group) ?? []), key]);
  return [...found];
}

function section([title, keys]) {
  const list = make("ul", ...keys.map(item));
  return make("section", make("h3", title), list);
}

function item(key) {
  const caps = make("span", ...key.keys.map((cap) => make("kbd", CAPS[cap] ?? cap)));
  caps.className = "keys";
  return make("li", make("span", key.does), caps);
}

function make(name, ...children) {
  const element = document.createElement(name);
  element.append(...children);
  return element;
}
