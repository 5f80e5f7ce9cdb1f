/** A span's details beside the waterfall. Which one is open stands in the address. */
const place = document.querySelector("[data-span-details]");
const root = document.querySelector("[data-trace]");
let asked = 0;

export const isOpen = () => Boolean(place.querySelector("[data-span]"));

/** @param {string} id */
export async function open(id) {
  const mine = (asked += 1);
  remember("span", id);
  place.setAttribute("aria-busy", "true");
  const text = await read(id);
  if (mine !== asked) return;
  place.removeAttribute("aria-busy");
  place.innerHTML = text;
}

async function read(id) {
  try {
    const answer = await fetch(`${root.dataset.page}/spans/${id}`, { headers: { "X-Requested-With": "fetch" } });
    if (answer.ok) return await answer.text();
    return state(answer.status === 404 ? "This span is gone: its day was dropped, or you may not see it any more." : `Postroom answered ${answer.status}. Choose the span again.`);
  } catch {
    return state("Postroom cannot be reached. Choose the span again when it is back.");
  }
}

const state = (sentence) => `<section class="panel" data-span><div class="state"><p>${sentence}</p></div></section>`;

export function close() {
  asked += 1;
  place.replaceChildren();
  remember("span", "");
}

/** Keep something in the address, so that a copied one shows the same. */
export function remember(name, value) {
  const url = new URL(location.href);
  if (value) url.searchParams.set(name, value);
  else url.searchParams.delete(name);
  history.replaceState(null, "", url);
}
