// Routes: what a client can ask, by `METHOD /path`: types alone, inferred from the declarations the server answers by.

import type { z } from "zod";
import type { routes as classify } from "../classify/module.ts";
import type { routes as forecast } from "../forecast/module.ts";
import type { Bytes, RouteSpec } from "../platform/web/route.ts";
import type * as openapi from "../platform/web/openapi-route.ts";
import type * as platform from "../server/contract.ts";
import type * as identity from "../server/identity/contract.ts";

type Declared<Contract> = Extract<Contract[keyof Contract], RouteSpec>;
type AnyRoute =
  | Declared<typeof platform>
  | Declared<typeof classify>
  | Declared<typeof forecast>
  | Declared<typeof openapi>
  | Declared<typeof identity>;

/** Every route by `METHOD /path`: `GET /api/runs/:id`. */
export type Routes = { readonly [Spec in AnyRoute as `${Spec["method"]} ${Spec["path"]}`]: Spec };
export type RouteName = keyof Routes;

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
export type PagedRoute = {
  [Name in RouteName]: Answer<Routes[Name]> extends { readonly next?: string | undefined } ? Name : never;
}[RouteName];

/** What the stream tells, by the name of the event. */
export type Told = {
  readonly [Name in keyof typeof platform.streamed]: {
    readonly event: Name;
    /** Give it as `after` to go on behind it. */
    readonly id: string;
    readonly data: z.output<(typeof platform.streamed)[Name]>;
  };
}[keyof typeof platform.streamed];
