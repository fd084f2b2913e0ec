// Remote: a server as whoever asks it sees it, typed by the declarations it answers by. Types, and how pages become one list.

import type { z } from "zod";
import type { Bytes, RouteSpec } from "./route.ts";

type Declared<Contract> = Extract<Contract[keyof Contract], RouteSpec>;

/** The routes of a part's `contract.ts` by `METHOD /path`: `RoutesOf<typeof import("./contract.ts")>`. */
export type RoutesOf<Contract> = { readonly [Spec in Declared<Contract> as `${Spec["method"]} ${Spec["path"]}`]: Spec };

export type AnyRoutes = Readonly<Record<string, RouteSpec>>;

/** A value of the query; an absent one is left out. */
type Asked<Value> = { readonly [Key in keyof Value]: Value[Key] };

/** What is sent where a body is bytes. */
export type Upload = Uint8Array<ArrayBuffer> | string | Blob | ReadableStream<Uint8Array>;

type Part<Name extends string, Schema> = Schema extends z.ZodType
  ? Record<string, never> extends z.input<Schema>
    ? { readonly [Key in Name]?: Asked<z.input<Schema>> }
    : { readonly [Key in Name]: Asked<z.input<Schema>> }
  : object;

type BodyPart<Body> = Body extends Bytes ? { readonly body: Upload; readonly contentType?: string } : Part<"body", Body>;

/** What a call takes: those of `params`, `query` and `body` that the route has, and how it is called. */
export type Call<Spec extends RouteSpec> = Part<"params", Spec["params"]> &
  Part<"query", Spec["query"]> &
  BodyPart<Spec["body"]> &
  CallOptions;

export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a call gives: the answer's JSON; the response itself where it is bytes; nothing where the status says all. */
export type Answer<Spec extends RouteSpec> = Spec["answer"] extends z.ZodType
  ? z.output<Spec["answer"]>
  : Spec["answer"] extends Bytes
    ? Response
    : undefined;

/** Routes whose answers come in pages. */
export type PagedRoute<Routes extends AnyRoutes> = {
  [Name in keyof Routes & string]: Answer<Routes[Name]> extends { readonly next?: string | undefined } ? Name : never;
}[keyof Routes & string];

type Arguments<Spec extends RouteSpec> = object extends Call<Spec> ? [call?: Call<Spec>] : [call: Call<Spec>];

export interface Remote<Routes extends AnyRoutes> {
  /**
   * Calls a route. Throws what the server refused as a `StockroomError`.
   *
   * @example
   * const { runs } = await client.call("GET /api/runs", { query: { state: "dead" } });
   * await client.call("PUT /objects/*", { params: { "*": "forecast/train/shop.csv" }, body: csv, contentType: "text/csv" });
   */
  call<Name extends keyof Routes & string>(name: Name, ...[call]: Arguments<Routes[Name]>): Promise<Answer<Routes[Name]>>;
  /**
   * The pages of a list, one after the other.
   *
   * @example
   * for await (const { runs } of client.pages("GET /api/runs")) for (const run of runs) console.log(run.id);
   */
  pages<Name extends PagedRoute<Routes>>(
    name: Name,
    ...[call]: Arguments<Routes[Name]>
  ): AsyncGenerator<Answer<Routes[Name]>, void, undefined>;
}

/** The first rows of a list that comes in pages: at most `limit`. */
export async function takeRows<Page, Row>(
  pages: AsyncIterable<Page>,
  rowsOf: (page: Page) => readonly Row[],
  limit = Number.POSITIVE_INFINITY,
): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const page of pages) {
    rows.push(...rowsOf(page));
    if (rows.length >= limit) break;
  }
  return rows.slice(0, limit);
}
