/** A click copies: ids, lines of code, the page's address. */
import { on } from "./actions.js";
import { toast } from "./toasts.js";

const SHOWN = 1200;

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (button) copy(button.dataset.copy, button);
});

on("copy-address", () => copy(location.href));

async function copy(text, button) {
  try {
    await write(text);
  } catch {
    return toast("The browser does not let this page copy. Select the text instead.", "bad");
  }
  return button ? flash(button) : toast("Copied.", "ok");
}

/** The clipboard's own interface is there on https and on this machine only; elsewhere the old way still works. */
async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("refused");
  return undefined;
}

function flash(button) {
  button.classList.add("copied");
  announce("Copied.");
  setTimeout(() => button.classList.remove("copied"), SHOWN);
}

function announce(text) {
  const line = document.createElement("p");
  line.className = "unseen";
  line.textContent = text;
  document.getElementById("toasts")?.append(line);
  setTimeout(() => line.remove(), SHOWN);
}
