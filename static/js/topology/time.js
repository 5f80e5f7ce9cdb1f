/** The slider: now, or a moment of the past, which is asked of the API. */
import { change, given } from "./address.js";
import { exact } from "../times.js";

const MINUTE = 60_000;
const PATIENCE = 120;

export class Time {
  #asking = null;
  #timer = 0;

  /**
   * @param {HTMLElement} element
   * @param {{api: string, past: (rows: Record<string, any>[]) => void, now: () => void, failed: (text: string) => void}} how
   */
  constructor(element, how) {
    this.slider = element.querySelector("input");
    this.word = element.querySelector(".topology-moment");
    this.how = how;
    this.slider.addEventListener("input", () => this.#moved());
  }

  /** As the address says. */
  begin() {
    const at = Date.parse(given("at"));
    if (!Number.isNaN(at)) this.#go(at);
    this.#write(at);
  }

  get isPast() {
    return Boolean(given("at"));
  }

  #moved() {
    const back = Number(this.slider.value);
    if (!back) return this.now();
    const at = Math.floor(Date.now() / MINUTE) * MINUTE + back * MINUTE;
    change({ at: new Date(at).toISOString().replace(":00.000Z", "Z") });
    this.#write(at);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(at), PATIENCE);
  }

  #go(at) {
    const back = Math.round((at - Date.now()) / MINUTE);
    this.slider.min = `${Math.min(Number(this.slider.min), back)}`;
    this.slider.value = `${back}`;
    this.#ask(at);
  }

  now() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.slider.value = "0";
    change({ at: "" });
    this.#write(NaN);
    this.how.now();
  }

  #write(at) {
    const text = Number.isNaN(at) ? "live, the last 5 min" : `5 min up to ${exact(new Date(at)).slice(5, 16)} UTC`;
    if (this.word.textContent !== text) this.word.textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
    document.documentElement.toggleAttribute("data-past", !Number.isNaN(at));
  }

  async #ask(at) {
    this.#asking?.abort();
    this.#asking = new AbortController();
    const query = new URLSearchParams({ until: new Date(at).toISOString(), environment: given("environment") });
    const all = ["true", "false"].map((queues) => this.#fetch(`${this.how.api}?${query}&queues=${queues}`));
    try {
      this.how.past(joined(await Promise.all(all)));
    } catch (problem) {
      if (problem.name !== "AbortError") this.how.failed(problem.message);
    }
  }

  async #fetch(url) {
    const answer = await fetch(url, { signal: this.#asking.signal, headers: { Accept: "application/json" } });
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.detail ?? `Postroom answered ${answer.status}.`);
    return body;
  }
}

/** With and without queues together hold every row that live has. */
function joined(graphs) {
  const rows = new Map(graphs.flatMap((graph) => [...graph.nodes, ...graph.edges]).map((row) => [row.id, row]));
  return [...rows.values()];
}
