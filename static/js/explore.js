/* No mode bar: plotly would write a style element for it, which the policy forbids; double-click resets.
   Draws the interactive chart with the page's own colours; the plain chart below it needs none of this. */
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const place = document.getElementById("explore");
  const source = document.getElementById("explore-data");
  if (!place || !source) return;
  const figure = JSON.parse(source.textContent);
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const draw = () => {
    const axis = { gridcolor: token("--line"), zerolinecolor: token("--line-strong"), linecolor: token("--line"), automargin: true };
    const layout = {
      paper_bgcolor: token("--surface"), plot_bgcolor: token("--surface"), margin: { t: 8, r: 8, b: 8, l: 8 },
      font: { family: token("--font"), size: 13, color: token("--ink") }, hovermode: "x unified", hoverlabel: { bgcolor: token("--surface") },
      legend: { orientation: "h", y: 1.12 }, dragmode: "zoom",
      xaxis: { ...axis, range: figure.range, rangeselector: { bgcolor: token("--surface-2"), activecolor: token("--accent-soft"), y: 1.2, buttons: [
          { count: 1, step: "month", stepmode: "backward", label: figure.month }, { count: 3, step: "month", stepmode: "backward", label: figure.quarter }, { step: "all", label: figure.all }] } },
      yaxis: { ...axis, ticksuffix: figure.suffix, rangemode: "tozero" },
      shapes: figure.limit ? [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: figure.limit.y, y1: figure.limit.y, line: { color: token("--breach"), width: 1.5, dash: "dash" } }] : [],
      annotations: figure.limit ? [{ xref: "paper", x: 0, y: figure.limit.y, text: figure.limit.label, showarrow: false, xanchor: "left", yanchor: "bottom", font: { color: token("--breach"), size: 12 } }] : [],
    };
    const traces = figure.traces.map((trace, at) => ({ ...trace, type: "scatter", mode: "lines", connectgaps: false, line: { color: token("--series-" + (at % 7 + 1)), width: 2 } }));
    window.Plotly.react(place, traces, layout, { displayModeBar: false, responsive: true, scrollZoom: false });
  };

  // plotly carries a map library that writes a style element while it loads, which the policy forbids
  // and this chart does not need: while it loads, that element is an inert one.
  const create = document.createElement;
  document.createElement = (tag, ...rest) => create.call(document, tag === "style" ? "template" : tag, ...rest);
  const script = create.call(document, "script");
  script.src = place.dataset.plotly;
  script.addEventListener("load", () => {
    document.createElement = create;
    draw();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  });
  script.addEventListener("error", () => { document.createElement = create; place.hidden = true; });
  document.head.append(script);
});
