// Dashboard: the page a run exported, as it is, with the way to its tables and to former runs.
//
//   H1. The page's own policy goes into the header as well, if it is one of ours word for word: only what stands in it by hash may run.

import { moment } from "../../../platform/web/frame.ts";
import { href, html, type Html } from "../../../platform/web/html.ts";
import { bytesText, percent, grouped } from "../../../platform/figures.ts";
import type { ForecastRunRow } from "../../store/runs.ts";
import type { ExportRow } from "../reading.ts";
import { groupPath } from "./frame.ts";

const hash = "'sha256-[A-Za-z0-9+/=]{44}'";
const policyOfOurs = new RegExp(
  `<meta http-equiv="Content-Security-Policy" content="(default-src 'none'; style-src ${hash}; script-src ${hash}; img-src data:; base-uri 'none'; form-action 'none')"(?: /)?>`,
);

/** Headers for a dashboard's page; one that does not say our policy may run nothing. */
export function dashboardHeaders(markup: string): Readonly<Record<string, string>> {
  const policy = policyOfOurs.exec(markup)?.[1] ?? "default-src 'none'; base-uri 'none'; form-action 'none'";
  return { "content-type": "text/html; charset=utf-8", "content-security-policy": `${policy}; frame-ancestors 'none'` };
}

export interface DashboardShown {
  readonly run: ForecastRunRow;
  readonly runs: readonly ForecastRunRow[];
  readonly exports: readonly ExportRow[];
}

/** Puts the app's links into the exported page; its classes are the report's own. */
export function withLinks(markup: string, shown: DashboardShown): string {
  const begin = markup.indexOf("<body>") + "<body>".length;
  const end = markup.lastIndexOf("</main>");
  if (begin < "<body>".length || end < begin) return markup;
  return `${markup.slice(0, begin)}\n${linksAbove(shown).toString()}${markup.slice(begin, end)}${linksBelow(shown).toString()}${markup.slice(end)}`;
}

function linksAbove({ run, runs }: DashboardShown): Html {
  const isLatest = runs[0]?.id === run.id;
  return html`<nav class="quiet" aria-label="Pages">
    <p>
      <a href="/">Stockroom</a> · <a href="/forecast">Forecasts</a> · <b>${run.group}</b> ·
      <a href="${href(`${groupPath(run.group)}/figures`, { run: isLatest ? undefined : run.id })}">Drill down</a> ·
      <a href="${href("/forecast/-/adjustments", { group: run.group })}">Adjustments</a> ·
      <a href="${href("/forecast/-/scenarios", { group: run.group })}">What was asked</a> ·
      <a href="#exports">Exports</a>${isLatest ? "" : html` · a former forecast; <a href="${groupPath(run.group)}">the latest</a>`}
    </p>
  </nav> `;
}

function linksBelow({ run, runs, exports }: DashboardShown): Html {
  const months = exports.filter(({ name }) => name.startsWith("aggregated/"));
  const tables = exports.filter(({ name }) => !name.startsWith("aggregated/"));
  const link = ({ name, bytes }: ExportRow): Html =>
    html`<tr>
      <td>
        <a href="/api/forecast/runs/${encodeURIComponent(run.id)}/exports/${name.split("/").map(encodeURIComponent).join("/")}">${name}</a>
      </td>
      <td class="n">${bytesText(bytes)}</td>
    </tr> `;
  return html`<h2 id="exports">Exports</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>file</th>
            <th class="n">size</th>
          </tr>
        </thead>
        <tbody>
          ${tables.map(link)}
        </tbody>
      </table>
    </div>
    ${
      months.length > 0 &&
      html`<details>
        <summary>The aggregated view, ${grouped(months.length)} months (also: <code>stockroom sql</code>)</summary>
        <div class="scroll">
          <table>
            <tbody>
              ${months.toReversed().map(link)}
            </tbody>
          </table>
        </div>
      </details>`
    }
    <h2 id="runs">Forecasts of ${run.group}</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>forecast</th>
            <th>ready (UTC)</th>
            <th class="n">WAPE</th>
            <th class="n">seasonal naive's</th>
            <th>models</th>
          </tr>
        </thead>
        <tbody>
          ${runs.map((one) => {
            const [wape, naive] = [one.summary?.["wape"], one.summary?.["seasonalNaiveWape"]];
            return html`<tr>
              <td>
                ${one.id === run.id ? html`<b>${one.id}</b>` : html`<a href="${href(groupPath(run.group), { run: one.id })}">${one.id}</a>`}
              </td>
              <td>${one.endedAt !== undefined && moment(one.endedAt)}</td>
              <td class="n">${percent(typeof wape === "number" ? wape : null)}</td>
              <td class="n">${percent(typeof naive === "number" ? naive : null)}</td>
              <td>${one.reuses === undefined ? "trained" : html`of ${one.reuses}`}</td>
            </tr> `;
          })}
        </tbody>
      </table>
    </div> `;
}
