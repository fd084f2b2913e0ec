// Figures: a run level by level: choose an axis, then a level, then the next axis. Drawn here, so that the page needs no script.

import { href, html, type Html } from "../../../platform/web/html.ts";
import { amount, percent, grouped } from "../../../platform/figures.ts";
import type { Drill, DrillAxis, DrillInstant } from "../../workflows/views/drill.ts";
import type { ForecastRunRow } from "../../store/runs.ts";
import { groupPath } from "./frame.ts";

/** Pure. `asked` is the run that was asked for by name; without it links lead to the latest. */
export function figuresPage(run: ForecastRunRow, asked: string | undefined, drill: Drill): Html {
  const path = `${groupPath(run.group)}/figures`;
  const held = (chosen: Drill["chosen"]): Record<string, string> =>
    Object.fromEntries(chosen.map(({ axis, level }) => [axis.column, level]));
  const to = (chosen: Drill["chosen"], by: DrillAxis | undefined): string => hrefWith(path, { run: asked, by: by?.column }, held(chosen));
  const { axes, by, chosen, levels, more, instants, since } = drill;
  const free = axes.filter((axis) => chosen.every((one) => one.axis.column !== axis.column));
  const next = free.find((axis) => axis.column !== by.column);
  return html`<p>
      <a href="${href(groupPath(run.group), { run: asked })}">Dashboard of ${run.group}</a> ·
      ${chosen.length === 0 ? html`<strong>all</strong>` : html`<a href="${to([], undefined)}">all</a>`}
      ${chosen.map(({ axis, level }, at) => {
        const text = html`${axis.name}: ${level === "" ? "(none)" : level}`;
        return html` ›
        ${at === chosen.length - 1 ? html`<strong>${text}</strong>` : html`<a href="${to(chosen.slice(0, at + 1), undefined)}">${text}</a>`}`;
      })}
    </p>
    ${chart(instants)}
    <p class="dim"><span class="key"></span> sold <span class="key ahead"></span> mean forecast, in backtests and ahead</p>
    <p>
      By
      ${free.map((axis, at) => html`${at > 0 && " · "}${axis.column === by.column ? html`<strong>${axis.name}</strong>` : html`<a href="${to(chosen, axis)}">${axis.name}</a>`}`)}
    </p>
    ${levelTable(drill, (level) => (next === undefined && by.column === "identifier" ? undefined : to([...chosen, { axis: by, level }], next)))}
    ${more > 0 && html`<p class="dim">and ${grouped(more)} more, smaller ones. <code>stockroom sql</code> has all of them.</p>`}
    ${levels.length === 0 && html`<p class="note">There is nothing under this choice.</p>`}
    <p class="dim">
      Sold, WAPE and bias are of the backtest windows; seasonal naive: the WAPE of repeating the last season; bias above zero: the forecast
      was too low. Ahead: the mean forecast over the horizon.
      ${since !== undefined && `Read from ${since} on; earlier months would not fit.`}
    </p>`;
}

/** `href` with the held levels, whose empty text means "none" and must stay. */
function hrefWith(path: string, query: Readonly<Record<string, string | undefined>>, held: Readonly<Record<string, string>>): string {
  const given = Object.fromEntries(Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  const all = new URLSearchParams({ ...given, ...held });
  return all.size === 0 ? path : `${path}?${all.toString()}`;
}

function levelTable({ levels, by }: Drill, linkOf: (level: string) => string | undefined): Html {
  if (levels.length === 0) return html``;
  const worst = Math.max(...levels.map(({ wape }) => wape ?? 0), 1e-9);
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th scope="col">${by.name}</th>
          <th scope="col" class="n">Series</th>
          <th scope="col" class="n">Sold</th>
          <th scope="col" class="n">WAPE</th>
          <th scope="col"></th>
          <th scope="col" class="n">Seasonal naive</th>
          <th scope="col" class="n">Bias</th>
          <th scope="col" class="n">Ahead</th>
        </tr>
      </thead>
      <tbody>
        ${levels.map(({ name, series, actual, wape, naiveWape, bias, ahead }) => {
          const link = linkOf(name ?? "");
          const text = name ?? html`<span class="dim">(none)</span>`;
          return html`<tr>
            <th scope="row">${link === undefined ? text : html`<a href="${link}">${text}</a>`}</th>
            <td class="n">${grouped(series)}</td>
            <td class="n">${amount(actual)}</td>
            <td class="n">${percent(wape)}</td>
            <td>${wape !== null && html`<meter min="0" max="${worst}" value="${wape}"></meter>`}</td>
            <td class="n">${percent(naiveWape)}</td>
            <td class="n">${percent(bias)}</td>
            <td class="n">${amount(ahead)}</td>
          </tr> `;
        })}
      </tbody>
    </table>
  </div>`;
}

const width = 1_000;
const height = 220;

/** Actual and forecast over time. Instants are placed evenly: they come from one grid. */
function chart(instants: readonly DrillInstant[]): Html {
  if (instants.length < 2) return html``;
  const values = instants.flatMap(({ actual, forecast }) => [actual ?? 0, forecast ?? 0]);
  const top = Math.max(...values, 1e-9);
  const floor = Math.min(...values, 0);
  const x = (at: number): number => (at * width) / (instants.length - 1);
  const y = (value: number): number => height - ((value - floor) / (top - floor)) * height;
  const line = (pick: (instant: DrillInstant) => number | null): string => {
    let path = "";
    let isOpen = false;
    for (const [at, instant] of instants.entries()) {
      const value = pick(instant);
      if (value !== null) path += `${isOpen ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
      isOpen = value !== null;
    }
    return path;
  };
  const day = (at: number): string => instants[at]?.at.slice(0, 10) ?? "";
  const last = instants.length - 1;
  return html`<svg
      class="chart"
      viewBox="0 -6 ${width} ${height + 30}"
      preserveAspectRatio="none"
      role="img"
      aria-label="Sold and forecast from ${day(0)} to ${day(last)}, at most ${amount(top)}"
    >
      <path class="grid" d="M0 ${y(0).toFixed(1)}H${width}M0 ${y(top).toFixed(1)}H${width}M0 ${y(top / 2).toFixed(1)}H${width}"></path>
      <path class="past" d="${line(({ actual }) => actual)}"></path>
      <path class="ahead" d="${line(({ forecast }) => forecast)}"></path>
    </svg>
    <p class="dim">${day(0)} to ${day(last)}; the upper line stands at ${amount(top)}</p>`;
}
