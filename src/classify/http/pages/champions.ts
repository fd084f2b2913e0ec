// Champions: promotions that wait, the models of each line to choose from, and lines that decide by themselves or not. Everything asks for a reason.

import type { AutomaticRow, ChampionRow, Held } from "../../store/champions.ts";
import { moment } from "../../../platform/web/frame.ts";
import { html, type Html } from "../../../platform/web/html.ts";

export interface ChampionsView {
  readonly held: readonly Held[];
  readonly champions: readonly ChampionRow[];
  /** Models of each line, the newest first. */
  readonly models: readonly { readonly id: string; readonly line: string; readonly trainedAt: string }[];
  readonly automatic: readonly AutomaticRow[];
  readonly token: string;
  /** The name of the sign-in; absent: whoever it is says it. */
  readonly signedIn?: string | undefined;
}

/** Pure. */
export function championsPage(view: ChampionsView): Html {
  const lines = Map.groupBy(view.champions, (row) => row.line);
  return html`<h2 id="held">Promotions that wait for a person</h2>
    ${view.held.length === 0 ? html`<p>No promotion waits.</p>` : view.held.map((held) => heldForm(view, held))}
    <h2 id="lines">Champions</h2>
    ${lines.size === 0 ? html`<p>No champion yet.</p>` : [...lines].map(([line, rows]) => lineForms(view, line, rows))}`;
}

const says = ({ token, signedIn }: ChampionsView): Html =>
  html`<input type="hidden" name="token" value="${token}" />
    <label>Reason <input name="reason" required maxlength="2000" size="40" /></label>
    ${signedIn === undefined && html`<label>Your name <input name="by" required maxlength="100" /></label>`}`;

const heldForm = (view: ChampionsView, held: Held): Html =>
  html`<article>
    <h3>${held.line}</h3>
    <p>${held.reason}</p>
    <p class="mono">${held.challenger} instead of ${held.champion}, ${moment(held.at)}</p>
    <form method="post" action="/classify/champions/held">
      <input type="hidden" name="verdict" value="${held.verdict}" />${says(view)}
      <button name="ruling" value="approved">Promote it</button>
      <button name="ruling" value="rejected">Leave the champion</button>
    </form>
  </article>`;

function lineForms(view: ChampionsView, line: string, rows: readonly ChampionRow[]): Html {
  const [now] = rows;
  const word = view.automatic.find((one) => one.line === line);
  const isAutomatic = word?.automatic ?? true;
  const others = view.models.filter((model) => model.line === line && model.id !== now.model);
  return html`<article>
    <h3>${line}</h3>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Champion</th>
            <th scope="col">Since (UTC)</th>
            <th scope="col">By</th>
            <th scope="col">Reason</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) =>
              html`<tr>
                <td class="mono">${row.model}</td>
                <td>${moment(row.since)}</td>
                <td><bdi>${row.kind === "gate" ? "the gate" : row.by}</bdi></td>
                <td><bdi>${row.reason}</bdi></td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${
      others.length > 0 &&
      html`<form method="post" action="/classify/champions/set">
        <input type="hidden" name="line" value="${line}" />
        <label
          >Model
          <select name="model">
            ${others.map((model) => html`<option value="${model.id}">${model.id}, trained ${moment(model.trainedAt)}</option>`)}
          </select></label
        >${says(view)} <button>Make it champion</button>
      </form>`
    }
    <p>
      ${isAutomatic ? "Decides by itself where it is sure." : html`<span class="warn">Every item goes to a person.</span>`}
      ${word !== undefined && html`${moment(word.at)}, <bdi>${word.by}</bdi>: <bdi>${word.reason}</bdi>`}
    </p>
    <form method="post" action="/classify/champions/automatic">
      <input type="hidden" name="line" value="${line}" />${says(view)}
      <button name="state" value="${isAutomatic ? "off" : "on"}">
        ${isAutomatic ? "Send everything to people" : "Let it decide by itself"}
      </button>
    </form>
  </article>`;
}
