/** One agent while its page is open: drawn anew when something of it changed, but never while somebody types. */
import { redraw, watchOne } from "../live/one.js";

const id = document.querySelector("[data-agent]")?.dataset.agent;
const isBusy = () => document.querySelector("#agent")?.contains(document.activeElement) && document.activeElement.matches("input, summary");
/** A heartbeat alone changes no more than when it was seen last. */
const withoutBeats = (row) => row && { ...row, last_seen: "" };

if (id) watchOne("agents", id, () => isBusy() || redraw("#agent"), withoutBeats);
