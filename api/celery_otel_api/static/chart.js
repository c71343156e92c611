// Charts of the last hour, drawn as SVG.

import { byId, make, say } from "./dom.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const WIDTH = 320;
const HEIGHT = 110;
const LEFT = 40;
const BOTTOM = 18;
const TOP = 8;

/** What has a meaning has its colour, whatever else is drawn; the others go by their order. */
const MEANINGS = { success: 2, retry: 1, failure: 3, revoked: 4, rejected: 6, ignored: 7 };
const colourOf = (series, index) => `c${MEANINGS[series.label] ?? index}`;

function svg(tag, attributes, text) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/** A figure of a chart, as `/charts` describes it. */
function figureOf(chart, { start, end }) {
  const figure = make("figure", {}, make("figcaption", {}, `${chart.title} `, make("span", { className: "faint" }, chart.unit)));
  if (chart.series.length === 0) {
    figure.append(make("p", { className: "empty" }, "No data in the last hour."));
    return figure;
  }
  const top = niceTop(highest(chart.series));
  const place = {
    x: (time) => LEFT + ((time - start) / (end - start)) * (WIDTH - LEFT),
    y: (value) => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM),
  };
  figure.append(drawing(chart, place, top, { start, end }), legend(chart));
  return figure;
}

function drawing(chart, place, top, { start, end }) {
  const said = chart.series.map((one) => `${one.label} ${number(last(one))}`).join(", ");
  const image = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${chart.title}, ${chart.unit}: now ${said}` });
  for (const value of [0, top / 2, top]) {
    const y = place.y(value);
    image.append(svg("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y, y2: y }));
    image.append(svg("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, number(value)));
  }
  for (const [time, anchor] of [[start, "start"], [(start + end) / 2, "middle"], [end, "end"]]) {
    image.append(svg("text", { x: place.x(time), y: HEIGHT - 3, "text-anchor": anchor }, clock(time)));
  }
  chart.series.forEach((one, index) => image.append(svg("path", { class: colourOf(one, index), d: pathOf(one.points, place) })));
  return image;
}

/** The path of a line; where there is no value there is a gap. A point between two gaps is drawn as a dot. */
function pathOf(points, place) {
  let path = "";
  let open = false;
  for (const [time, value] of points) {
    if (value !== null) path += `${open ? "L" : "M"}${place.x(time).toFixed(1)} ${place.y(value).toFixed(1)}${open ? "" : "h.1"}`;
    open = value !== null;
  }
  return path;
}

function legend(chart) {
  const items = chart.series.map((one, index) => {
    const key = svg("svg", { viewBox: "0 0 22 8", "aria-hidden": "true" });
    key.append(svg("path", { class: colourOf(one, index), d: "M0 4H22" }));
    return make("li", {}, key, `${one.label} `, make("span", { className: "faint" }, number(last(one))));
  });
  return make("ul", {}, ...items);
}

function last(series) {
  return series.points.findLast(([, value]) => value !== null)?.[1] ?? null;
}

function highest(series) {
  return Math.max(...series.flatMap((one) => one.points.map(([, value]) => value ?? 0)));
}

/** The next of 1, 2, 5 times a power of ten. */
function niceTop(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}

function number(value) {
  if (value === null) return "–";
  if (value !== 0 && Math.abs(value) < 0.01) return value.toExponential(0);
  return new Intl.NumberFormat("en", { maximumSignificantDigits: 3, notation: value >= 10000 ? "compact" : "standard" }).format(value);
}

function clock(time) {
  return new Date(time * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
}

/** Shows the answer of `/charts`. */
export function showCharts({ status, body }) {
  const reason = status === 200 ? body.reason : `Not known. ${body.detail ?? ""}`;
  byId("charts-empty").hidden = reason === "";
  say(byId("charts-empty"), reason);
  byId("charts").replaceChildren(...(reason ? [] : body.charts.map((chart) => figureOf(chart, body))));
}
