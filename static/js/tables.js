/** Rows by keyboard: j and k move, Enter opens, x selects, r redrives, `.` shows what can be done. */
import { on, run } from "./actions.js";

const rows = () => [...document.querySelectorAll("table[data-rows] > tbody > tr")].filter((row) => row.offsetParent);
const current = () => document.querySelector("tr[aria-current=true]");

on("row-next", () => move(1));
on("row-before", () => move(-1));
on("row-open", () => current()?.querySelector(".row-link")?.click());
on("row-select", () => current()?.querySelector("input[type=checkbox]")?.click());
on("row-redrive", () => current()?.querySelector("[data-row-redrive]")?.click());
on("row-actions", () => {
  const menu = current()?.querySelector("details.menu > summary");
  if (menu) open(menu);
  else run("palette");
});

function move(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(current());
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1);
  go(all[next]);
}

function go(row) {
  current()?.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
  row.tabIndex = -1;
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function open(summary) {
  summary.parentElement.open = true;
  summary.parentElement.querySelector(".menu-list :is(a, button)")?.focus();
}

document.addEventListener("change", (event) => {
  if (!event.target.matches("table[data-rows] input[type=checkbox]")) return;
  event.target.closest("tr")?.setAttribute("aria-selected", String(event.target.checked));
});
