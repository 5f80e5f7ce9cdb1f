/**
 * Topics over one link: who follows what, what is held of it, and how fresh it is.
 *
 * @typedef {import("./rows.js").Frame} Frame
 * @typedef {import("./rows.js").Held} Held
 * @typedef {import("./rows.js").Op} Op
 * @typedef {import("./rows.js").Row} Row
 * @typedef {{state: "live" | "stale" | "reconnecting" | "refused", since: Date | null, reason: string}} Freshness
 * @typedef {object} Handlers all of them optional
 * @property {(rows: Map<string, Row>, frame: Frame) => void} [snapshot] everything anew
 * @property {(ops: Op[], rows: Map<string, Row>, frame: Frame) => void} [delta] what changed, and all rows after it
 * @property {(freshness: Freshness) => void} [state]
 * @typedef {{handlers: Set<Handlers>, held: Held | null, begun: Frame | null, last: Frame | null, asked: boolean,
 *   freshness: Freshness}} Followed
 */

import { Link } from "./link.js";
import { after, isWhole, joined } from "./rows.js";

/** @type {Freshness} */
const LIVE = { state: "live", since: null, reason: "" };

/** @type {Freshness} */
const CONNECTING = { state: "reconnecting", since: null, reason: "" };

export class Live extends EventTarget {
  /** @type {Map<string, Followed>} */
  #followed = new Map();
  /** @type {Freshness} */
  #freshness = CONNECTING;
  #hidden = false;

  /**
   * @param {string} url
   * @param {typeof WebSocket} [Socket]
   */
  constructor(url, Socket) {
    super();
    this.link = new Link(
      url,
      {
        opened: () => this.#opened(),
        received: (frame) => this.#received(frame),
        lost: (since) => this.#lost({ state: "reconnecting", since: new Date(since), reason: "" }),
        refused: (code, reason) => this.#lost({ state: "refused", since: new Date(), reason: reason || `${code}` }),
      },
      Socket,
    );
  }

  /** The worst of all: the page is live only when everything on it is. */
  get freshness() {
    return this.#freshness;
  }

  /**
   * Follow a topic. The handlers hear a snapshot first, at once when somebody on this page follows it already.
   *
   * @param {string} topic
   * @param {Handlers} handlers
   * @returns {() => void} ends it
   */
  subscribe(topic, handlers) {
    const followed = this.#followed.get(topic) ?? this.#follow(topic);
    followed.handlers.add(handlers);
    if (followed.held && followed.last) handlers.snapshot?.(followed.held.rows, followed.last);
    handlers.state?.(followed.freshness);
    return () => this.#leave(topic, handlers);
  }

  /** A hidden page shows nobody anything: it stops following, and begins with snapshots when it is seen again. */
  hide() {
    if (this.#hidden) return;
    this.#hidden = true;
    for (const topic of this.#followed.keys()) this.link.send({ type: "unsubscribe", topic });
  }

  show() {
    if (!this.#hidden) return;
    this.#hidden = false;
    if (this.link.open) this.#opened();
    else if (this.#followed.size && this.#freshness.state !== "refused") this.link.connect();
  }

  #follow(topic) {
    /** @type {Followed} */
    const followed = { handlers: new Set(), held: null, begun: null, last: null, asked: false, freshness: CONNECTING };
    this.#followed.set(topic, followed);
    if (!this.#hidden) this.link.send({ type: "subscribe", topic });
    if (this.#freshness.state !== "refused") this.link.connect();
    return followed;
  }

  #leave(topic, handlers) {
    const followed = this.#followed.get(topic);
    if (!followed?.handlers.delete(handlers) || followed.handlers.size) return;
    this.#followed.delete(topic);
    this.link.send({ type: "unsubscribe", topic });
    this.#announce();
  }

  #opened() {
    if (this.#hidden) return;
    for (const topic of this.#followed.keys()) this.link.send({ type: "subscribe", topic });
  }

  #received(frame) {
    const followed = this.#followed.get(frame.topic);
    if (!followed) return;
    if (frame.kind === "snapshot" || frame.kind === "delta") this.#take(followed, frame);
    else this.#judge(followed, freshnessOf(frame));
  }

  /**
   * @param {Followed} followed
   * @param {Frame} part
   */
  #take(followed, part) {
    const frame = joined(followed.begun, part);
    followed.begun = frame;
    if (!isWhole(frame)) return;
    const held = after(followed.held, frame);
    if (!held) return this.#ask(followed, frame.topic);
    followed.held = held;
    followed.asked = false;
    followed.last = frame;
    for (const each of followed.handlers) {
      if (frame.kind === "snapshot") each.snapshot?.(held.rows, frame);
      else each.delta?.(frame.ops, held.rows, frame);
    }
    if (followed.freshness.state === "reconnecting") this.#judge(followed, LIVE);
  }

  /** Once a gap: more deltas may come before the snapshot does. */
  #ask(followed, topic) {
    if (!followed.asked) this.link.send({ type: "snapshot", topic });
    followed.asked = true;
  }

  #lost(freshness) {
    for (const followed of this.#followed.values()) {
      followed.asked = false;
      // What was stale before the connection went has been stale for longer.
      const since = followed.freshness.since ?? freshness.since;
      this.#tell(followed, { ...freshness, since });
    }
    this.#announce(freshness);
  }

  #judge(followed, freshness) {
    this.#tell(followed, freshness);
    this.#announce();
  }

  #tell(followed, freshness) {
    followed.freshness = freshness;
    for (const each of followed.handlers) each.state?.(freshness);
  }

  /** @param {Freshness} [whole] */
  #announce(whole = worst([...this.#followed.values()].map((each) => each.freshness))) {
    this.#freshness = whole;
    this.dispatchEvent(new CustomEvent("state", { detail: whole }));
  }
}

/**
 * @param {{kind: string, since?: string, reason?: string}} frame of kind live, stale or refused
 * @returns {Freshness}
 */
function freshnessOf(frame) {
  if (frame.kind === "live") return LIVE;
  const state = frame.kind === "refused" ? "refused" : "stale";
  return { state, since: frame.since ? new Date(frame.since) : null, reason: frame.reason ?? "" };
}

/**
 * A refused topic is its own handlers' affair: it does not make the page stale.
 *
 * @param {Freshness[]} all
 * @returns {Freshness}
 */
function worst(all) {
  const reconnecting = all.find((each) => each.state === "reconnecting");
  const stale = all.filter((each) => each.state === "stale");
  stale.sort((one, other) => Number(one.since) - Number(other.since));
  return reconnecting ?? stale[0] ?? LIVE;
}
