/** Plotly, loaded where a chart is drawn and not before, and in the page's own colours. */

const CONFIG = { displayModeBar: false, responsive: true };
/** Plotly brings a style for maps, which the security policy refuses and nobody here needs: it looks for this id. */
const MAPS_STYLE = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53";
let loading = null;

/** @param {string} url */
function plotly(url) {
  loading ??= new Promise((done, failed) => {
    document.head.append(Object.assign(document.createElement("template"), { id: MAPS_STYLE }));
    const script = document.createElement("script");
    script.src = url;
    script.addEventListener("load", () => done(globalThis.Plotly));
    script.addEventListener("error", () => failed(new Error("Plotly could not be loaded.")));
    document.head.append(script);
  });
  return loading;
}

/**
 * Draw the figure that stands beside its place; without Plotly the figures above it still stand.
 *
 * @param {HTMLElement} panel
 * @param {string} url
 */
export async function drawCharts(panel, url) {
  const holder = panel.querySelector("[data-figure]");
  const source = panel.querySelector(`#${holder?.dataset.figure}`);
  if (!holder || !source || !url) return;
  const library = await plotly(url);
  if (!holder.isConnected) return;
  const figure = painted(JSON.parse(source.textContent), getComputedStyle(document.documentElement));
  holder.replaceChildren();
  // What Plotly draws takes no room of its own in the page.
  Object.assign(holder.style, { boxSizing: "content-box", height: `${figure.layout.height}px` });
  await library.newPlot(holder, figure.data, { ...figure.layout, ...paper() }, CONFIG);
}

function paper() {
  const colour = (name) => resolved(`var(--${name})`);
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: getComputedStyle(document.body).fontFamily, size: 11, color: colour("text-3") },
    hoverlabel: { bgcolor: colour("raised"), bordercolor: colour("line-strong"), font: { color: colour("text") } },
  };
}

/** Colours by name become what they are in this theme; axes get the theme's lines. */
function painted(figure) {
  const grid = resolved("var(--line)");
  for (const [name, axis] of Object.entries(figure.layout)) if (/^[xy]axis/.test(name)) Object.assign(axis, { gridcolor: grid, linecolor: grid });
  for (const { line } of figure.data) if (line) line.color = resolved(line.color);
  return figure;
}

const probe = document.createElement("i");
const pad = document.createElement("canvas").getContext("2d");

function resolved(colour) {
  document.body.append(probe);
  probe.style.color = colour;
  pad.fillStyle = getComputedStyle(probe).color;
  probe.remove();
  return pad.fillStyle;
}
