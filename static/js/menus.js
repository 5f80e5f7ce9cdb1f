/** Menus are <details>: this closes them when the reader turns elsewhere, and makes Esc go back. */
import { on } from "./actions.js";

const open = () => [...document.querySelectorAll("details.menu[open]")];

document.addEventListener("click", (event) => {
  for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("focusin", (event) => {
  for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  if (!menu || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
  event.preventDefault();
  step(menu, event.key === "ArrowDown" ? 1 : -1);
});

function step(menu, by) {
  const items = [...menu.querySelectorAll(".menu-list :is(a, button)")];
  const at = items.indexOf(document.activeElement);
  items.at((at + by) % items.length)?.focus();
}

on("where", () => {
  const box = document.querySelector("[data-where]");
  box?.focus();
  box?.select();
});

// A dialog closes by itself on Esc.
on("back", () => {
  if (document.querySelector("dialog[open]")) return;
  const [menu] = open();
  if (menu) close(menu);
  else if (document.activeElement?.matches("input, textarea, select")) document.activeElement.blur();
  else if (!clearRow()) document.querySelector("a[data-back]")?.click();
});

function close(menu) {
  menu.open = false;
  menu.querySelector("summary")?.focus();
}

/** The first Esc leaves the row, the next one the page. */
function clearRow() {
  const row = document.querySelector("tr[aria-current=true]");
  row?.removeAttribute("aria-current");
  row?.blur();
  return row;
}
