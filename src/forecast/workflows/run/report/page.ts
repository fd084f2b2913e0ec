// The report as one page: everything inside, nothing fetched, no text of the data able to become markup.
//
//   G1. The policy allows this style sheet and this script by their hashes and nothing else.
//   G2. Data stands in a JSON block whose `<` is escaped, so that no text ends the block.

// (The script is not called page.js: that is what this file becomes in dist.)

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { visible } from "../../../../platform/text.ts";
import { amount, grouped, percent } from "../../../../platform/figures.ts";
import { escape } from "../../../../platform/web/html.ts";
import type { Report, ReportRow } from "./contract.ts";

/** Text as markup that shows it, with nothing hidden in it. */
const safe = (text: string | number): string => escape(String(text));

const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Writes the page. It opens without a network, in light and dark, on a phone. */
export async function renderReport(report: Report): Promise<string> {
  const [style, script] = await Promise.all(["./look.css", "./charts.js"].map((name) => readFile(new URL(name, import.meta.url), "utf8")));
  const { dates, split, horizon, levels, labels, total, series, calibration } = report;
  const named = series.map((one) => ({ ...one, name: visible(one.name) }));
  const data = JSON.stringify({ dates, split, horizon, levels, labels, total, series: named, calibration }).replaceAll(
    "<",
    String.raw`\u003c`,
  );
  const policy = [
    "default-src 'none'",
    `style-src ${hashOf(style)}`,
    `script-src ${hashOf(script)}`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${safe(report.title)}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<header>
<h1>${safe(report.title)}</h1>
<p class="quiet">${safe(report.subtitle)}</p>
</header>
<main>
<ul class="tiles">${report.tiles.map(({ value, name }) => `<li><b>${safe(value)}</b><span>${safe(name)}</span></li>`).join("")}</ul>
<noscript><p class="warn">The charts need the script of this page; the tables below do not.</p></noscript>
<h2>All series together</h2>
<div class="card">
<div class="chart" id="total" tabindex="0" role="img" aria-label="Sum of all series: history, backtests and forecast"></div>
${legend(report)}
</div>
${oneSeries(report)}
${accuracy(report)}
<div class="two">
${winners(report)}
${calibrated(report)}
</div>
${notes(report)}
<details><summary>Settings and origins of this run</summary>
<dl class="facts">${report.facts.map(([name, text]) => `<div><dt>${safe(name)}</dt><dd><code>${safe(text)}</code></dd></div>`).join("")}</dl>
</details>
</main>
<script type="application/json" id="data">${data}</script>
<script>${script}</script>
</body>
</html>
`;
}

function legend({ labels, total }: Report): string {
  const line = (name: string): string => `<svg viewBox="0 0 24 10" aria-hidden="true"><path class="${name}" d="M0 5H24"/></svg>`;
  const area = `<svg viewBox="0 0 24 10" aria-hidden="true"><rect class="band" width="24" height="10"/></svg>`;
  const [lowest, highest] = [labels[0], labels[labels.length - 1]];
  return `<ul class="legend">
<li>${line("past")}sold</li>
${total.backtests.length > 0 ? `<li>${line("tried")}backtest: what would have been forecast</li>` : ""}
<li>${line("ahead")}forecast (mean)</li>
${labels.length > 1 ? `<li>${area}${safe(lowest)} to ${safe(highest)}</li>` : ""}
</ul>`;
}

function oneSeries({ series }: Report): string {
  if (series.length === 0) return "";
  return `<h2 id="one">One series at a time</h2>
<div class="card small">
<div class="pick"><button type="button" id="before" aria-label="Series before">‹</button>
<select id="picker" aria-label="Series"></select>
<button type="button" id="after" aria-label="Next series">›</button></div>
<div class="chart" id="series" tabindex="0" role="img"></div>
<dl class="facts" id="facts"></dl>
</div>`;
}

const columns = ["WAPE", "seasonal naive", "avg wQL", "MASE", "bias"];

function rowCells(row: ReportRow): string {
  const cells = [amount(row.actual), percent(row.wape), percent(row.naiveWape), amount(row.wql), amount(row.mase), percent(row.bias)];
  return cells.map((cell) => `<td class="n">${cell}</td>`).join("");
}

function rowsTable(caption: string, rows: readonly ReportRow[]): string {
  if (rows.length === 0) return "";
  const head = ["sold", ...columns].map((name) => `<th class="n">${name}</th>`).join("");
  const lines = rows.map((row) => {
    const name =
      row.shown === undefined
        ? safe(row.name)
        : `<button type="button" class="plain" data-series="${row.shown}">${safe(row.name)}</button>`;
    return `<tr><td>${name}</td>${rowCells(row)}</tr>`;
  });
  return `<div><h3>${caption}</h3><div class="scroll"><table><thead><tr><th>series</th>${head}</tr></thead><tbody>${lines.join("")}</tbody></table></div></div>`;
}

function accuracy(report: Report): string {
  if (report.worst.length === 0) return "";
  const categories = report.categories.map(({ name, rows, more }) => {
    const worst = Math.max(...rows.map((row) => row.wape ?? 0), 1e-9);
    const lines = rows.map(
      (row) =>
        `<tr><td>${safe(row.name)}</td><td class="n">${grouped(row.series)}</td><td class="bar"><meter min="0" max="${worst}" value="${row.wape ?? 0}"></meter></td>${rowCells(row)}</tr>`,
    );
    const rest = more > 0 ? `<p class="quiet">and ${grouped(more)} more, smaller ones</p>` : "";
    return `<h3>By ${safe(name)}</h3><div class="scroll"><table><thead><tr><th>${safe(name)}</th><th class="n">series</th><th>WAPE</th><th class="n">sold</th>${columns.map((column) => `<th class="n">${column}</th>`).join("")}</tr></thead><tbody>${lines.join("")}</tbody></table></div>${rest}`;
  });
  return `<h2>Accuracy in the backtests</h2>
<p class="quiet">WAPE: what was missed, as a share of what was sold. Seasonal naive: the WAPE of repeating the last season. wQL: the same for the quantiles. MASE below 1: better than repeating the last season. Bias above zero: the forecast was too low. Sold: within the backtest windows.</p>
<div class="two">${rowsTable("Worst, by units missed", report.worst)}${rowsTable("Best, among those that sell", report.best)}</div>
${categories.join("\n")}`;
}

function winners({ winners: models }: Report): string {
  if (models.length === 0) return "";
  const most = Math.max(...models.map(({ leads }) => leads), 1e-9);
  const lines = models.map(
    ({ model, leads, weight }) =>
      `<tr><td>${safe(model)}</td><td class="bar"><meter min="0" max="${most}" value="${leads}"></meter></td><td class="n">${percent(leads)}</td><td class="n">${percent(weight)}</td></tr>`,
  );
  return `<section><h2>Which model won</h2><p class="quiet">Share of series in which it has the largest weight, and its mean weight in the mix.</p><div class="scroll"><table><thead><tr><th>model</th><th></th><th class="n">leads</th><th class="n">weight</th></tr></thead><tbody>${lines.join("")}</tbody></table></div></section>`;
}

function calibrated({ calibration, labels }: Report): string {
  if (calibration.length === 0) return "";
  const text = calibration.map(({ observed }, i) => `${labels[i] ?? ""}: ${percent(observed)}`).join(", ");
  return `<section><h2>Do the quantiles keep their word?</h2><p class="quiet">Share of backtest values at or below each quantile; on the dashed line it is as promised.</p><div class="chart" id="calibration" role="img" aria-label="${safe(text)}"></div><p class="quiet">${safe(text)}</p></section>`;
}

function notes(report: Report): string {
  if (report.notes.length === 0) return "";
  return `<h2>Notes on the data</h2><ul class="notes">${report.notes.map((note) => `<li>${safe(note)}</li>`).join("")}</ul>`;
}
