/** What can be done by a button (`data-do="name"`), by a key and from the palette: one name, one function. */

/** @type {Map<string, (from?: HTMLElement) => void>} */
const actions = new Map();

/**
 * @param {string} name
 * @param {(from?: HTMLElement) => void} act
 */
export function on(name, act) {
  actions.set(name, act);
}

/**
 * @param {string} name
 * @param {HTMLElement} [from]
 */
export function run(name, from) {
  actions.get(name)?.(from);
}

document.addEventListener("click", (event) => {
  const from = event.target.closest?.("[data-do]");
  if (from) run(from.dataset.do, from);
});

on("close-dialog", (from) => from?.closest("dialog")?.close());
on("sign-out", () => document.querySelector('form[action$="/sign-out"]')?.requestSubmit());
