// A session of review: the queue as it was loaded, what was answered, skipped or came back, and the answers on their way.
//
// Owns: which question is shown. Does not own: how a question looks (card.tsx), the order of sending (outbox.ts).
//   S1. The whole queue is loaded ahead, page by page, so that the next question is there at once.
//   S2. What was answered is gone from the queue before the server knows; what is refused comes back first, with the server's words.

import { signal, type ReadonlySignal } from "@preact/signals";
import { client, isStockroomError, sayError } from "../../data/client.ts";
import { forget } from "../../data/query.ts";
import type { AnswerOf } from "../../data/client.ts";
import { groupReviews, toSend, type Group, type Review } from "./groups.ts";
import { openOutbox, type Answer, type Batch } from "./outbox.ts";

export interface Filter {
  readonly line?: string;
  readonly period?: string;
  readonly kind?: string;
}

/** Why a question is shown once more. */
export interface Back {
  readonly group: Group;
  readonly tone: "note" | "bad";
  readonly text: string;
  readonly code?: string;
  /** The next answer replaces one that is kept. */
  readonly amends?: string;
}

type List = AnswerOf<"GET /api/classify/review">;

export interface State {
  readonly groups: readonly Group[];
  readonly bounds: ReadonlyMap<string, List["bounds"][number]>;
  readonly back: readonly Back[];
  readonly done: ReadonlySet<string>;
  readonly skipped: readonly string[];
  readonly isLoaded: boolean;
  /** The queue is longer than what was loaded. */
  readonly isCut: boolean;
  readonly error: unknown;
  /** When an answer was given, for the pace. */
  readonly times: readonly number[];
  /** Answers on their way. */
  readonly open: number;
  /** The last thing that was done, in words, for screen readers. */
  readonly said: string;
}

interface Given extends Batch {
  readonly groups: readonly Group[];
  readonly code: string;
}

const firstPage = 60;
const page = 500;
const most = 3_000;
const holdMs = 3_000;

export interface Session {
  readonly state: ReadonlySignal<State>;
  /** Answers these questions alike. */
  readonly answer: (groups: readonly Group[], code: string) => void;
  readonly skip: () => void;
  readonly undo: () => void;
  /** Sends what is held, and loads no further. */
  readonly close: () => void;
}

/** The question to be answered now. Pure. */
export function currentOf({ back, groups, done, skipped }: State): { readonly group: Group; readonly back?: Back } | undefined {
  const [first] = back;
  if (first !== undefined) return { group: first.group, back: first };
  const open = groups.filter(({ reviews }) => reviews.some(({ id }) => !done.has(id)));
  const put = new Set(skipped);
  const group = open.find(({ key }) => !put.has(key)) ?? skipped.flatMap((key) => open.find((one) => one.key === key) ?? [])[0];
  return group === undefined ? undefined : { group };
}

/** Those of the queue that are not answered. Pure. */
export const openGroups = ({ groups, done }: Pick<State, "groups" | "done">): readonly Group[] =>
  groups.filter(({ reviews }) => reviews.some(({ id }) => !done.has(id)));

const nothing: State = {
  groups: [],
  bounds: new Map(),
  back: [],
  done: new Set(),
  skipped: [],
  isLoaded: false,
  isCut: false,
  error: undefined,
  times: [],
  open: 0,
  said: "",
};

/** `by`: who answers; asked at each answer. Undefined: the server knows. */
export function openSession(filter: Filter, by: () => { readonly by: string | undefined }): Session {
  const state = signal(nothing);
  const change = (next: Partial<State>): void => void (state.value = { ...state.peek(), ...next });
  const gone = new AbortController();

  const outbox = openOutbox<Given>({
    holdMs,
    later: (call, ms) => {
      const timer = setTimeout(call, ms);
      return () => clearTimeout(timer);
    },
    send: async (answer, { amends }) => {
      try {
        await sendAnswer(answer, amends, by());
      } catch (error) {
        if (!saysSame(error, answer.code)) throw error;
      }
    },
    onChange: () => {
      change({ open: outbox.open });
      if (outbox.open === 0) forget("GET /api/classify/review/counts", "GET /api/classify/review/rates");
    },
    onRefused: ({ groups }, refused) => {
      const errors = new Map(refused.map(({ answer, error }) => [answer.review, error]));
      const { done, back } = state.peek();
      const returned = groups.flatMap((group): Back[] => {
        const own = group.reviews.filter(({ id }) => errors.has(id));
        const [first, ...rest] = own;
        if (first === undefined) return [];
        const { code, message } = sayError(errors.get(first.id));
        const amends = code === "REVIEW_ANSWERED" ? "looked again in the console" : undefined;
        return [
          { group: { ...group, reviews: [first, ...rest] }, tone: "bad", text: message, code, ...(amends === undefined ? {} : { amends }) },
        ];
      });
      change({ back: [...returned, ...back], done: without(done, [...errors.keys()]), said: "An answer was refused and came back." });
    },
  });

  void loadQueue(filter, gone.signal, (reviews, { texts, bounds, next }, isLoaded) =>
    change({
      groups: groupReviews(reviews, texts),
      bounds: new Map([...state.peek().bounds, ...bounds.map((one) => [one.inference, one] as const)]),
      isLoaded,
      isCut: isLoaded && next !== undefined,
    }),
  ).catch((error: unknown) => {
    if (!gone.signal.aborted) change({ error, isLoaded: true });
  });

  return {
    state,
    answer: (groups, code) => {
      const { back, done, times } = state.peek();
      const keys = new Set(groups.map(({ key }) => key));
      const amends = back.find(({ group }) => keys.has(group.key))?.amends;
      const rows = groups.flatMap(({ reviews }) => reviews);
      const answers = toSend(amends === undefined ? rows.filter(({ id }) => !done.has(id)) : rows).map(({ id }): Answer => ({
        review: id,
        code,
      }));
      // A second press before the next question is drawn: this one has its answer.
      if (answers.length === 0) return;
      change({
        done: new Set([...done, ...rows.map(({ id }) => id)]),
        back: back.filter(({ group }) => !keys.has(group.key)),
        times: [...times, ...groups.map(() => Date.now())],
        said: `${code} for ${groups.length === 1 ? (groups[0]?.title ?? "") : `${groups.length} items alike`}.`,
      });
      outbox.give({ answers, groups, code, ...(amends === undefined ? {} : { amends }) });
    },
    skip: () => {
      const now = state.peek();
      const current = currentOf(now);
      if (current === undefined) return;
      const { key } = current.group;
      change({
        back: now.back.filter(({ group }) => group.key !== key),
        skipped: [...now.skipped.filter((one) => one !== key), key],
        said: current.back?.amends === undefined ? "Skipped." : "The answer stands.",
      });
    },
    undo: () => {
      const undone = outbox.undo();
      if (undone === undefined) return change({ said: "There is nothing to undo." });
      const { groups, code } = undone.batch;
      const now = state.peek();
      const isKept = undone.how === "kept";
      const text = isKept
        ? `${code} is kept already. Your next answer amends it: the first one stays in the log, and so does that it was amended. S leaves it as it is.`
        : "Taken back before it was sent: nothing was kept of it.";
      change({
        back: [
          ...groups.map((group): Back => ({ group, tone: "note", text, ...(isKept ? { amends: "undone at once by the reviewer" } : {}) })),
          ...now.back,
        ],
        done: isKept
          ? now.done
          : without(
              now.done,
              groups.flatMap(({ reviews }) => reviews.map(({ id }) => id)),
            ),
        times: now.times.slice(0, -groups.length),
        said: text,
      });
    },
    close: () => {
      gone.abort();
      outbox.flush();
    },
  };
}

const without = (set: ReadonlySet<string>, ids: readonly string[]): ReadonlySet<string> => {
  const out = new Set(ids);
  return new Set([...set].filter((id) => !out.has(id)));
};

/** Whether what stands there already is this very code: an answer in another version was carried over, or somebody said the same. */
const saysSame = (error: unknown, code: string): boolean =>
  isStockroomError(error) && (error.code === "REVIEW_SAME" || (error.code === "REVIEW_ANSWERED" && error.facts["answer"] === code));

async function sendAnswer(
  { review: id, code }: Answer,
  amends: string | undefined,
  by: { readonly by: string | undefined },
): Promise<unknown> {
  return amends === undefined
    ? await client.call("POST /api/classify/review/:id", { params: { id }, body: { code, ...by } })
    : await client.call("POST /api/classify/review/:id/amend", {
        params: { id },
        body: { code, reason: amends, ...by },
      });
}

/** Reads the queue to its end, or as far as anybody answers in a day; tells what there is after each page. */
async function loadQueue(
  filter: Filter,
  abort: AbortSignal,
  onPage: (reviews: readonly Review[], page: List, isLoaded: boolean) => void,
): Promise<void> {
  const reviews: Review[] = [];
  const seen = new Set<string>();
  let cursor: string | undefined;
  do {
    const list: List = await client.call("GET /api/classify/review", {
      query: { ...filter, state: "waiting", limit: reviews.length === 0 ? firstPage : page, ...(cursor === undefined ? {} : { cursor }) },
      signal: abort,
    });
    if (abort.aborted) return;
    for (const review of list.reviews) {
      if (seen.has(review.id)) continue;
      seen.add(review.id);
      reviews.push(review);
    }
    cursor = reviews.length >= most ? undefined : list.next;
    onPage(reviews, list, cursor === undefined);
  } while (cursor !== undefined);
}
