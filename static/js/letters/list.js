/**
 * Choosing letters: the bar says what a press would take, "this page" ticks its rows, and a press with nothing chosen
 * takes the row that the keyboard is on. Without this, the ticks and the buttons work as a form.
 */
const bar = document.querySelector("[data-selection]");
const boxes = () => [...document.querySelectorAll("input[type=checkbox][form=letters-chosen]")];
const page = document.querySelector("[data-select-page]");
const matching = bar?.querySelector("[data-matching]");
const said = bar?.querySelector("[data-selected]");

const words = (ticked) => (ticked ? `${ticked.toLocaleString("en")} on this page` : "None chosen");

if (bar && page) {
  page.hidden = false;
  page.addEventListener("change", tickAll);
  document.addEventListener("change", show);
  bar.addEventListener("submit", take);
  show();
}

function tickAll() {
  for (const box of boxes()) {
    box.checked = page.checked;
    box.closest("tr").setAttribute("aria-selected", String(box.checked));
  }
}

function show() {
  const ticked = boxes().filter((box) => box.checked).length;
  page.checked = ticked > 0 && ticked === boxes().length;
  page.indeterminate = ticked > 0 && !page.checked;
  said.textContent = matching.checked ? "All that match" : words(ticked);
  bar.toggleAttribute("data-chosen", matching.checked || ticked > 0);
}

function take(event) {
  if (matching.checked || boxes().some((box) => box.checked)) return;
  const current = document.querySelector("tr[aria-current=true] input[type=checkbox][form=letters-chosen]");
  if (current) {
    current.checked = true;
    show();
  } else {
    event.preventDefault();
    said.textContent = "Choose some first: x ticks a row";
    boxes()[0]?.focus();
  }
}
