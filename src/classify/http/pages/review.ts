// Review: the queue as a page. Each item with its own words, what the model thinks and why, and the answers a person can give.
//
//   V1. Item text is anybody's: escaped, set apart so that its writing direction disturbs nothing around it, and cut where it is endless.
//   V2. Nothing can be answered without a name; the name stands in each form, so that what is sent is what was seen.

import type { ReviewItem } from "../../workflows/review.ts";
import { parseLine } from "../../engine/lines.ts";
import type { ReviewRow } from "../../store/reviews.ts";
import type { CodeBook } from "./codes.ts";
import { href, html, type Html } from "../../../platform/web/html.ts";
import { percent, grouped } from "../../../platform/figures.ts";

/** What part of the queue is looked at; kept through every answer. */
export interface ReviewFilter {
  readonly line?: string | undefined;
  readonly period?: string | undefined;
  readonly kind?: string | undefined;
  /** `answered`: to look at and to amend. */
  readonly state?: string | undefined;
  readonly limit?: string | undefined;
}

export interface ReviewView {
  readonly reviews: readonly ReviewItem[];
  readonly book: CodeBook;
  readonly filter: ReviewFilter;
  /** To choose from. */
  readonly lines: readonly string[];
  readonly periods: readonly string[];
  /** How many wait in the chosen line and kind; it is not counted by period. */
  readonly waiting: number | undefined;
  /** The text columns, the most telling first. */
  readonly textColumns: readonly string[];
  /** Columns whose value is shown elsewhere on the item. */
  readonly saidColumns: readonly string[];
  /** "" before a name was given. */
  readonly reviewer: string;
  /** Whether that is the name of the sign-in, which no form changes. */
  readonly signedIn?: boolean;
  readonly token: string;
  /** The answer kept a moment ago. */
  readonly kept: ReviewRow | undefined;
}

const shownChars = 600;
const mostChars = 20_000;
const nameChars = 90;
const evidenceChars = 2_000;

/** Pure. */
export function reviewPage(view: ReviewView): Html {
  const { reviews, kept, waiting, reviewer, filter } = view;
  const isAnswered = filter.state === "answered";
  return html`${kept !== undefined && keptNote(kept)} ${filterForm(view)} ${nameForm(view)}
  ${
    reviews.length === 0
      ? html`<p class="note">${isAnswered ? "Nothing was answered here." : "Nothing waits for review here."}</p>`
      : html`<p>
            The first ${reviews.length}${waiting !== undefined && ` of ${grouped(Math.max(waiting, reviews.length))}`} that
            ${isAnswered ? "were answered" : "wait"}: audit samples first, then those sold most. An answer is a label of the line's next
            training and restates the period's figures; it belongs to the item and holds for every later coding.
          </p>
          ${reviews.map((review, index) => item(view, review, index === 0 && reviewer !== ""))}`
  }`;
}

function keptNote({ predicted, answer = "", line, reviewer = "" }: ReviewRow): Html {
  return html`<p class="note" role="status">
    Kept:
    ${answer === predicted ? html`<strong>${answer}</strong> confirmed` : html`<strong>${answer}</strong> instead of ${predicted === "" ? "no code" : predicted}`}
    (${line}, by <bdi>${reviewer}</bdi>). Wrong? <a href="${href("/classify/review", { line, state: "answered" })}">Amend an answer</a>.
  </p>`;
}

function filterForm({ filter, lines, periods }: ReviewView): Html {
  const choice = (
    name: string,
    label: string,
    all: string,
    options: readonly (readonly [string, string])[],
    chosen: string | undefined,
  ): Html =>
    html`<label
      >${label}<select name="${name}">
        <option value="">${all}</option>
        ${options.map(([value, text]) => html`<option value="${value}" ${value === chosen && html` selected`}>${text}</option>`)}
      </select></label
    >`;
  const named = (values: readonly string[]): readonly (readonly [string, string])[] => values.map((value) => [value, value]);
  return html`<form method="get" action="/classify/review">
    ${choice("line", "Line", "all lines", named(lines), filter.line)}
    ${choice("period", "Period", "all periods", named(periods), filter.period)}
    ${choice(
      "kind",
      "Why",
      "all",
      [
        ["low", "not sure enough"],
        ["audit", "audit sample"],
        ["former", "answered before"],
        ["recode", "recoding"],
      ],
      filter.kind,
    )}
    ${choice("state", "State", "waiting", [["answered", "answered"]], filter.state)}
    <button>Show</button>
  </form>`;
}

/** Hidden fields every form of the page carries. */
const carried = ({ filter, token }: ReviewView): Html =>
  html`<input type="hidden" name="token" value="${token}" />${Object.entries(filter).map(([name, value]) =>
      value === undefined || value === "" ? "" : html`<input type="hidden" name="${name}" value="${value}" />`,
    )}`;

function nameForm(view: ReviewView): Html {
  const { reviewer, signedIn = false } = view;
  if (signedIn)
    return html`<p class="dim">
      You answer as <strong><bdi>${reviewer}</bdi></strong
      >.
    </p>`;
  const form = html`<form method="post" action="/classify/review/name">${carried(view)}<label>Your name, kept with each answer<input name="by" required maxlength="100" autocomplete="name" value="${reviewer}"${reviewer === "" && html` autofocus`}></label><button${reviewer === "" && html` class="first"`}>Keep</button></form>`;
  if (reviewer === "")
    return html`<div class="note">
      <p>Say who you are, then answer.</p>
      ${form}
    </div>`;
  return html`<details>
    <summary>
      You answer as <strong><bdi>${reviewer}</bdi></strong>
    </summary>
    ${form}
  </details>`;
}

const kindWords: Readonly<Record<ReviewRow["kind"], string>> = {
  low: "not sure enough",
  audit: "audit sample",
  former: "answered before",
  recode: "recoding",
};

function item(view: ReviewView, review: ReviewItem, focused: boolean): Html {
  const { textColumns, saidColumns, book, reviewer } = view;
  const { scheme } = parseLine(review.line);
  const texts = textColumns.flatMap((column) => {
    const text = review.item[column] ?? "";
    return text.trim() === "" ? [] : [text];
  });
  const [title = "(no text)", ...more] = texts;
  const others = Object.entries(review.item).filter(([name]) => !textColumns.includes(name) && !saidColumns.includes(name));
  const named = (code: string): Html =>
    code === ""
      ? html`<span class="warn">no code: only a person can say</span>`
      : html`<strong>${code}</strong> ${book.name(scheme, review.schemeVersion, code)}`;
  const id = `item-${review.id}`;
  return html`<article tabindex="-1" aria-labelledby="${id}" ${focused && html` autofocus`}>
    <header>
      <span class="tag">${kindWords[review.kind]}</span><strong>${review.line}</strong><span>version ${review.schemeVersion}</span
      ><span>${review.period}</span><span>${grouped(review.units)} units</span><span>${grouped(review.kg, 1)} kg</span>
    </header>
    <h3 id="${id}" dir="auto">${cut(title, 300)}</h3>
    ${title.length > 300 && long(title)}
    ${more.map((text) =>
      text.length > shownChars
        ? html`<p dir="auto">${cut(text, shownChars)}</p>
            ${long(text)}`
        : html`<p dir="auto">${text}</p>`,
    )}
    <dl class="facts">
      ${others.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd><bdi>${cut(value, 200)}</bdi></dd>
          </div>`,
      )}
    </dl>
    <dl class="said">
      ${
        review.answer !== undefined &&
        html`<dt>Answered</dt>
          <dd>${named(review.answer)} by <bdi>${review.reviewer ?? ""}</bdi></dd>`
      }
      ${
        review.former !== undefined &&
        html`<dt>Answered before</dt>
          <dd>
            <strong>${review.former.answer}</strong> of version ${review.former.schemeVersion} by <bdi>${review.former.reviewer}</bdi>:
            <span class="warn">it does not carry over to version ${review.schemeVersion}</span>
          </dd>`
      }
      <dt>Predicted</dt>
      <dd>
        ${named(review.predicted)} &nbsp;<meter min="0" max="1" value="${review.probability}" aria-label="probability"></meter>
        ${percent(review.probability, { digits: 0 })}
      </dd>
      ${
        review.runnerUp !== "" &&
        html`<dt>Runner-up</dt>
          <dd>${named(review.runnerUp)}</dd>`
      }
      ${
        review.reason !== "" &&
        html`<dt>Not automatic</dt>
          <dd>${review.reason}</dd>`
      }
      ${
        review.evidence !== "" &&
        html`<dt>Spoke for it</dt>
          <dd>${evidence(review.evidence)}</dd>`
      }
    </dl>
    ${reviewer !== "" && answers(view, review, scheme)}
  </article> `;
}

function answers(view: ReviewView, review: ReviewItem, scheme: string): Html {
  const { book, reviewer } = view;
  const isAmending = review.answer !== undefined;
  const name = view.signedIn !== true && html`<input type="hidden" name="by" value="${reviewer}" />`;
  const fields = html`${carried(view)}<input type="hidden" name="review" value="${review.id}" />${name}`;
  const post = (inner: Html): Html => html`<form method="post" action="/classify/review">${fields}${inner}</form>`;
  const codes = book.codes(scheme, review.schemeVersion);
  const button = (code: string, word: string, first: boolean): Html =>
    html`<button name="code" value="${code}" ${first && html` class="first"`}>${word} ${cut(code, 40)}</button>`;
  const isCode = (code: string): boolean => code !== "" && (codes === undefined || codes.some((one) => one.code === code));
  const offers = [
    !isAmending && isCode(review.predicted) && button(review.predicted, "Confirm", true),
    !isAmending && isCode(review.runnerUp) && review.runnerUp !== review.predicted && button(review.runnerUp, "Runner-up", false),
  ].filter((offer) => offer !== false);
  const other =
    codes === undefined
      ? html`<label>Another code<input name="code" required maxlength="300" /></label>`
      : html`<label
          >Another code<select name="code" required>
            <option value="" selected disabled>choose…</option>
            ${codes.map(
              ({ code, name }) => html`<option value="${code}">${cut(name === "" ? code : `${code} · ${name}`, nameChars)}</option>`,
            )}
          </select></label
        >`;
  return html`<div class="answers">
    ${offers.length > 0 && post(html`${offers}`)}${post(html`${other}${isAmending && html`<label>Why<input name="reason" required maxlength="1000" /></label>`}<button>${isAmending ? "Amend" : "Answer"}</button>`)}
  </div>`;
}

/** The rest of an endless text, for whoever wants it. */
const long = (text: string): Html =>
  html`<details>
    <summary>the whole text (${grouped(text.length)} characters)</summary>
    <p dir="auto">${cut(text, mostChars)}</p>
  </details>`;

/** Cuts between characters, not within one. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** `kettle:0.52 steel:0.31` as words with their weight; without a word, it was that a column is empty. */
function evidence(text: string): Html {
  // Bounded, because words of items may be endless and a pattern tries every beginning.
  const words = [...text.slice(0, evidenceChars).matchAll(/(?:^| )(.*?):(-?\d+\.\d\d)(?= |$)/g)];
  if (words.length === 0) return html`<bdi>${cut(text, shownChars)}</bdi>`;
  return html`${words.slice(0, 20).map(([, word = "", weight = ""]) => html`<span class="tag"><bdi>${word === "" ? "an empty field" : cut(word, 60)}</bdi> <small>${weight}</small></span> `)}`;
}

/** Where the queue stands, with what was just kept. */
export const reviewHref = (filter: ReviewFilter, done?: string): string => href("/classify/review", { ...filter, done });
