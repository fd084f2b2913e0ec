// Report: a period's figures by country, scheme and code as a page, restatements beside the first figures.

import type { PeriodReport, ShownFigure, ShownReport } from "../../workflows/commands.ts";
import type { ReportFigure } from "../../store/reports.ts";
import type { CodeBook } from "./codes.ts";
import { moment } from "../../../platform/web/frame.ts";
import { href, html, type Html } from "../../../platform/web/html.ts";
import { grouped } from "../../../platform/figures.ts";

/** Pure. */
export function reportPage({ period, reports, unreported }: PeriodReport, book: CodeBook): Html {
  return html`${reports.length === 0 && unreported.length === 0 && html`<p class="note">Nothing coded for this period.</p>`}
    ${unreported.map((country) => html`<p class="note bad">${country}: no report yet; it is written when every line of the country has coded the period.</p>`)}
    ${reports.map((report) => countryPart(period, report, book))}
    <p class="dim">
      ± says how far a figure may be off: the upper 95 % bound of errors among confident items, from the audit sample (before any answer,
      what the promised precision allows), and the doubt in items that still wait for review.
    </p>`;
}

function countryPart(period: string, report: ShownReport, book: CodeBook): Html {
  const { country, revision, reason, at, revisions, outdated, waits, twice, figures } = report;
  const parts = [...Map.groupBy(figures, (figure) => JSON.stringify([figure.scheme, figure.schemeVersion])).values()];
  return html`<section>
    <h2 id="${country}">${country}</h2>
    <p>
      ${revision === 0 ? "First figures" : html`<strong>Restated</strong>, revision ${revision}: ${reason}`}, written ${moment(at)} UTC.
      ${
        revisions.length > 1 &&
        html`Revisions:
        ${revisions.map((one) =>
          one.revision === revision
            ? html`<strong>${one.revision}</strong> `
            : html`<a href="${href("/classify/report", { period, country, revision: one.revision })}" title="${one.reason}"
                >${one.revision}</a
              > `,
        )}`
      }
    </p>
    ${twice.map((one) => html`<p class="note bad">${one}.</p>`)}
    ${waits.length > 0 && html`<p class="note bad">The figures stay as they are until these are coded: ${waits.join("; ")}.</p>`}
    ${outdated && waits.length === 0 && html`<p class="note bad">Answers or codings since revision ${revisions.at(-1)?.revision} change the figures. Tonight's schedule, or <code>stockroom classify reports show --period ${period} --country ${country} --restate</code>, writes the next revision.</p>`}
    ${parts.map((part) => schemeTable(part, revision, book))}
  </section> `;
}

const measures = [
  { name: "items", margin: "itemsMargin", title: "Items", digits: 0 },
  { name: "units", margin: "unitsMargin", title: "Units", digits: 0 },
  { name: "kg", margin: "kgMargin", title: "kg", digits: 1 },
] as const;

function schemeTable(figures: readonly ShownFigure[], revision: number, book: CodeBook): Html {
  const [any] = figures;
  if (any === undefined) return html``;
  const { scheme, schemeVersion } = any;
  const restated = revision > 0;
  const heads = (edge: boolean): Html =>
    html`${measures.map(({ title }, index) => html`<th scope="col" class="n${edge && index === 0 && " edge"}">${title}</th>`)}`;
  return html`<div class="scroll">
    <table>
      <caption>
        <h3>${scheme}, version ${schemeVersion}</h3>
      </caption>
      <thead>
        ${
          restated &&
          html`<tr>
            <th colspan="2"></th>
            <th scope="colgroup" class="n" colspan="3">First figures</th>
            <th scope="colgroup" class="n edge" colspan="3">Revision ${revision}</th>
          </tr>`
        }
        <tr>
          <th scope="col">Code</th>
          <th scope="col">Name</th>
          ${heads(false)}${restated && heads(true)}
        </tr>
      </thead>
      <tbody>
        ${figures.map((figure) => {
          const before = restated ? figure.first : figure;
          return html`<tr>
            <th scope="row">${figure.code === "" ? html`<span class="warn">no code yet</span>` : figure.code}</th>
            <td>${book.name(scheme, schemeVersion, figure.code)}</td>
            ${cells(before, null, false)}${restated && cells(figure, figure.first, true)}
          </tr> `;
        })}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row" colspan="2">All codes</th>
          ${totals(restated ? figures.map((figure) => figure.first) : figures, false)}${restated && totals(figures, true)}
        </tr>
      </tfoot>
    </table>
  </div>`;
}

/** A figure's cells; those that differ from `former` are marked. */
function cells(figure: ReportFigure | null, former: ReportFigure | null, beside: boolean): Html {
  return html`${measures.map(({ name, margin, digits }, index) => {
    const moved = beside && figure?.[name] !== (former?.[name] ?? 0);
    const shape = `n${beside && index === 0 ? " edge" : ""}${moved ? " moved" : ""}`;
    if (figure === null) return html`<td class="${shape}">0 <small></small></td>`;
    return html`<td class="${shape}">${grouped(figure[name], digits)} <small>± ${grouped(figure[margin], 1)}</small></td>`;
  })}`;
}

function totals(figures: readonly (ReportFigure | null)[], beside: boolean): Html {
  return html`${measures.map(({ name, digits }, index) => {
    const sum = figures.reduce((total, figure) => total + (figure?.[name] ?? 0), 0);
    return html`<td class="n${beside && index === 0 && " edge"}">${grouped(sum, digits)} <small></small></td>`;
  })}`;
}
