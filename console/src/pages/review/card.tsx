// A question: the item's own words with the evidence marked, what the model says and how sure it is, and the answers to give.

import type { ComponentChildren, RefObject } from "preact";
import type { CodeBook } from "../../data/codebook.ts";
import { Button } from "../../parts/button.tsx";
import { Badge, counted, Facts, grouped, percent } from "../../parts/show.tsx";
import { Note } from "../../parts/states.tsx";
import { Earlier } from "./earlier.tsx";
import { markWords, parseEvidence, type Word } from "./evidence.ts";
import { placesText, type Group, type Review } from "./groups.ts";
import type { Back, State } from "./session.ts";

const kindWords: Readonly<Record<Review["kind"], string>> = {
  low: "not sure enough",
  audit: "audit sample",
  former: "answered before",
  recode: "recoding",
};

export interface CardProps {
  readonly place: RefObject<HTMLElement | null>;
  readonly group: Group;
  readonly back: Back | undefined;
  readonly alike: readonly Group[];
  readonly bounds: State["bounds"];
  readonly book: CodeBook | undefined;
  readonly onAnswer: (code: string) => void;
  readonly onAlike: () => void;
  readonly onSkip: () => void;
  readonly onUndo: () => void;
  /** Nothing can be answered without a name. */
  readonly isNamed: boolean;
}

/** Whether a code may be answered: one of the version, or any where the scheme is not known. */
export function isAnswer(book: CodeBook | undefined, { scheme, version }: Group, code: string): boolean {
  const codes = book?.codesOf(scheme, version);
  return code !== "" && (codes === undefined || codes.some((one) => one.code === code && one.heading !== true));
}

export function Card({ place, group, back, alike, bounds, book, onAnswer, onAlike, onSkip, onUndo, isNamed }: CardProps) {
  const [review] = group.reviews;
  const words = parseEvidence(review.evidence);
  const shownTexts = new Set([group.title, ...group.more]);
  const others = Object.entries(review.item).filter(([name, value]) => !shownTexts.has(value.trim()) && name !== "units" && name !== "kg");
  const units = group.reviews.reduce((sum, one) => sum + one.units, 0);
  const kg = group.reviews.reduce((sum, one) => sum + one.kg, 0);
  const canConfirm = isAnswer(book, group, review.predicted);
  const canSecond = review.runnerUp !== review.predicted && isAnswer(book, group, review.runnerUp);
  return (
    <article class="card review-card" tabIndex={-1} ref={place} aria-labelledby="review-title">
      {back !== undefined && (
        <Note kind={back.tone === "bad" ? "bad" : "warn"}>
          <p>{back.text}</p>
          {back.code !== undefined && <span class="dim mono">{back.code}</span>}
        </Note>
      )}
      <div class="row">
        <Badge tone={review.kind === "audit" ? "ink" : "plain"}>{kindWords[review.kind]}</Badge>
        <span>{placesText(group)}</span>
        <span class="dim">version {group.version}</span>
        <span class="dim">
          {counted(units, "unit")}, {grouped(kg, 1)} kg
        </span>
        {group.reviews.length > 1 && <Badge tone="ink">one answer for {group.reviews.length} rows</Badge>}
      </div>
      <h2 id="review-title" dir="auto">
        <Marked text={group.title.slice(0, 600)} words={words} />
      </h2>
      {group.more.map((text) => (
        <p key={text} dir="auto">
          <Marked text={text.slice(0, 2_000)} words={words} />
        </p>
      ))}
      <Facts of={others.map(([name, value]) => [name, <bdi>{value.slice(0, 200)}</bdi>] as const)} />
      <hr />
      <Facts
        of={[
          [
            "Answered before",
            review.former === undefined ? (
              ""
            ) : (
              <>
                <b>{review.former.answer}</b> of version {review.former.schemeVersion} by {review.former.reviewer}; it does not carry over
                to version {group.version}
              </>
            ),
          ],
          ["Predicted", <Named book={book} group={group} code={review.predicted} />],
          ["How sure", <Sureness review={review} bounds={bounds} />],
          ["Runner-up", review.runnerUp === "" ? "" : <Named book={book} group={group} code={review.runnerUp} />],
          ["Not automatic", review.reason],
          ["Spoke for it", words.length === 0 ? review.evidence : <Evidence words={words} />],
        ]}
      />
      <div class="row review-acts">
        <Button look="first" disabled={!isNamed || !canConfirm} onPress={() => onAnswer(review.predicted)}>
          Confirm {review.predicted} <kbd>Enter</kbd>
        </Button>
        {canSecond && (
          <Button disabled={!isNamed} onPress={() => onAnswer(review.runnerUp)}>
            Runner-up {review.runnerUp} <kbd>2</kbd>
          </Button>
        )}
        {alike.length > 0 && canConfirm && (
          <Button disabled={!isNamed} onPress={onAlike}>
            Same answer for {alike.length + 1} alike <kbd>A</kbd>
          </Button>
        )}
        <Button onPress={onSkip}>
          Skip <kbd>S</kbd>
        </Button>
        <Button onPress={onUndo}>
          Undo <kbd>U</kbd>
        </Button>
      </div>
      <Earlier key={group.key} item={review.itemId} period={review.period} />
    </article>
  );
}

export function Marked({ text, words }: { text: string; words: readonly Word[] }) {
  return (
    <>
      {markWords(text, words).map(({ text, weight }, at) =>
        weight === undefined ? (
          text
        ) : (
          <mark key={at} class={weight < 0 ? "against" : ""} title={`${weight > 0 ? "spoke for it" : "spoke against it"}: ${weight}`}>
            {text}
          </mark>
        ),
      )}
    </>
  );
}

function Named({ book, group: { scheme, version }, code }: { book: CodeBook | undefined; group: Group; code: string }) {
  if (code === "") return <span class="warn">no code: only a person can say</span>;
  const above = book?.aboveOf(scheme, version, code) ?? [];
  return (
    <>
      <b>{code}</b> {book?.nameOf(scheme, version, code) ?? ""}
      {above.length > 0 && <span class="dim"> · {above.join(" › ")}</span>}
    </>
  );
}

/** The probability, and from where on the model decides by itself. */
function Sureness({ review: { probability, inference }, bounds }: { review: Review; bounds: State["bounds"] }) {
  const { floor, confidence } = bounds.get(inference) ?? {};
  const threshold: ComponentChildren =
    floor === undefined ? (
      "its threshold was not kept"
    ) : (
      <>
        by itself from {percent(floor, { digits: 0 })}
        {confidence === undefined ? " (no lead is safe: all go to people)" : `, and ${percent(confidence)} against the runner-up alone`}
      </>
    );
  return (
    <span class="row">
      <span class="review-sure" role="img" aria-label={`probability ${percent(probability)}`}>
        <i style={{ width: `${100 * probability}%` }} />
        {floor !== undefined && <u style={{ insetInlineStart: `${100 * floor}%` }} />}
      </span>
      <b>{percent(probability)}</b> <span class="dim">{threshold}</span>
    </span>
  );
}

const Evidence = ({ words }: { words: readonly Word[] }) => (
  <span class="row">
    {words.slice(0, 20).map(({ word, weight }) => (
      <Badge key={word}>
        <bdi>{word === "" ? "an empty field" : word.slice(0, 60)}</bdi> <small>{weight.toFixed(2)}</small>
      </Badge>
    ))}
  </span>
);
