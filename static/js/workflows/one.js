/** One workflow: its charts, drawn anew in another theme. Everything else works without a script. */
import { drawCharts } from "../topology/charts.js";

const page = document.getElementById("workflow");
const draw = () => drawCharts(page, page.dataset.plotly).catch(() => {});

draw();
document.addEventListener("theme", draw);
