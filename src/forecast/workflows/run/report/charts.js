// The script of the report: draws what page.ts embedded. Runs in the reader's browser, without a network.
//
// Every text is set as textContent or as an attribute value, so that no name of an item becomes markup.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
/** What each chart does on a pointer or a key, as it is drawn now. */
const hearers = new Map();
const svgNames = "http://www.w3.org/2000/svg";
const number = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 4 });
const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const say = (value) =>
  value === null || value === undefined ? "–" : Math.abs(value) >= 10000 ? whole.format(value) : number.format(value);
const percent = (value, digits = 1) =>
  value === null || value === undefined ? "–" : `${(100 * value).toFixed(digits)} %`.replace("-", "−");

function draw(parent, name, attributes) {
  const element = document.createElementNS(svgNames, name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  parent.append(element);
  return element;
}

/** Round steps that lie in [from, to]. */
function ticksOf(from, to, wanted) {
  const rough = (to - from) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough;
  const ticks = [];
  for (let at = Math.ceil(from / step) * step; at <= to + step * 1e-9; at += step) ticks.push(at);
  return ticks;
}

const short = (value) => {
  const size = Math.abs(value);
  if (size >= 1e9) return `${number.format(value / 1e9)} bn`;
  if (size >= 1e6) return `${number.format(value / 1e6)} m`;
  if (size >= 1e4) return `${number.format(value / 1e3)} k`;
  return number.format(value);
};

/** Instants at which a year, month or day begins, as many as there is room for. */
function dateTicks(from, to, room) {
  const labels = data.dates;
  const bucket = {
    year: (text) => text.slice(0, 4),
    month: (text) => text.slice(0, 7),
    day: (text) => text.slice(0, 10),
    all: (text) => text,
  };
  for (const kind of ["all", "day", "month", "year"]) {
    const starts = [];
    for (let i = from; i <= to; i++) if (i > from && bucket[kind](labels[i]) !== bucket[kind](labels[i - 1])) starts.push(i);
    if (kind !== "year" && starts.length > room * (kind === "month" ? 12 : 1)) continue;
    const every = Math.max(1, Math.ceil(starts.length / room));
    const kept = starts.filter((at) => {
      if (kind !== "month") return starts.indexOf(at) % every === 0;
      const rounded = [1, 2, 3, 6, 12].find((step) => step >= every) ?? 12;
      return (Number(labels[at].slice(5, 7)) - 1) % rounded === 0;
    });
    if (kept.length > 0)
      return kept.map((at) => ({ at, text: kind === "all" ? labels[at].replace(" 00:00:00", "") : bucket[kind](labels[at]) }));
  }
  return [{ at: from, text: labels[from] }];
}

/** A line through the known values; a value alone between gaps is a dot. */
function line(parent, values, first, x, y, name) {
  let path = "";
  let open = false;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === null) {
      open = false;
      continue;
    }
    const alone = !open && (i + 1 >= values.length || values[i + 1] === null);
    if (alone) draw(parent, "circle", { class: "dot", cx: x(first + i), cy: y(value), r: 1.8 });
    path += `${open ? "L" : "M"}${x(first + i).toFixed(1)} ${y(value).toFixed(1)}`;
    open = true;
  }
  draw(parent, "path", { class: name, d: path });
}

function band(parent, low, high, first, x, y, name) {
  if (low.length === 0) return;
  const up = high.map((value, i) => `${x(first + i).toFixed(1)} ${y(value).toFixed(1)}`);
  const down = low.map((value, i) => `${x(first + i).toFixed(1)} ${y(value).toFixed(1)}`).toReversed();
  draw(parent, "path", { class: name, d: `M${up.join("L")}L${down.join("L")}Z` });
}

/** Pairs of levels around the middle, the widest first. */
const pairs = data.levels.map((level, i) => [i, data.levels.length - 1 - i]).filter(([low, high]) => low < high);

/**
 * Draws one history with its backtests and its fan, and tells the values under the pointer or the arrow keys.
 * `series`: { first, history, mean, quantiles, backtests: [{ at, mean, quantiles }], name }; `first` and `at` are indices into data.dates.
 */
function drawSeries(box, series) {
  const wide = box.clientWidth;
  const high = box.clientHeight;
  box.replaceChildren();
  if (wide === 0) return;
  const svg = draw(box, "svg", { viewBox: `0 0 ${wide} ${high}`, "aria-hidden": "true" });
  const end = data.split + data.horizon - 1;
  const from = Math.min(series.first, data.split - 1);
  const all = [
    ...series.history,
    ...series.mean,
    ...(series.quantiles.at(-1) ?? []),
    ...(series.quantiles[0] ?? []),
    ...series.backtests.flatMap((test) => test.mean),
  ].filter((value) => value !== null);
  const least = Math.min(0, ...all);
  // A backtest's quantiles may lie far out; they may take some room, not all of it.
  const tried = series.backtests.flatMap((test) => test.quantiles?.at(-1) ?? []);
  const seen = Math.max(...all, least + 1e-12);
  const most = Math.min(Math.max(seen, ...tried), least + 1.3 * (seen - least));
  const left = 3.4 * 12 + 6;
  const x = (at) => left + ((at - from) / Math.max(1, end - from)) * (wide - left - 10);
  const y = (value) => 8 + (1 - (value - least) / (most - least)) * (high - 36);
  for (const value of ticksOf(least, most, Math.max(2, high / 60))) {
    draw(svg, "line", { class: value === 0 ? "base" : "grid", x1: left, x2: wide - 10, y1: y(value), y2: y(value) });
    draw(svg, "text", { class: "tick", x: left - 6, y: y(value) + 4, "text-anchor": "end" }).textContent = short(value);
  }
  for (const { at, text } of dateTicks(from, end, Math.max(2, Math.floor((wide - left) / 76)))) {
    draw(svg, "line", { class: "grid", x1: x(at), x2: x(at), y1: high - 28, y2: high - 23 });
    draw(svg, "text", { class: "tick", x: Math.min(x(at), wide - 34), y: high - 10, "text-anchor": "middle" }).textContent = text;
  }
  const clip = draw(svg, "clipPath", { id: `${box.id}-clip` });
  draw(clip, "rect", { x: left, y: 0, width: wide - left, height: high - 26 });
  const inside = draw(svg, "g", { "clip-path": `url(#${clip.id})` });
  for (const test of series.backtests)
    draw(svg, "line", { class: "cut", x1: x(test.at - 0.5), x2: x(test.at - 0.5), y1: 8, y2: high - 28 });
  draw(svg, "line", { class: "cut", x1: x(data.split - 0.5), x2: x(data.split - 0.5), y1: 8, y2: high - 28 });
  for (const [low, top] of pairs) band(inside, series.quantiles[low] ?? [], series.quantiles[top] ?? [], data.split, x, y, "band");
  for (const test of series.backtests) {
    const [low, top] = pairs[0] ?? [];
    if (low !== undefined && test.quantiles)
      band(inside, test.quantiles[low] ?? [], test.quantiles[top] ?? [], test.at, x, y, "tried-band");
  }
  line(inside, series.history, series.first, x, y, "past");
  for (const test of series.backtests) line(inside, test.mean, test.at, x, y, "tried");
  line(inside, series.mean, data.split, x, y, "ahead");
  tell(box, svg, series, { x, from, end, high, wide });
}

function tell(box, svg, series, { x, from, end, high, wide }) {
  const cross = draw(svg, "line", { class: "cross", y1: 8, y2: high - 28, visibility: "hidden" });
  const said = document.createElement("div");
  said.className = "said";
  said.hidden = true;
  box.append(said);
  let now = data.split;
  const show = (wanted) => {
    const at = Math.max(from, Math.min(end, wanted));
    now = at;
    const lines = [data.dates[at]];
    const past = series.history[at - series.first];
    if (past !== undefined && past !== null) lines.push(`sold ${say(past)}`);
    for (const test of series.backtests) {
      const value = test.mean[at - test.at];
      if (value !== undefined) lines.push(`backtest ${say(value)}`);
    }
    const ahead = at - data.split;
    if (ahead >= 0) {
      lines.push(`mean ${say(series.mean[ahead])}`);
      for (let i = data.levels.length - 1; i >= 0; i--) lines.push(`${data.labels[i]} ${say(series.quantiles[i]?.[ahead])}`);
    }
    said.textContent = lines.join("\n");
    said.hidden = false;
    const place = x(at);
    cross.setAttribute("x1", place);
    cross.setAttribute("x2", place);
    cross.setAttribute("visibility", "visible");
    const after = place < wide / 2;
    said.style.left = after ? `${place + 12}px` : "auto";
    said.style.right = after ? "auto" : `${wide - place + 12}px`;
  };
  const hide = () => {
    said.hidden = true;
    cross.setAttribute("visibility", "hidden");
  };
  hearers.set(box, {
    pointermove: (event) => {
      const inside = event.clientX - box.getBoundingClientRect().left;
      const share = (inside - x(from)) / Math.max(1, x(end) - x(from));
      show(Math.round(from + share * (end - from)));
    },
    pointerleave: hide,
    blur: hide,
    keydown: (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
      if (move === undefined) return;
      event.preventDefault();
      show(said.hidden ? data.split : now + move);
    },
  });
}

/** Promised against observed shares: on the diagonal every quantile keeps its word. */
function drawCalibration(box) {
  const wide = box.clientWidth;
  const high = box.clientHeight;
  box.replaceChildren();
  if (wide === 0) return;
  const svg = draw(box, "svg", { viewBox: `0 0 ${wide} ${high}`, "aria-hidden": "true" });
  const side = Math.min(wide - 60, high - 50);
  const x = (share) => 46 + share * side;
  const y = (share) => 10 + (1 - share) * side;
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    draw(svg, "line", { class: "grid", x1: x(0), x2: x(1), y1: y(share), y2: y(share) });
    draw(svg, "line", { class: "grid", x1: x(share), x2: x(share), y1: y(0), y2: y(1) });
    draw(svg, "text", { class: "tick", x: x(0) - 6, y: y(share) + 4, "text-anchor": "end" }).textContent = percent(share, 0);
    draw(svg, "text", { class: "tick", x: x(share), y: y(0) + 17, "text-anchor": "middle" }).textContent = percent(share, 0);
  }
  draw(svg, "text", { class: "tick", x: x(0.5), y: y(0) + 34, "text-anchor": "middle" }).textContent = "promised";
  draw(svg, "line", { class: "ideal", x1: x(0), y1: y(0), x2: x(1), y2: y(1) });
  const points = data.calibration.map(({ level, observed }) => `${x(level).toFixed(1)} ${y(observed).toFixed(1)}`);
  draw(svg, "path", { class: "ahead", d: `M${points.join("L")}` });
  for (const { level, observed } of data.calibration) draw(svg, "circle", { class: "dot", cx: x(level), cy: y(observed), r: 3.5 });
}

const totalBox = document.getElementById("total");
const seriesBox = document.getElementById("series");
const picker = document.getElementById("picker");
const facts = document.getElementById("facts");
const calibrationBox = document.getElementById("calibration");

function showFacts(series) {
  facts.replaceChildren();
  const { metrics } = series;
  const rows = [
    ["Model", series.models],
    ["WAPE", percent(metrics.wape)],
    ["WAPE of the seasonal naive", percent(metrics.naiveWape)],
    ["Average wQL", metrics.wql === null ? "–" : number.format(metrics.wql)],
    ["MASE", metrics.mase === null ? "–" : number.format(metrics.mase)],
    ["Bias", percent(metrics.bias)],
    ...series.about,
  ];
  for (const [name, text] of rows) {
    const row = document.createElement("div");
    const term = document.createElement("dt");
    const value = document.createElement("dd");
    term.textContent = name;
    value.textContent = text;
    row.append(term, value);
    facts.append(row);
  }
}

function showSeries(index) {
  const series = data.series[index];
  if (series === undefined || seriesBox === null) return;
  picker.value = String(index);
  seriesBox.setAttribute("aria-label", `${series.name}: history, backtests and forecast`);
  drawSeries(seriesBox, series);
  showFacts(series);
}

function drawAll() {
  if (totalBox !== null) drawSeries(totalBox, data.total);
  if (picker !== null) showSeries(Number(picker.value));
  if (calibrationBox !== null && data.calibration.length > 0) drawCalibration(calibrationBox);
}

if (picker !== null) {
  const groups = new Map();
  data.series.forEach((series, index) => {
    if (!groups.has(series.group)) {
      const group = document.createElement("optgroup");
      group.label = series.group;
      picker.append(group);
      groups.set(series.group, group);
    }
    const option = document.createElement("option");
    option.value = String(index);
    option.textContent = series.name;
    groups.get(series.group).append(option);
  });
  picker.addEventListener("change", () => showSeries(Number(picker.value)));
  const move = (by) => () => showSeries((Number(picker.value) + by + data.series.length) % data.series.length);
  document.getElementById("before").addEventListener("click", move(-1));
  document.getElementById("after").addEventListener("click", move(1));
  for (const button of document.querySelectorAll("button[data-series]")) {
    button.addEventListener("click", () => {
      showSeries(Number(button.dataset.series));
      document.getElementById("one").scrollIntoView({ behavior: "smooth" });
    });
  }
}
for (const box of [totalBox, seriesBox]) {
  for (const kind of ["pointermove", "pointerleave", "blur", "keydown"])
    box?.addEventListener(kind, (event) => hearers.get(box)?.[kind](event));
}
let waiting;
addEventListener("resize", () => {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(drawAll);
});
addEventListener("beforeprint", drawAll);
drawAll();
