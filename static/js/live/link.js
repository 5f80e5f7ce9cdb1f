/**
 * One websocket that comes back by itself. It knows marks and close codes, and nothing of topics.
 */

import { wait } from "./backoff.js";

/** The server sends a mark every 5 s at least; silence for longer than this is a dead connection. */
const SILENCE = 12_000;

/** After these there is no use in trying again: sign in first, or ask for the right. */
const FINAL = new Set([4401, 4403, 4404]);

/** The server told us to slow down: start far along the backoff. */
const SLOW_DOWN = 4429;
const SLOW_ATTEMPT = 5;

/**
 * @typedef {object} Listener
 * @property {() => void} opened
 * @property {(frame: any) => void} received
 * @property {(since: number) => void} lost the connection is gone; nothing is known after `since`
 * @property {(code: number, reason: string) => void} refused for good
 */

export class Link {
  /** @type {WebSocket | null} */
  #socket = null;
  #attempt = 0;
  #heard = Date.now();
  #reason = "";
  #retry = 0;
  #watch = 0;

  /**
   * @param {string} url
   * @param {Listener} listener
   * @param {typeof WebSocket} Socket
   */
  constructor(url, listener, Socket = globalThis.WebSocket) {
    this.url = url;
    this.listener = listener;
    this.Socket = Socket;
  }

  get open() {
    return this.#socket?.readyState === this.Socket.OPEN;
  }

  /** Connect now, unless connected or on the way there. */
  connect() {
    if (this.#socket) return;
    clearTimeout(this.#retry);
    const socket = new this.Socket(this.url);
    this.#socket = socket;
    this.#reason = "";
    socket.onopen = () => this.#opened();
    socket.onmessage = (event) => this.#received(JSON.parse(event.data));
    socket.onclose = (event) => this.#gone(socket, event.code);
    this.#listen();
  }

  /** @param {object} message lost when there is no connection: what matters is sent again after `opened` */
  send(message) {
    if (this.open) this.#socket?.send(JSON.stringify(message));
  }

  #opened() {
    this.#heardNow();
    this.listener.opened();
  }

  #received(frame) {
    this.#heardNow();
    if (frame.kind === "mark") this.send({ type: "ack", mark: frame.mark });
    else if (frame.kind === "error") this.#reason = frame.reason;
    else this.#pass(frame);
  }

  /** Only what comes of a topic proves that coming back worked: an error may come before the close as well. */
  #pass(frame) {
    this.#attempt = 0;
    this.listener.received(frame);
  }

  #heardNow() {
    this.#heard = Date.now();
    this.#listen();
  }

  /** A half-open connection never closes by itself: give it up after a silence. */
  #listen() {
    clearTimeout(this.#watch);
    const socket = this.#socket;
    this.#watch = setTimeout(() => {
      socket?.close();
      this.#gone(socket, 1006);
    }, SILENCE);
  }

  /** The watch and the socket may both report one end; only the first counts. */
  #gone(socket, code) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    clearTimeout(this.#watch);
    if (FINAL.has(code)) return this.listener.refused(code, this.#reason);
    if (code === SLOW_DOWN) this.#attempt = Math.max(this.#attempt, SLOW_ATTEMPT);
    this.listener.lost(this.#heard);
    this.#retry = setTimeout(() => this.connect(), wait(this.#attempt++));
  }
}
