// Overview: every group with its latest forecast, and what was brought into the ERP.

import { moment } from "../../../platform/web/frame.ts";
import { href, html, type Html } from "../../../platform/web/html.ts";
import { amount, percent, grouped } from "../../../platform/figures.ts";
import type { AdjustmentRow } from "../../store/adjustments.ts";
import type { Answer } from "../../store/answers.ts";
import type { ForecastRunRow, GroupState } from "../../store/runs.ts";
import type { ImportRow } from "../../store/sap.ts";
import type { AnswerRow, ImportDetail } from "../reading.ts";
import { understoodIn } from "../../workflows/views/understood.ts";
import { groupPath } from "./frame.ts";

/** The heads of columns, those of numbers set to their end. */
const headsOf = (...names: readonly (string | { readonly number: string })[]): readonly Html[] =>
  names.map((name) =>
    typeof name === "string" ? html`<th scope="col">${name}</th> ` : html`<th scope="col" class="n">${name.number}</th> `,
  );

export interface GroupShown {
  readonly name: string;
  readonly runs: number;
  readonly state: GroupState;
  readonly why: string | undefined;
  readonly runId: string | undefined;
  readonly latest: ForecastRunRow | undefined;
}

const numberIn = (run: ForecastRunRow | undefined, name: string): number | null => {
  const value = run?.summary?.[name];
  return typeof value === "number" ? value : null;
};

/** What a group is about: queued, what it waits for, why it failed and where more is told. */
function presentOf({ state, why, runId }: Pick<GroupShown, "state" | "why" | "runId">): Html | string {
  if (state === "idle") return "";
  const words = html`<span class="tag ${state === "failed" ? "bad" : state === "running" ? "" : "warn"}">${state}</span> ${why ?? ""}`;
  return state === "failed" && runId !== undefined ? html`${words} <a href="/api/runs/${encodeURIComponent(runId)}">more</a>` : words;
}

function runWarnings(run: ForecastRunRow | undefined): Html | string {
  const warnings = run?.summary?.["warnings"];
  return Array.isArray(warnings) && warnings.length > 0
    ? html`${warnings.map((warning) => html`<div class="warn">${String(warning)}</div>`)}`
    : "";
}

/** How its files were read that have other columns than the usual ones. */
const understoodOf = (run: ForecastRunRow | undefined): readonly Html[] =>
  understoodIn(run).map(
    ({ file, lines }) =>
      html`<details>
        <summary>how ${file} was read</summary>
        ${lines.map((line) => html`<div class="dim">${line}</div>`)}
      </details>`,
  );

/** Pure. */
export function overviewPage(groups: readonly GroupShown[], imports: readonly ImportRow[]): Html {
  if (groups.length === 0) {
    return html`<p>No dataset group yet. Put the settings and a first file, and its forecast is made by itself:</p>
      <p><code>stockroom put forecast-defaults.yaml forecast-defaults.yaml</code></p>
      <p><code>stockroom put retail.csv forecast/train/retail.csv</code></p>`;
  }
  return html`<div class="scroll">
      <table>
        <thead>
          <tr>
            ${headsOf("Group", "Latest forecast (UTC)", { number: "Series" }, { number: "WAPE" }, { number: "Seasonal naive" }, { number: "Average wQL" }, { number: "MASE" }, "Leading model", { number: "Forecasts" }, "Now")}
          </tr>
        </thead>
        <tbody>
          ${groups.map(({ name, runs, latest, ...present }) => {
            const leader = latest?.summary?.["leader"];
            return html`<tr>
              <th scope="row">${latest === undefined ? name : html`<a href="${groupPath(name)}">${name}</a>`}</th>
              <td>${latest?.endedAt === undefined ? html`<span class="warn">none yet</span>` : moment(latest.endedAt)}</td>
              <td class="n">${amount(numberIn(latest, "series"))}</td>
              <td class="n">${percent(numberIn(latest, "wape"))}</td>
              <td class="n">${percent(numberIn(latest, "seasonalNaiveWape"))}</td>
              <td class="n">${amount(numberIn(latest, "averageWql"))}</td>
              <td class="n">${amount(numberIn(latest, "mase"))}</td>
              <td>${typeof leader === "string" ? leader : ""}</td>
              <td class="n">${runs}</td>
              <td>${presentOf(present)} ${runWarnings(latest)} ${understoodOf(latest)}</td>
            </tr> `;
          })}
        </tbody>
      </table>
    </div>
    <p class="dim">
      WAPE: what the backtests missed, as a share of what was sold. MASE below 1: better than repeating the last season. Ask for more:
      <code>stockroom sql</code>
    </p>
    ${
      imports.length > 0 &&
      html`<h2>Latest imports into SAP</h2>
        ${importTable(imports)}`
    }`;
}

const stateWords: Readonly<Record<ImportRow["state"], Html>> = {
  running: html`<span class="tag">at work</span>`,
  unsure: html`<span class="tag bad">rows unsure: settle</span>`,
  done: html`<span class="tag good">done</span>`,
  partly: html`<span class="tag warn">some rows refused</span>`,
  superseded: html`<span class="tag warn">superseded by a newer forecast</span>`,
};

function importTable(imports: readonly ImportRow[]): Html {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${headsOf("Import", "Group", "Into", "State", { number: "Rows" }, { number: "Taken" }, { number: "Refused" }, { number: "Unsure" }, "Begun (UTC)")}
        </tr>
      </thead>
      <tbody>
        ${imports.map(
          (row) =>
            html`<tr>
              <th scope="row" class="mono"><a href="/forecast/-/imports/${encodeURIComponent(row.id)}">${row.id}</a></th>
              <td><a href="${groupPath(row.group)}">${row.group}</a></td>
              <td>${row.target}</td>
              <td>${stateWords[row.state]}</td>
              <td class="n">${grouped(row.rows)}</td>
              <td class="n">${grouped(row.sent)}</td>
              <td class="n">${row.failed > 0 ? html`<span class="warn">${grouped(row.failed)}</span>` : 0}</td>
              <td class="n">${row.unsure > 0 ? html`<span class="warn">${grouped(row.unsure)}</span>` : 0}</td>
              <td>${moment(row.startedAt)}</td>
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
}

/** Pure. */
export const importsPage = (imports: readonly ImportRow[]): Html =>
  imports.length === 0
    ? html`<p>Nothing was brought into SAP yet. Name a target under <code>forecast.sap.targets</code> in the settings.</p>`
    : importTable(imports);

/** Pure. */
export function importPage({ import: row, batches, unsure, answers, more }: ImportDetail, shownAll: boolean): Html {
  const path = `/forecast/-/imports/${encodeURIComponent(row.id)}`;
  return html`${importTable([row])}
    ${
      row.state === "unsure" &&
      html`<p class="note bad">
        Of ${grouped(row.unsure)} rows nobody knows whether ${row.target} took them, so they were not sent again.
        ${unsure.map(({ batch, rows, reason }) => html`Batch ${batch}, ${grouped(rows)} rows: ${reason} `)}Look in the ERP, then say
        <code>stockroom forecast imports settle ${row.id} --batch N --as taken|lost</code>.
      </p>`
    }
    ${
      row.state === "partly" &&
      html`<p class="note bad">
        The ERP refused ${grouped(row.failed)} of ${grouped(row.rows)} rows. When the cause is mended, resume: only those rows are sent
        again.
      </p>`
    }
    <p>
      Batches answered: ${batches.length}.
      ${shownAll ? html`<a href="${path}">Refused rows only</a>` : html`<a href="${path}?answers=all">All answers</a>`}
    </p>
    ${answers.length === 0 ? html`<p>${shownAll ? "No answers yet." : "No row was refused."}</p>` : answerTable(answers)}
    ${more && html`<p class="dim">There are more: GET /api/forecast/-/imports/${row.id}?answers=all&limit=10000</p>`}`;
}

function answerTable(answers: readonly AnswerRow[]): Html {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${headsOf({ number: "Row" }, { number: "Round" }, "Outcome", "What the ERP said")}
        </tr>
      </thead>
      <tbody>
        ${answers.map(
          ({ seq, round, taken, messages }) =>
            html`<tr>
              <td class="n">${grouped(seq)}</td>
              <td class="n">${round}</td>
              <td>${taken ? html`<span class="good">taken</span>` : html`<span class="warn">refused</span>`}</td>
              <td>${messages.map(({ type, id, text }) => html`<div><code>${type} ${id}</code> ${text}</div>`)}</td>
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
}

/** Pure. The newest first. */
export function adjustmentsPage(adjustments: readonly AdjustmentRow[]): Html {
  if (adjustments.length === 0) {
    return html`<p>No planner has said anything of these forecasts: they are the system's own.</p>`;
  }
  return html`<div class="scroll">
      <table>
        <thead>
          <tr>
            ${headsOf({ number: "No." }, "Group", "What", "For", "From, until before (UTC)", "By", "Why", "Stands")}
          </tr>
        </thead>
        <tbody>
          ${adjustments.toReversed().map(
            (row) =>
              html`<tr>
                <td class="n">${row.id}</td>
                <td><a href="${groupPath(row.group)}">${row.group}</a></td>
                <td>${row.kind} ${amount(row.value)}</td>
                <td>${row.said === "" ? "every series" : row.said}</td>
                <td>${moment(row.fromAt)}, ${moment(row.untilAt)}</td>
                <td>${row.author}, ${moment(row.madeAt)}</td>
                <td>${row.reason}</td>
                <td>
                  ${row.withdrawnAt === undefined ? html`<span class="good">yes</span>` : html`withdrawn ${moment(row.withdrawnAt)} ${row.withdrawnBy !== undefined && `by ${row.withdrawnBy}`}`}
                </td>
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
    <p class="dim">
      Both stay side by side: the system's forecast in the export <code>forecast</code>, with what planners said in <code>adjusted</code>.
    </p>`;
}

const kindWords: Readonly<Record<Answer["kind"], string>> = {
  whatif: "what if",
  explain: "explanation",
  replenish: "orders",
  monitor: "judgement",
};

/** Figures of an answer, as far as they are plain. */
function figuresOf(summary: Answer["summary"]): string {
  const figures = Object.entries(summary).flatMap(([name, value]) =>
    typeof value === "number" ? [`${name} ${amount(value)}`] : typeof value === "string" ? [`${name} ${value}`] : [],
  );
  return figures.slice(0, 6).join(", ");
}

/** What an answer says of its own worth: nothing doubtful stands here without its warning. */
function warningsOf(answer: Answer): readonly string[] {
  if (answer.kind === "whatif") return answer.summary.warnings;
  if (answer.kind !== "replenish") return [];
  const { warnings = [], withoutStock = 0 } = answer.summary;
  return withoutStock === 0
    ? warnings
    : [...warnings, `${withoutStock} series that were forecast have no row of stock: no order is proposed for them.`];
}

/** Pure. What-ifs, explanations, orders, and the judgements of imports. */
export function scenariosPage(scenarios: readonly Answer[]): Html {
  if (scenarios.length === 0) {
    return html`<p>Nothing was asked of the forecasts yet: what if a price changes, why is a forecast as it is, what to order?</p>
      <p><code>stockroom forecast scenarios --help</code></p>`;
  }
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${headsOf("Asked", "Kind", "Of", "By", "Answer", "Exports")}
        </tr>
      </thead>
      <tbody>
        ${scenarios.map(
          (row) =>
            html`<tr>
              <th scope="row">${row.title}</th>
              <td>${kindWords[row.kind]}</td>
              <td><a href="${href(groupPath(row.group), { run: row.run })}">${row.group}</a></td>
              <td>${row.author}, ${moment(row.at)}</td>
              <td>${figuresOf(row.summary)} ${warningsOf(row).map((warning) => html`<p role="note">${warning}</p>`)}</td>
              <td>${Object.keys(row.exports).map((name) => html`<a href="${exportPath(row.id, name)}">${name}</a> `)}</td>
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
}

const exportPath = (id: string, name: string): string =>
  `/api/forecast/scenarios/${encodeURIComponent(id)}/exports/${name.split("/").map(encodeURIComponent).join("/")}`;
