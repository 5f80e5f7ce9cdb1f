/** Find in a body that is shown as a tree: what fits is marked, what leads to it is open, the rest steps back. */
const tree = document.querySelector("[data-json-tree]");
const box = document.querySelector("[data-json-search]");
const field = box?.querySelector("input");
const said = box?.querySelector("[data-json-found]");
let place = 0;

if (tree && box) {
  box.hidden = false;
  field.addEventListener("input", find);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    show(place + (event.shiftKey ? -1 : 1));
  });
}

const hits = () => [...tree.querySelectorAll("[data-hit]")];

function find() {
  const wanted = field.value.trim().toLowerCase();
  for (const part of tree.querySelectorAll(".json-key, .json-value")) {
    part.toggleAttribute("data-hit", Boolean(wanted) && part.textContent.toLowerCase().includes(wanted));
  }
  for (const hit of hits()) openTo(hit);
  said.textContent = wanted ? `${hits().length.toLocaleString("en")} found` : "";
  show(0);
}

function openTo(part) {
  for (let node = part.parentElement?.closest("details"); node; node = node.parentElement?.closest("details")) node.open = true;
}

function show(next) {
  const found = hits();
  if (!found.length) return;
  place = (next + found.length) % found.length;
  for (const hit of found) hit.toggleAttribute("data-current", hit === found[place]);
  found[place].scrollIntoView({ block: "nearest" });
}
