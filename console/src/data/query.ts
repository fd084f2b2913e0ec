// Asking: answers of routes as state of a component, kept while they are fresh and asked again when something happened.
//
//   Q1. What is shown stays until the new answer is there: a list never blinks empty.
//   Q2. A query says what makes it stale (`live`); a change of that kind on any tab asks it again, at most once in half a second.

import { InfiniteQueryObserver, QueryClient, QueryObserver, type InfiniteData, type QueryKey } from "@tanstack/query-core";
import { useEffect, useMemo, useState } from "preact/hooks";
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
  /** Nothing is there yet, and it was asked. */
  readonly isWaiting: boolean;
  /** It is being asked again. */
  readonly isAsking: boolean;
  /** Asks again now. */
  readonly again: () => void;
}

export interface AskOptions {
  readonly live?: readonly Live[];
  /** Ask every so many milliseconds besides. */
  readonly everyMs?: number;
  /** It does not change: asked once, and not again when the window is looked at again. */
  readonly once?: boolean;
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
  const hash = JSON.stringify(key);
  const observed = useMemo(
    () =>
      new QueryObserver<Value>(queries, {
        queryKey: key,
        queryFn: async ({ signal }) => await ask(signal),
        enabled: options.when ?? true,
        ...(options.everyMs === undefined ? {} : { refetchInterval: options.everyMs }),
        ...(options.once === true ? { staleTime: Number.POSITIVE_INFINITY } : {}),
        placeholderData: (before: unknown) => before as never, // Q1
      }),
    [hash, options.when, options.everyMs],
  );
  const [result, setResult] = useState(() => observed.getCurrentResult());
  useEffect(() => {
    setResult(observed.getCurrentResult());
    return observed.subscribe(setResult);
  }, [observed]);
  return {
    value: result.data,
    error: result.error ?? undefined,
    isWaiting: result.data === undefined && result.fetchStatus !== "idle",
    isAsking: result.fetchStatus === "fetching",
    again: () => void observed.refetch(),
  };
}

export interface AskedPages<Value> extends Asked<readonly Value[]> {
  readonly hasMore: boolean;
  readonly more: () => void;
}

/** Asks a list page by page: `value` holds the pages that were asked so far. */
export function usePages<Name extends PagedRoute>(
  name: Name,
  call: { readonly params?: object; readonly query?: object },
  { live = [], when = true }: AskOptions = {},
): AskedPages<AnswerOf<Name>> {
  const key = keyOf(name, call, live);
  const hash = JSON.stringify(key);
  const ask = client.call.bind(client) as (name: Name, call: object) => Promise<AnswerOf<Name> & { readonly next?: string }>; // oxlint-disable-line typescript/no-unsafe-type-assertion
  const observed = useMemo(
    () =>
      new InfiniteQueryObserver<AnswerOf<Name> & { readonly next?: string }, Error, InfiniteData<AnswerOf<Name>>, QueryKey, string>(
        queries,
        {
          queryKey: ["pages", ...key],
          queryFn: async ({ pageParam, signal }) =>
            await ask(name, { ...call, query: { ...call.query, ...(pageParam === "" ? {} : { cursor: pageParam }) }, signal }),
          initialPageParam: "",
          getNextPageParam: (last) => last.next,
          enabled: when,
        },
      ),
    [hash, when],
  );
  const [result, setResult] = useState(() => observed.getCurrentResult());
  useEffect(() => {
    setResult(observed.getCurrentResult());
    return observed.subscribe(setResult);
  }, [observed]);
  return {
    value: result.data?.pages,
    error: result.error ?? undefined,
    isWaiting: result.data === undefined && result.fetchStatus !== "idle",
    isAsking: result.fetchStatus === "fetching",
    hasMore: result.hasNextPage,
    again: () => void observed.refetch(),
    more: () => void observed.fetchNextPage(),
  };
}

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
