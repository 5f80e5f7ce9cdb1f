/** A trace as the server sent it, with what the view asks of it. dashboard/charts/waterfall.py writes the columns. */
export const ERROR = 1;
export const ORPHAN = 2;
export const LINKS = 4;
export const TICK_ERROR = 2;
export const TICK_LOG = 4;
const ID = 16;

export class Trace {
  constructor(data) {
    const { name, ...rest } = data;
    Object.assign(this, rest);
    this.nameOf = name;
    this.count = data.at.length;
    this.noteOf = new Map(data.notes);
    this.ghostOf = new Map(data.ghosts.filter(([, , , elsewhere]) => !elsewhere).map((ghost) => [ghost[0], ghost]));
    this.pathOf = grouped(data.path);
    this.ticksOf = grouped(data.ticks);
    // Something is missing: the line of time goes on to now, as one more pause.
    this.until = this.ghostOf.size ? this.now : this.end;
    this.folds = this.ghostOf.size && this.now > this.end ? [...data.pauses, [this.end, this.now]] : data.pauses;
    this.order = null;
  }

  id(row) {
    return this.ids.slice(row * ID, row * ID + ID);
  }

  rowOf(id) {
    for (let row = 0; row < this.count; row += 1) if (this.id(row) === id) return row;
    return -1;
  }

  name(row) {
    return this.names[this.nameOf[row]];
  }

  /** Rows in the order in which they are shown: by cause as the server sent them, or by agent and then by time. */
  arrange(how) {
    if (how !== "lanes") this.order = null;
    else this.order = Uint32Array.from(this.at.keys()).sort((a, b) => this.lane[a] - this.lane[b] || this.at[a] - this.at[b]);
    this.placeOf = null;
  }

  row(place) {
    return this.order ? this.order[place] : place;
  }

  place(row) {
    if (!this.order) return row;
    if (!this.placeOf) {
      this.placeOf = new Uint32Array(this.count);
      this.order.forEach((each, place) => (this.placeOf[each] = place));
    }
    return this.placeOf[row];
  }
}

/** [[row, …], …] by row. */
function grouped(list) {
  const found = new Map();
  for (const each of list) {
    const before = found.get(each[0]);
    if (before) before.push(each);
    else found.set(each[0], [each]);
  }
  return found;
}
