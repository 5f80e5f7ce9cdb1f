/** One alert while its page is open: drawn anew when something of it changed, but not while somebody reads attempts. */
import { redraw, watchOne } from "../live/one.js";

const id = document.querySelector("[data-alert]")?.dataset.alert;
const isBusy = () => Boolean(document.querySelector("#alert details[open], #alert :focus-visible"));

if (id) watchOne("alerts", id, () => isBusy() || redraw("#alert"));
