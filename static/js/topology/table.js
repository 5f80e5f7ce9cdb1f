/** The table's page: the charts of its panel. Everything else works without a script. */
import { drawCharts } from "./charts.js";
import { submitOnChange } from "./bar.js";

const panel = document.querySelector(".topology-panel");
if (panel) drawCharts(panel, panel.dataset.plotly);
submitOnChange();
