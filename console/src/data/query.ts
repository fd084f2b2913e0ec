// Asking: answers of routes as state of a component, kept while they are fresh and asked again when something happened.
//
//   Q1. What is shown stays while the same question is asked again. Under another question it goes at once, but for lists under another filter and
//       for what asks it (`keep`): these stand until the new answer is there, and `isFormer` says so.
//   Q2. A query says what makes it stale (`live`); a change of that kind on any tab asks it again, at most once in half a second.

import { InfiniteQueryObserver, QueryClient, QueryObserver, type InfiniteData, type QueryKey } from "@tanstack/query-core";
import { useEffect, useReducer, useRef } from "preact/hooks";
import { client, isStockroomError, type AnswerOf, type CallOf, type PagedRoute, type RouteName } from "./client.ts";

/** What may change under an answer: the state of runs, or events (uploads, champions, forecasts, answers ...). */
export type Live = "runs" | "events";

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      gcTime: 5 * 60_000,
      retry: (failures, error) => failures < 2 && isStockroomError(error) && error.kind === "busy",
      refetchOnWindowFocus: true,
    },
  },
});
queries.mount();

export interface Asked<Value> {
  readonly value: Value | undefined;
  readonly error: unknown;
  /** It is being asked again. */
  readonly isAsking: boolean;
  /** `value` answers the question before this one. */
  readonly isFormer: boolean;
  /** Asks again now. */
  readonly again: () => void;
}

export interface AskOptions {
  readonly live?: readonly Live[];
  /** Ask every so many milliseconds besides. */
  readonly everyMs?: number;
  /** It does not change: asked once, and not again when the window is looked at again or something was done. */
  readonly once?: boolean;
  /** For how long an answer is taken as it is. Default: 2 seconds. */
  readonly freshMs?: number;
  /** The former answer stands until that of another question is there. */
  readonly keep?: boolean;
  /** False: not yet, because something it needs is missing. */
  readonly when?: boolean;
}

const keyOf = (name: string, call: unknown, live: readonly Live[]): QueryKey => [name, call ?? {}, { live }];

/**
 * Asks a route, and again when it goes stale.
 *
 * @example
 * const { value, error } = useAsk("GET /api/runs", { query: { state } }, { live: ["runs"] });
 */
export function useAsk<Name extends RouteName>(name: Name, call?: CallOf<Name>, options: AskOptions = {}): Asked<AnswerOf<Name>> {
  // The types of `client.call` hang on a name known while compiling; here it is one of many.
  const ask = client.call.bind(client) as (name: Name, call: object) => Promise<AnswerOf<Name>>; // oxlint-disable-line typescript/no-unsafe-type-assertion
  return useAnswer(
    keyOf(name, call, options.live ?? []),
    async (signal) => (await ask(name, { ...call, signal })) as AnswerOf<Name>,
    options,
  );
}

/** The same for what is no single route: several answers put together. `key` names the question, whole. */
export function useAnswer<Value>(key: QueryKey, ask: (signal: AbortSignal) => Promise<Value>, options: AskOptions = {}): Asked<Value> {
  const { observer, result } = useObserved(
    key,
    options,
    (times) => ({
      queryKey: key,
      queryFn: async ({ signal }: { signal: AbortSignal }) => await ask(signal),
      ...times,
      ...(options.keep === true ? { placeholderData: (before: unknown) => before as never } : {}),
    }),
    (asked) => new QueryObserver<Value>(queries, asked),
  );
  return { ...askedOf(result), value: result.data, again: () => void observer.refetch() };
}

export interface AskedPages<Value> extends Asked<readonly Value[]> {
  readonly hasMore: boolean;
  readonly more: () => void;
}

/** Asks a list page by page: `value` holds the pages that were asked so far. Under another filter the former rows stand until the new ones are there. */
export function usePages<Name extends PagedRoute>(
  name: Name,
  call: { readonly params?: object; readonly query?: object },
  options: AskOptions = {},
): AskedPages<AnswerOf<Name>> {
  type Page = AnswerOf<Name> & { readonly next?: string };
  const ask = client.call.bind(client) as (name: Name, call: object) => Promise<Page>; // oxlint-disable-line typescript/no-unsafe-type-assertion
  const key: QueryKey = ["pages", name, call.params ?? {}, call.query ?? {}, { live: options.live ?? [] }];
  const { observer, result } = useObserved(
    key,
    options,
    (times) => ({
      queryKey: key,
      queryFn: async ({ pageParam, signal }: { pageParam: string; signal: AbortSignal }) =>
        await ask(name, { ...call, query: { ...call.query, ...(pageParam === "" ? {} : { cursor: pageParam }) }, signal }),
      initialPageParam: "",
      getNextPageParam: (last: Page) => last.next,
      ...times,
      // Not those of another thing, as of another forecast.
      placeholderData: (before: unknown, of: { readonly queryKey: QueryKey } | undefined) =>
        (JSON.stringify(of?.queryKey.slice(0, 3)) === JSON.stringify(key.slice(0, 3)) ? before : undefined) as never,
    }),
    (asked) => new InfiniteQueryObserver<Page, Error, InfiniteData<AnswerOf<Name>>, QueryKey, string>(queries, asked),
  );
  return {
    ...askedOf(result),
    value: result.data?.pages,
    again: () => void observer.refetch(),
    hasMore: result.hasNextPage,
    more: () => void observer.fetchNextPage(),
  };
}

interface Observer<Options, Result> {
  setOptions(options: Options): void;
  getCurrentResult(): Result;
  subscribe(told: () => void): () => void;
}

/** The observer of a component, and what it sees of the question that is asked now: never the answer to a former one without saying so (`isFormer`). */
function useObserved<Options, Result, Of extends Observer<Options, Result>>(
  key: QueryKey,
  { when = true, everyMs, once = false, freshMs }: AskOptions,
  optionsOf: (times: Times) => Options,
  open: (options: Options) => Of & Observer<Options, Result>,
): { readonly observer: Of; readonly result: Result } {
  const hash = JSON.stringify([key, when, everyMs]);
  const held = useRef<{ readonly observer: Of; readonly hash: string } | undefined>(undefined);
  const [, draw] = useReducer((count: number) => count + 1, 0);
  if (held.current?.hash !== hash) {
    const options = optionsOf({
      enabled: when,
      ...(everyMs === undefined ? {} : { refetchInterval: everyMs }),
      // "static": not even when every answer is forgotten.
      ...(once ? { staleTime: "static" } : freshMs === undefined ? {} : { staleTime: freshMs }),
    });
    const former = held.current?.observer;
    former?.setOptions(options);
    held.current = { observer: former ?? open(options), hash };
  }
  const { observer } = held.current;
  useEffect(() => observer.subscribe(() => draw(undefined)), [observer]);
  return { observer, result: observer.getCurrentResult() };
}

interface Times {
  readonly enabled: boolean;
  readonly refetchInterval?: number;
  readonly staleTime?: number | "static";
}

interface Seen {
  readonly error: Error | null;
  readonly fetchStatus: "fetching" | "paused" | "idle";
  readonly isPlaceholderData: boolean;
}

const askedOf = ({ error, fetchStatus, isPlaceholderData }: Seen) => ({
  error: error ?? undefined,
  isAsking: fetchStatus === "fetching",
  isFormer: isPlaceholderData,
});

/** Every answer of these routes is stale: asked again where it is shown. Without names: all. */
export function forget(...names: readonly RouteName[]): void {
  void queries.invalidateQueries({
    predicate: ({ queryKey }) => names.length === 0 || names.some((name) => queryKey.includes(name)),
  });
}

/** Every answer that hangs on this is stale. */
export function forgetLive(live: Live): void {
  void queries.invalidateQueries({
    predicate: ({ queryKey }) =>
      queryKey.some((part) => typeof part === "object" && part !== null && "live" in part && includes(part.live, live)),
  });
}

const includes = (list: unknown, live: Live): boolean => Array.isArray(list) && list.includes(live);
