/** What may come next in a search, under its box: arrows choose, Enter or Tab takes, Escape leaves. */
const PATIENCE = 120;

for (const input of document.querySelectorAll("input[data-suggest]")) suggest(input);

function suggest(input) {
  const box = input.closest(".field").querySelector("[data-suggestions]");
  const state = { input, box, timer: 0, asked: 0, chosen: -1 };
  box.id ||= `${input.id}-suggestions`;
  box.setAttribute("role", "listbox");
  box.setAttribute("aria-label", "Suggestions");
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-controls", box.id);
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-expanded", "false");
  input.addEventListener("input", () => later(state));
  input.addEventListener("focus", () => later(state));
  input.addEventListener("blur", () => close(state));
  input.addEventListener("keydown", (event) => key(state, event));
  // Before the box loses the focus.
  box.addEventListener("pointerdown", (event) => {
    const item = event.target.closest("[role=option]");
    if (!item) return;
    event.preventDefault();
    take(state, item.dataset.text);
  });
}

function later(state) {
  clearTimeout(state.timer);
  state.timer = setTimeout(() => ask(state), PATIENCE);
}

async function ask(state) {
  const { input } = state;
  const mine = (state.asked += 1);
  const query = new URLSearchParams({ q: input.value, at: input.selectionStart ?? input.value.length, of: input.dataset.of });
  const found = await read(`${input.dataset.suggest}?${query}`);
  if (mine === state.asked && document.activeElement === input) show(state, found);
}

/** Without suggestions a search works as well: what fails here is not worth a word. */
async function read(url) {
  try {
    const answer = await fetch(url);
    return answer.ok ? (await answer.json()).results : [];
  } catch {
    return [];
  }
}

function show(state, found) {
  const { input, box } = state;
  state.chosen = -1;
  box.replaceChildren(...found.map((each, place) => option(box, each, place)));
  box.hidden = !found.length;
  input.setAttribute("aria-expanded", String(found.length > 0));
  input.removeAttribute("aria-activedescendant");
}

function option(box, { text, about }, place) {
  const item = document.createElement("li");
  const hint = document.createElement("span");
  item.id = `${box.id}-${place}`;
  item.setAttribute("role", "option");
  item.setAttribute("aria-selected", "false");
  item.dataset.text = text;
  item.textContent = text;
  hint.textContent = about;
  item.append(hint);
  return item;
}

function key(state, event) {
  if (state.box.hidden || event.isComposing) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") choose(state, event.key === "ArrowDown" ? 1 : -1);
  else if (event.key === "Escape") close(state);
  else if ((event.key === "Enter" || event.key === "Tab") && state.chosen >= 0) take(state, state.box.children[state.chosen].dataset.text);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function choose(state, by) {
  const items = [...state.box.children];
  state.chosen = (state.chosen + by + items.length + (state.chosen < 0 && by < 0 ? 1 : 0)) % items.length;
  items.forEach((item, place) => item.setAttribute("aria-selected", String(place === state.chosen)));
  const chosen = items[state.chosen];
  chosen.scrollIntoView({ block: "nearest" });
  state.input.setAttribute("aria-activedescendant", chosen.id);
}

/** Put a text in place of the term at the cursor. A name goes on with its value, a value ends the term. */
function take(state, text) {
  const { input } = state;
  const at = input.selectionStart ?? input.value.length;
  const before = input.value.slice(0, at).replace(/\S*$/, "");
  const after = input.value.slice(at).replace(/^\S*/, "");
  const ended = text.endsWith(":") ? text : `${text} `;
  input.value = before + ended + after.trimStart();
  const place = before.length + ended.length;
  input.setSelectionRange(place, place);
  close(state);
  if (text.endsWith(":")) later(state);
}

function close(state) {
  clearTimeout(state.timer);
  state.asked += 1;
  state.box.hidden = true;
  state.input.setAttribute("aria-expanded", "false");
  state.input.removeAttribute("aria-activedescendant");
}
