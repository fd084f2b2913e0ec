// Overview: every line with its champion and what waits for people, and the periods with their reports.

import type { LineRow } from "../../store/lines.ts";
import { moment } from "../../../platform/web/frame.ts";
import { href, html, type Html } from "../../../platform/web/html.ts";
import { percent, grouped } from "../../../platform/figures.ts";

export interface Overview {
  readonly lines: readonly LineRow[];
  readonly periods: readonly { readonly period: string; readonly countries: number; readonly items: number }[];
  /** Countries with a report, by period. */
  readonly reported: readonly { readonly period: string; readonly country: string }[];
  readonly reviews: readonly { readonly line: string; readonly kind: string; readonly state: string; readonly count: number }[];
}

/** Pure. */
export function overviewPage({ lines, periods, reported, reviews }: Overview): Html {
  const waiting = (line: string, kind: string): number =>
    sumOf(reviews, (row) => row.line === line && row.kind === kind && row.state === "waiting");
  const answered = (line: string): number => sumOf(reviews, (row) => row.line === line && row.state === "answered");
  const open = sumOf(reviews, (row) => row.state === "waiting");
  const without = lines.filter((line) => line.champion === undefined).length;
  return html`<p>
      <a href="/classify/champions">Champions and held promotions</a>. ${lines.length} lines (country and
      scheme)${without > 0 && `, ${without} still without a champion`}.
      ${open > 0 ? html`<a href="/classify/review">${grouped(open)} items wait for a person</a>.` : "Nothing waits for a person."}
    </p>
    <h2 id="periods">Periods</h2>
    ${periods.length === 0 ? html`<p>No period was coded yet. Put sales: <code>stockroom put FILE classify/sales/2026-10/GBR.csv</code></p>` : periodTable(periods, reported)}
    <h2 id="lines">Lines</h2>
    ${
      lines.length === 0
        ? html`<p>No line yet. Put labelled items: <code>stockroom put FILE classify/labelled/COUNTRY/NAME.csv</code></p>`
        : html`<div class="scroll">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Line</th>
                    <th scope="col">Champion</th>
                    <th scope="col" class="n">macro-F1</th>
                    <th scope="col" class="n">Automatic</th>
                    <th scope="col">Since (UTC)</th>
                    <th scope="col" class="n">Models</th>
                    <th scope="col">Last verdict</th>
                    <th scope="col" class="n">Not sure</th>
                    <th scope="col" class="n">Audit sample</th>
                    <th scope="col" class="n">Answered</th>
                  </tr>
                </thead>
                <tbody>
                  ${lines.map((line) => {
                    const queued = (kind: string): Html => {
                      const number = waiting(line.line, kind);
                      return number === 0
                        ? html`0`
                        : html`<a href="${href("/classify/review", { line: line.line, kind })}">${grouped(number)}</a>`;
                    };
                    return html`<tr>
                      <th scope="row">${line.line}</th>
                      <td class="mono">
                        ${!line.automatic && html`<a class="warn" href="/classify/champions">on review</a> `}${line.champion === undefined ? html`<span class="warn">none yet</span>` : shortModel(line)}
                      </td>
                      <td class="n">${line.macroF1 === undefined ? "" : line.macroF1.toFixed(3)}</td>
                      <td class="n">${line.coverage === undefined ? "" : percent(line.coverage, { digits: 0 })}</td>
                      <td>${line.championSince !== undefined && moment(line.championSince)}</td>
                      <td class="n">${line.models}</td>
                      <td>
                        ${line.lastVerdict === undefined ? "" : html`<span class="tag ${line.lastVerdict === "keep" || line.lastVerdict === "held" ? "" : "good"}">${verdictWords[line.lastVerdict] ?? line.lastVerdict}</span>`}
                      </td>
                      <td class="n">${queued("low")}</td>
                      <td class="n">${queued("audit")}</td>
                      <td class="n">${grouped(answered(line.line))}</td>
                    </tr> `;
                  })}
                </tbody>
              </table>
            </div>
            ${lines.map((line) => line.whyNothing !== undefined && html`<p class="warn">${line.line} decides nothing by itself: ${line.whyNothing}</p>`)}`
    }`;
}

/** What the gate's decisions mean to somebody who never read about them. */
const verdictWords: Readonly<Record<string, string>> = {
  first: "first champion",
  promote: "new champion",
  keep: "champion kept",
  held: "waits for a person",
};

/** A model's id starts with its line, which the row has said already. */
const shortModel = ({ line, champion = "" }: LineRow): string =>
  champion.startsWith(`${line}@`) ? champion.slice(line.length + 1) : champion;

function periodTable(periods: Overview["periods"], reported: Overview["reported"]): Html {
  const countries = Map.groupBy(reported, (row) => row.period);
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th scope="col">Period</th>
          <th scope="col" class="n">Codings of items</th>
          <th scope="col">Reports</th>
        </tr>
      </thead>
      <tbody>
        ${periods.map(({ period, countries: coded, items }) => {
          const own = countries.get(period) ?? [];
          return html`<tr>
            <th scope="row">${own.length > 0 ? html`<a href="${href("/classify/report", { period })}">${period}</a>` : period}</th>
            <td class="n">${grouped(items)}</td>
            <td>
              ${own.map(({ country }) => html`<a href="${href("/classify/report", { period, country })}">${country}</a> `)}${own.length < coded && html`<span class="warn">${coded - own.length} not whole yet</span>`}
            </td>
          </tr> `;
        })}
      </tbody>
    </table>
  </div>`;
}

const sumOf = <T extends { readonly count: number }>(rows: readonly T[], wanted: (row: T) => boolean): number =>
  rows.reduce((sum, row) => sum + (wanted(row) ? row.count : 0), 0);
