/** The panel beside the graph: drawn by the server, fetched when a node is chosen, and again while it is open. */
import { drawCharts } from "./charts.js";

const AGAIN = 15_000;

export class Panel {
  #asking = null;
  #timer = 0;

  /**
   * @param {HTMLElement} element
   * @param {{url: string, plotly: string, choose: (id: string) => void}} how
   */
  constructor(element, how) {
    this.element = element;
    this.how = how;
    element.addEventListener("click", (event) => this.#clicked(event));
  }

  /** @param {string} id empty closes it */
  open(id) {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.element.hidden = !id;
    if (id) this.#fetch(id);
    else this.element.replaceChildren();
  }

  async #fetch(id) {
    this.#asking = new AbortController();
    const query = new URLSearchParams(location.search);
    query.set("node", id);
    try {
      const answer = await fetch(`${this.how.url}?${query}`, { signal: this.#asking.signal });
      this.#take(await answer.text(), answer.status);
      if (!query.has("at")) this.#timer = setTimeout(() => this.#fetch(id), AGAIN);
    } catch (problem) {
      if (problem.name !== "AbortError") this.#say("The figures cannot be fetched now.");
    }
  }

  #take(html, status) {
    if (status !== 200 && status !== 404) return this.#say(`Postroom answered ${status}.`);
    this.element.innerHTML = html;
    return drawCharts(this.element, this.how.plotly).catch((problem) => this.#note(problem.message));
  }

  #say(text) {
    const line = document.createElement("p");
    line.className = "state";
    line.textContent = text;
    this.element.replaceChildren(line);
  }

  #note(text) {
    const holder = this.element.querySelector("[data-figure]");
    if (holder) holder.textContent = text;
  }

  #clicked(event) {
    const link = event.target.closest("a[data-node], a[data-do-close]");
    if (!link || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    this.how.choose(link.dataset.node ?? "");
  }
}
