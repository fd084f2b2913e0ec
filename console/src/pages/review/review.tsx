// Review: what people have to say, one question after another, by keys.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useCodes } from "../../data/codes.ts";
import { useAsk } from "../../data/query.ts";
import { typedName, useSpeaker } from "../../data/say.ts";
import { useFilters } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { Button, CopyAs } from "../../parts/button.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { SelectField, TextField } from "../../parts/fields.tsx";
import { Bar, counted, grouped } from "../../parts/show.tsx";
import { Empty, Failed, Note, Waiting } from "../../parts/states.tsx";
import { Card, isAnswer } from "./card.tsx";
import { alikeOf, paceOf, placesText, type Group } from "./groups.ts";
import { Picker } from "./picker.tsx";
import { Rates } from "./rates.tsx";
import { currentOf, openGroups, openSession, type Session, type State } from "./session.ts";
import "./review.css";

const kinds = [
  { value: "", name: "all" },
  { value: "low", name: "not sure enough" },
  { value: "audit", name: "audit sample" },
  { value: "former", name: "answered before" },
  { value: "recode", name: "recoding" },
];

export function Review() {
  const filters = useFilters();
  const [line, period, kind] = [filters.get("line"), filters.get("period"), filters.get("kind")];
  const { name, isSignedIn } = useSpeaker();
  const counts = useAsk("GET /api/classify/review/counts", {}, { live: ["events"] });
  const periods = useAsk("GET /api/classify/periods", {}, { live: ["events"] });
  const [round, setRound] = useState(0);
  const speaker = useRef(name);
  speaker.current = isSignedIn ? "" : name;
  const session = useMemo(
    () =>
      openSession({ ...(line === "" ? {} : { line }), ...(period === "" ? {} : { period }), ...(kind === "" ? {} : { kind }) }, () => ({
        by: speaker.current === "" ? undefined : speaker.current,
      })),
    [line, period, kind, round],
  );
  useEffect(() => () => session.close(), [session]);
  const of = (counts.value?.counts ?? []).filter((one) => (line === "" || one.line === line) && (kind === "" || one.kind === kind));
  const waiting = of.reduce((sum, { state, count }) => (state === "waiting" ? sum + count : sum), 0);
  const query = new URLSearchParams({ ...(line === "" ? {} : { line }), ...(kind === "" ? {} : { kind }) }).toString();
  return (
    <Page
      title="Review"
      about={`An answer belongs to the item: it holds for every later coding, and the line's next training learns from it.`}
      acts={
        <>
          <Button onPress={() => setRound(round + 1)}>Load the queue again</Button>
          <CopyAs
            said={{
              method: "GET",
              path: `/api/classify/review${query === "" ? "" : `?${query}`}`,
              command: ["classify", "reviews", "list"],
            }}
            small={false}
          />
        </>
      }
    >
      <div class="filters">
        <SelectField
          title="Line"
          value={line}
          onValue={(line) => filters.set({ line })}
          choices={[{ value: "", name: "all lines" }, ...new Set((counts.value?.counts ?? []).map((one) => one.line))]}
        />
        <SelectField
          title="Period"
          value={period}
          onValue={(period) => filters.set({ period })}
          choices={[{ value: "", name: "all periods" }, ...(periods.value?.periods ?? []).map((one) => one.period)]}
        />
        <SelectField title="Why" value={kind} onValue={(kind) => filters.set({ kind })} choices={kinds} />
        {!isSignedIn && (
          <TextField
            title="Your name, kept with each answer"
            value={typedName.value}
            onValue={(value) => (typedName.value = value)}
            required
            problem={name === "" ? "Say who you are, then answer." : undefined}
          />
        )}
      </div>
      <Work session={session} isNamed={name !== ""} waiting={period === "" ? waiting : undefined} again={() => setRound(round + 1)} />
      <Rates line={line} />
    </Page>
  );
}

interface WorkProps {
  readonly session: Session;
  readonly isNamed: boolean;
  /** How many rows wait, as far as it is counted. */
  readonly waiting: number | undefined;
  readonly again: () => void;
}

function Work({ session, isNamed, waiting, again }: WorkProps) {
  const state = session.state.value;
  const { groups, isLoaded, error, bounds, said } = state;
  const current = currentOf(state);
  const group = current?.group;
  const { value: book } = useCodes([...new Set(groups.map(({ scheme }) => scheme))]);
  const [called, setCalled] = useState(0);
  const [dialog, setDialog] = useState<"keys" | "alike" | undefined>(undefined);
  const place = useRef<HTMLElement>(null);
  const shown = useRef(group?.key);
  useEffect(() => {
    // What was answered is gone: the next question is read out, but nothing moves when the page opens.
    if (shown.current !== undefined && shown.current !== group?.key) place.current?.focus({ preventScroll: true });
    shown.current = group?.key;
  }, [group?.key]);
  const alike = group === undefined || current?.back !== undefined ? [] : alikeOf(group, openGroups(state));
  const answer = (code: string): void => {
    if (group !== undefined && isNamed && isAnswer(book, group, code)) session.answer([group], code);
  };
  const keys: Readonly<Record<string, () => void>> = {
    Enter: () => answer(group?.reviews[0].predicted ?? ""),
    "2": () => answer(group?.reviews[0].runnerUp ?? ""),
    "/": () => setCalled(called + 1),
    s: session.skip,
    u: session.undo,
    a: () => alike.length > 0 && isNamed && setDialog("alike"),
    "?": () => setDialog("keys"),
  };
  useKeys(keys);
  useLeaving(state.open > 0);
  if (error !== undefined && groups.length === 0) return <Failed error={error} again={again} />;
  return (
    <>
      <Progress state={state} waiting={waiting} onKeys={() => setDialog("keys")} />
      <div class="unseen" role="status">
        {said}
      </div>
      {error !== undefined && <Failed error={error} again={again} />}
      {group === undefined ? (
        isLoaded ? (
          <Empty>
            <p>
              {state.isCut
                ? "All that was loaded is answered; the queue is longer."
                : state.times.length === 0
                  ? "Nothing waits for review here."
                  : "All of this queue is answered."}
            </p>
            {state.isCut && (
              <Button look="first" onPress={again}>
                Load the queue again
              </Button>
            )}
            {state.times.length > 0 && (
              <Button onPress={session.undo}>
                Undo the last answer <kbd>U</kbd>
              </Button>
            )}
          </Empty>
        ) : (
          <Waiting lines={6} />
        )
      ) : (
        <div class="review-main">
          <Card
            place={place}
            group={group}
            back={current?.back}
            alike={alike}
            bounds={bounds}
            book={book}
            isNamed={isNamed}
            onAnswer={answer}
            onAlike={() => setDialog("alike")}
            onSkip={session.skip}
            onUndo={session.undo}
          />
          <Picker
            key={`${group.scheme} ${group.version}`}
            book={book}
            scheme={group.scheme}
            version={group.version}
            called={called}
            onPick={answer}
            onLeave={() => place.current?.focus({ preventScroll: true })}
          />
        </div>
      )}
      {dialog === "keys" && <Keys onClose={() => setDialog(undefined)} />}
      {dialog === "alike" && group !== undefined && (
        <Alike
          group={group}
          alike={alike}
          onClose={() => setDialog(undefined)}
          onDo={() => {
            setDialog(undefined);
            session.answer([group, ...alike], group.reviews[0].predicted);
          }}
        />
      )}
    </>
  );
}

/** Keys of the page, where nobody types and no dialog is open. */
function useKeys(keys: Readonly<Record<string, () => void>>): void {
  const now = useRef(keys);
  now.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const { target, key } = event;
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.querySelector("dialog[open]") !== null)
        return;
      if (!(target instanceof Element) || target.closest("input, textarea, select, [role=listbox]") !== null) return;
      // Enter on a button is that button's.
      if (key === "Enter" && (event.repeat || target.closest("a, button, summary") !== null)) return;
      const act = now.current[key.length === 1 ? key.toLowerCase() : key];
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

/** Asks before a tab is closed whose answers are not kept yet. */
function useLeaving(isOpen: boolean): void {
  useEffect(() => {
    if (!isOpen) return undefined;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [isOpen]);
}

function Progress({ state, waiting, onKeys }: { state: State; waiting: number | undefined; onKeys: () => void }) {
  const { groups, times, open, isLoaded, isCut } = state;
  const left = openGroups(state).length;
  const pace = paceOf(times, Date.now());
  const total = groups.length;
  return (
    <div class="row">
      <span>
        <b>{grouped(left)}</b> {left === 1 ? "question" : "questions"} left{isLoaded ? "" : " so far"}
        {isCut ? " of those loaded; the queue is longer" : ""}
      </span>
      <span class="review-bar">
        <Bar share={total === 0 ? 0 : (total - left) / total} label={`${total - left} of ${total} answered`} />
      </span>
      <span class="dim">
        {counted(times.length, "answer")} here{pace === undefined ? "" : `, ${grouped(pace)} an hour`}
        {open > 0 ? `, ${open} on the way` : ""}
        {waiting === undefined ? "" : `; ${grouped(waiting)} rows wait in all`}
      </span>
      <Button small onPress={onKeys}>
        Keys <kbd>?</kbd>
      </Button>
    </div>
  );
}

const keyWords = [
  ["Enter", "the predicted code is right"],
  ["2", "the runner-up is right"],
  ["/", "find another code; arrows choose, Enter answers, Escape leaves"],
  ["A", "the same answer for all that are alike, after a look at them"],
  ["S", "skip: it comes again at the end"],
  ["U", "undo the last answer: within three seconds it is taken back whole, later your next answer amends it"],
  ["?", "these keys"],
] as const;

const Keys = ({ onClose }: { onClose: () => void }) => (
  <Dialog title="Keys" onClose={onClose}>
    <dl class="facts">
      {keyWords.map(([key, words]) => [
        <dt key={key}>
          <kbd>{key}</kbd>
        </dt>,
        <dd key={`${key}-w`}>{words}</dd>,
      ])}
    </dl>
    <div class="ends">
      <Button onPress={onClose}>Close</Button>
    </div>
  </Dialog>
);

function Alike({ group, alike, onDo, onClose }: { group: Group; alike: readonly Group[]; onDo: () => void; onClose: () => void }) {
  const [{ predicted }] = group.reviews;
  const all = [group, ...alike];
  return (
    <Dialog title={`${predicted} for all ${all.length}?`} onClose={onClose}>
      <p>They have the same title and the same predicted code. Each gets an answer of its own.</p>
      <ul class="stack">
        {all.map((one) => (
          <li key={one.key}>
            <bdi>{one.title}</bdi> <span class="dim">{one.more.join(" · ").slice(0, 120)}</span>
            <div class="dim">
              {one.reviews[0].itemId}: {placesText(one)}
            </div>
          </li>
        ))}
      </ul>
      {alike.some((one) => one.more.join(" ") !== group.more.join(" ")) && (
        <Note kind="warn">Their descriptions are not all the same.</Note>
      )}
      <div class="ends">
        <Button onPress={onClose}>One by one</Button>
        <Button look="first" onPress={onDo}>
          {predicted} for all {all.length}
        </Button>
      </div>
    </Dialog>
  );
}
