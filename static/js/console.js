/** The console's behaviours, one module each. Pages work without them. */
import "./theme.js";
import "./keys.js";
import "./menus.js";
import "./help.js";
import "./palette.js";
import "./tables.js";
import "./times.js";
import "./copy.js";
import "./toasts.js";
import "./connection.js";
import "./figures.js";
import "./saved.js";
