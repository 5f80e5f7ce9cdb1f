/** What just happened, in a corner. A bad one stays until it is closed. */
import { on } from "./actions.js";

const SHOWN = 6000;
const corner = document.getElementById("toasts");
const template = document.getElementById("toast-template");

/**
 * @param {string} text
 * @param {"ok" | "warn" | "bad" | "info"} status
 */
export function toast(text, status = "info") {
  const element = template.content.firstElementChild.cloneNode(true);
  element.dataset.status = status;
  element.querySelector("p").textContent = text;
  corner.append(element);
  expire(element);
}

function expire(element) {
  if (element.dataset.status === "bad") return;
  setTimeout(() => (element.matches(":hover, :focus-within") ? expire(element) : element.remove()), SHOWN);
}

on("close-toast", (from) => from?.closest(".toast")?.remove());
corner?.querySelectorAll(".toast").forEach(expire);

// A response may say what it did: HX-Trigger: {"toast": {"text": …, "status": …}}.
document.addEventListener("toast", (event) => toast(event.detail.text, event.detail.status));
document.addEventListener("htmx:responseError", (event) => toast(`Postroom answered ${event.detail.xhr.status}. Nothing was changed on this page.`, "bad"));
document.addEventListener("htmx:sendError", () => toast("Postroom cannot be reached. Nothing was changed.", "bad"));
