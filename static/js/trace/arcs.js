/** From whoever sent to whoever took it: a curve for each pair of which an end is in sight, over the rows. */
import { HEIGHT } from "./rows.js";

const SVG = "http://www.w3.org/2000/svg";
// More at once is a thicket: those of the chosen row are always among them.
const MOST = 150;

export class Arcs {
  /** @param {HTMLElement} view the element that scrolls; its rows lie in `.window-inner` */
  constructor(view) {
    this.view = view;
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("class", "trace-arcs");
    this.svg.setAttribute("aria-hidden", "true");
    view.querySelector(".window-inner").append(this.svg);
    this.due = false;
    view.addEventListener("scroll", () => this.soon(), { passive: true });
  }

  /** However many things change, arcs are drawn once for each picture that the screen shows. */
  soon() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => {
      this.due = false;
      if (this.drawing) this.#draw();
    });
  }

  /** @param {{trace: import("./model.js").Trace, scale: any, width: number}} drawing */
  show(drawing, current) {
    Object.assign(this, { drawing, current });
    this.soon();
  }

  #draw() {
    const { scrollTop, clientHeight, clientWidth } = this.view;
    const { width } = this.drawing;
    this.svg.style.transform = `translate(${clientWidth - width}px, ${scrollTop}px)`;
    this.svg.setAttribute("width", `${width}`);
    this.svg.setAttribute("height", `${clientHeight}`);
    const [first, last] = [scrollTop / HEIGHT - 1, (scrollTop + clientHeight) / HEIGHT];
    const seen = this.drawing.trace.arcs.filter(([from, to]) => this.#inSight(from, first, last) || this.#inSight(to, first, last));
    const own = seen.filter((arc) => arc.includes(this.current));
    const others = seen.filter((arc) => !arc.includes(this.current));
    this.svg.replaceChildren(...[...others.slice(0, MOST), ...own].map((arc) => this.#arc(arc, scrollTop)));
  }

  #inSight(row, first, last) {
    const place = this.drawing.trace.place(row);
    return place > first && place < last;
  }

  #arc([from, to], scrollTop) {
    const { trace, scale, width } = this.drawing;
    const y = (row) => (trace.place(row) + 0.5) * HEIGHT - scrollTop;
    const [x1, y1] = [scale.x(trace.at[from] + trace.took[from]) * width, y(from)];
    const [x2, y2] = [scale.x(trace.at[to]) * width, y(to)];
    const bend = Math.max(12, Math.min(60, Math.abs(x2 - x1) / 2));
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", `M${x1.toFixed(1)} ${y1.toFixed(1)}C${(x1 + bend).toFixed(1)} ${y1.toFixed(1)} ${(x2 - bend).toFixed(1)} ${y2.toFixed(1)} ${x2.toFixed(1)} ${y2.toFixed(1)}`);
    if (from === this.current || to === this.current) path.setAttribute("class", "near");
    return path;
  }
}
