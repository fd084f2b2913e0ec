// The report as one page: everything inside, nothing fetched, no text of the data able to become markup.
//
//   G1. The policy allows this style sheet and this script by their hashes and nothing else.
//   G2. Data stands in a JSON block whose `<` is escaped, so that no text ends the block.

// (The script is not called page.js: that is what this file becomes in dist.)

import { readFile } from "node:fs/promises";
import { visible } from "../../../../platform/text.ts";
import { amount, grouped, percent } from "../../../../platform/figures.ts";
import { documentOf, inline } from "../../../../platform/web/frame.ts";
import { Html, html } from "../../../../platform/web/html.ts";
import type { Report, ReportRow } from "./contract.ts";

/** Writes the page. It opens without a network, in light and dark, on a phone. */
export async function renderReport(report: Report): Promise<string> {
  const [look, charts] = await Promise.all(["./look.css", "./charts.js"].map((name) => readFile(new URL(name, import.meta.url), "utf8")));
  const style = inline("style", look);
  const script = inline("script", charts);
  const policy = [
    "default-src 'none'",
    `style-src ${style.source}`,
    `script-src ${script.source}`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  // To the letter what `http/pages/dashboard.ts` knows for ours; pages that were exported before say the same.
  const meta = new Html(`<meta http-equiv="Content-Security-Policy" content="${policy}">`);
  const { title, subtitle, tiles, facts } = report;
  const body = html`<header>
      <h1>${title}</h1>
      <p class="quiet">${subtitle}</p>
    </header>
    <main>
      <ul class="tiles">
        ${tiles.map(({ value, name }) => html`<li><b>${value}</b><span>${name}</span></li>`)}
      </ul>
      <noscript><p class="warn">The charts need the script of this page; the tables below do not.</p></noscript>
      <h2>All series together</h2>
      <div class="card">
        <div class="chart" id="total" tabindex="0" role="img" aria-label="Sum of all series: history, backtests and forecast"></div>
        ${legend(report)}
      </div>
      ${oneSeries(report)} ${accuracy(report)}
      <div class="two">${winners(report)} ${calibrated(report)}</div>
      ${notes(report)}
      <details>
        <summary>Settings and origins of this run</summary>
        <dl class="facts">
          ${facts.map(
            ([name, text]) =>
              html`<div>
                <dt>${name}</dt>
                <dd><code>${text}</code></dd>
              </div>`,
          )}
        </dl>
      </details>
    </main>
    ${dataOf(report)} ${script.element}`;
  return documentOf(title, [meta, html`<link rel="icon" href="data:," />`, style.element], body);
}

/** What the charts draw, as a JSON block (G2). */
function dataOf({ dates, split, horizon, levels, labels, total, series, calibration }: Report): Html {
  const named = series.map((one) => ({ ...one, name: visible(one.name) }));
  const data = JSON.stringify({ dates, split, horizon, levels, labels, total, series: named, calibration });
  return new Html(`<script type="application/json" id="data">${data.replaceAll("<", String.raw`\u003c`)}</script>`);
}

function legend({ labels, total }: Report): Html {
  const line = (name: string): Html => html`<svg viewBox="0 0 24 10" aria-hidden="true"><path class="${name}" d="M0 5H24" /></svg>`;
  const area = html`<svg viewBox="0 0 24 10" aria-hidden="true"><rect class="band" width="24" height="10" /></svg>`;
  return html`<ul class="legend">
    <li>${line("past")}sold</li>
    ${total.backtests.length > 0 && html`<li>${line("tried")}backtest: what would have been forecast</li>`}
    <li>${line("ahead")}forecast (mean)</li>
    ${labels.length > 1 && html`<li>${area}${labels[0]} to ${labels.at(-1)}</li>`}
  </ul>`;
}

function oneSeries({ series }: Report): Html | undefined {
  if (series.length === 0) return undefined;
  return html`<h2 id="one">One series at a time</h2>
    <div class="card small">
      <div class="pick">
        <button type="button" id="before" aria-label="Series before">‹</button>
        <select id="picker" aria-label="Series"></select>
        <button type="button" id="after" aria-label="Next series">›</button>
      </div>
      <div class="chart" id="series" tabindex="0" role="img"></div>
      <dl class="facts" id="facts"></dl>
    </div>`;
}

const columns = ["WAPE", "seasonal naive", "avg wQL", "MASE", "bias"];

const headOf = (names: readonly string[]): readonly Html[] => names.map((name) => html`<th class="n">${name}</th>`);

function rowCells(row: ReportRow): readonly Html[] {
  const cells = [amount(row.actual), percent(row.wape), percent(row.naiveWape), amount(row.wql), amount(row.mase), percent(row.bias)];
  return cells.map((cell) => html`<td class="n">${cell}</td>`);
}

const meter = (value: number, most: number): Html => html`<td class="bar"><meter min="0" max="${most}" value="${value}"></meter></td>`;

/** A table that scrolls within itself. */
const table = (head: Html, rows: readonly Html[]): Html =>
  html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;

function rowsTable(caption: string, rows: readonly ReportRow[]): Html | undefined {
  if (rows.length === 0) return undefined;
  const lines = rows.map(({ shown, name, ...row }) => {
    const cell = shown === undefined ? name : html`<button type="button" class="plain" data-series="${shown}">${name}</button>`;
    return html`<tr>
      <td>${cell}</td>
      ${rowCells({ name, ...row })}
    </tr>`;
  });
  return html`<div>
    <h3>${caption}</h3>
    ${table(
      html`<th>series</th>
        ${headOf(["sold", ...columns])}`,
      lines,
    )}
  </div>`;
}

function accuracy(report: Report): Html | undefined {
  if (report.worst.length === 0) return undefined;
  const categories = report.categories.map(({ name, rows, more }) => {
    const worst = Math.max(...rows.map((row) => row.wape ?? 0), 1e-9);
    const head = html`<th>${name}</th>
      <th class="n">series</th>
      <th>WAPE</th>
      ${headOf(["sold", ...columns])}`;
    const lines = rows.map(
      (row) =>
        html`<tr>
          <td>${row.name}</td>
          <td class="n">${grouped(row.series)}</td>
          ${meter(row.wape ?? 0, worst)}${rowCells(row)}
        </tr>`,
    );
    const rest = more > 0 && html`<p class="quiet">and ${grouped(more)} more, smaller ones</p>`;
    return html`<h3>By ${name}</h3>
      ${table(head, lines)} ${rest}`;
  });
  return html`<h2>Accuracy in the backtests</h2>
    <p class="quiet">
      WAPE: what was missed, as a share of what was sold. Seasonal naive: the WAPE of repeating the last season. wQL: the same for the
      quantiles. MASE below 1: better than repeating the last season. Bias above zero: the forecast was too low. Sold: within the backtest
      windows.
    </p>
    <div class="two">${rowsTable("Worst, by units missed", report.worst)} ${rowsTable("Best, among those that sell", report.best)}</div>
    ${categories}`;
}

function winners({ winners: models }: Report): Html | undefined {
  if (models.length === 0) return undefined;
  const most = Math.max(...models.map(({ leads }) => leads), 1e-9);
  const lines = models.map(
    ({ model, leads, weight }) =>
      html`<tr>
        <td>${model}</td>
        ${meter(leads, most)}
        <td class="n">${percent(leads)}</td>
        <td class="n">${percent(weight)}</td>
      </tr>`,
  );
  return html`<section>
    <h2>Which model won</h2>
    <p class="quiet">Share of series in which it has the largest weight, and its mean weight in the mix.</p>
    ${table(
      html`<th>model</th>
        <th></th>
        ${headOf(["leads", "weight"])}`,
      lines,
    )}
  </section>`;
}

function calibrated({ calibration, labels }: Report): Html | undefined {
  if (calibration.length === 0) return undefined;
  const text = calibration.map(({ observed }, i) => `${labels[i] ?? ""}: ${percent(observed)}`).join(", ");
  return html`<section>
    <h2>Do the quantiles keep their word?</h2>
    <p class="quiet">Share of backtest values at or below each quantile; on the dashed line it is as promised.</p>
    <div class="chart" id="calibration" role="img" aria-label="${text}"></div>
    <p class="quiet">${text}</p>
  </section>`;
}

function notes(report: Report): Html | undefined {
  if (report.notes.length === 0) return undefined;
  return html`<h2>Notes on the data</h2>
    <ul class="notes">
      ${report.notes.map((note) => html`<li>${note}</li>`)}
    </ul>`;
}
