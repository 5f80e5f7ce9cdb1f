/** One message while its page is open: drawn anew when something of it changed, but never while somebody types. */
import { redraw, watchOne } from "../live/one.js";

const id = document.querySelector("[data-message]")?.dataset.message;

if (id) watchOne("messages", id, () => redraw("#message"), (row) => row);
