// Route: what the server answers, declared once. A declaration is plain data: it validates what comes, types the handler and the client, and
// is the route's entry in the OpenAPI document.
//
// Owns: the shape of a declaration, mounting one, the proof that no route is mounted without one. Does not own: what a route does, who the
// caller is.
//   R1. Every route says which role it needs. `proveDeclared` ends the start of a server that has a route without a declaration.
//   R2. What is not declared of a request is refused: all problems at once, as one error of `readFields`.
//   R3. A handler gives what the answer's schema describes; the compiler sees to it, and a test of the running app that it is so.
// Declarations stand in files of their own (`contract.ts`) that import no code that works, so that a client can have their types.

import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from "fastify";
import { z } from "zod";
import { StockroomError } from "../errors.ts";
import { traced } from "../tracing/spans.ts";
import { asCaller, speakerOf, type Caller } from "./caller.ts";
import { isSpeaker, readFields, type FieldSource } from "./fields.ts";
import { problem } from "./problem.ts";
import type { Needs } from "./roles.ts";

export type { Needs, Role } from "./roles.ts";

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "DELETE";

/** An answer, or a body, that is no JSON: streamed, of one of these types. */
export interface Bytes {
  readonly kind: "bytes";
  readonly types: readonly [string, ...string[]];
}

export interface RouteSpec {
  /** Unique; the operation's id in the OpenAPI document: `listRuns`. */
  readonly name: string;
  readonly method: Method;
  /** `/api/runs/:id`; a `*` at its end is the rest of the path. */
  readonly path: `/${string}`;
  /** The module it belongs to; absent: the platform. */
  readonly owner?: string;
  /** One sentence without a full stop. */
  readonly summary: string;
  readonly needs: Needs;
  /** Of the path's parameters. */
  readonly params?: z.ZodObject;
  /** Absent: no parameter is taken. */
  readonly query?: z.ZodType;
  /** Absent: no body is taken. */
  readonly body?: z.ZodType | Bytes;
  /** "nothing": the status says all. */
  readonly answer: z.ZodType | Bytes | "nothing";
  /** Of the answer; the first unless the handler says otherwise. Default: 200, and 204 for "nothing". */
  readonly status?: readonly [number, ...number[]];
}

/**
 * Declares a route.
 *
 * @example
 * export const listShelves = defineRoute({
 *   name: "listShelves", method: "GET", path: "/api/shelves", summary: "Every shelf", needs: "viewer",
 *   query: z.strictObject({ aisle: z.string().optional() }), answer: z.object({ shelves: list(shelf) }),
 * });
 */
export function defineRoute<const Spec extends RouteSpec>(spec: Spec): Spec {
  return spec;
}

/** Makes the `defineRoute` of a module, whose document (docs/reference/NAME-http.md) and tag its routes have. */
export const routesOf =
  <const Owner extends string>(owner: Owner) =>
  <const Spec extends RouteSpec>(spec: Spec): Spec & { readonly owner: Owner } => ({ ...spec, owner });

/** A page for people, or a form of one: mounted with its role, but no part of the interface for programs. */
export interface PageSpec {
  readonly method: "GET" | "POST";
  readonly path: `/${string}`;
  readonly needs: Needs;
  /** False: looking at it has an effect, so that HEAD is refused. */
  readonly hasHead?: boolean;
}

export const bytes = (...types: readonly [string, ...string[]]): Bytes => ({ kind: "bytes", types });

/** A list in an answer. */
export const list = <Item extends z.ZodType>(item: Item): z.ZodReadonly<z.ZodArray<Item>> => z.array(item).readonly();

type Parsed<Schema, Absent> = Schema extends z.ZodType ? z.output<Schema> : Absent;

/** What a handler gets: what was sent, parsed, and the framework's own for what is rare. */
export interface Asked<Spec extends RouteSpec> {
  readonly params: Parsed<Spec["params"], undefined>;
  readonly query: Parsed<Spec["query"], undefined>;
  readonly body: Parsed<Spec["body"], undefined>;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** What a handler gives; a stream it has sent itself is the reply. */
export type Given<Spec extends RouteSpec> = Spec["answer"] extends z.ZodType
  ? z.input<Spec["answer"]>
  : Spec["answer"] extends Bytes
    ? FastifyReply
    : // oxlint-disable-next-line typescript/no-invalid-void-type -- a handler without an answer returns nothing
      void;

/** The JSON that a route answers. */
export type AnswerOf<Spec extends RouteSpec> = Spec["answer"] extends z.ZodType ? z.output<Spec["answer"]> : never;

declare module "fastify" {
  interface FastifyContextConfig {
    /** Of a route of the interface. */
    readonly route?: RouteSpec;
    /** What a caller must be; of every route. */
    readonly needs?: Needs;
  }
}

const isBytes = (part: z.ZodType | Bytes | "nothing"): part is Bytes => part !== "nothing" && "kind" in part && part.kind === "bytes";

/** Where what is taken is described. */
const docOf = ({ owner }: RouteSpec): string => (owner === undefined ? "docs/reference/http.md" : `docs/reference/${owner}-http.md`);

const sources: Readonly<Record<string, FieldSource>> = { querystring: "query", params: "path", body: "body" };
const nothing = z.strictObject({});

/** Mounts a declared route. */
export function serve<const Spec extends RouteSpec>(
  server: FastifyInstance,
  spec: Spec,
  handle: (asked: Asked<Spec>) => Given<Spec> | Promise<Given<Spec>>,
  options: Pick<RouteShorthandOptions, "bodyLimit" | "exposeHeadRoute"> = {},
): void {
  const { method, path, body, answer } = spec;
  const [status] = statusesOf(spec);
  const takesBody = body !== undefined && !isBytes(body);
  const speakers = body instanceof z.ZodObject ? Object.keys(body.shape).filter((name) => isSpeaker(body.shape[name])) : [];
  /** The body with the names of who says so put in (fields.ts, `speaker`). */
  const spoken = ({ body: given, caller }: FastifyRequest): unknown => {
    if (speakers.length === 0 || typeof given !== "object" || given === null) return given;
    return { ...given, ...Object.fromEntries(speakers.map((name) => [name, saidBy(spec, name, caller, Reflect.get(given, name))])) };
  };
  server.route({
    ...options,
    method,
    url: path,
    config: { route: spec, needs: spec.needs },
    schema: schemaOf(spec),
    validatorCompiler: ({ schema, httpPart = "" }) => {
      const source = sources[httpPart] ?? "query";
      return (values: unknown) => {
        try {
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only our own schemas are handed to the framework
          return { value: readFields(source, schema as unknown as z.ZodType, values, docOf(spec)) };
        } catch (error) {
          return { error: error instanceof Error ? error : new Error(String(error)) };
        }
      };
    },
    serializerCompiler: () => (value) => JSON.stringify(value),
    handler: async (request, reply) => {
      if (body === undefined && hasBody(request.body)) throw unwanted(spec);
      reply.code(status);
      if (isBytes(answer)) reply.header("x-stockroom-bytes", "1");
      // What the compiled schemas made of the request is what `Asked` says.
      const asked = { params: request.params, query: request.query, body: takesBody ? spoken(request) : undefined, request, reply };
      const given = await answering(request, async () => await handle(asked as Asked<Spec>)); // oxlint-disable-line typescript/no-unsafe-type-assertion
      if (isBytes(answer)) return reply;
      if (answer === "nothing") return await reply.send();
      // A page's headers may say another type; of JSON there is one.
      return await reply.type("application/json; charset=utf-8").send(JSON.stringify(given));
    },
  });
}

/** Does the work of a request for its caller, in the caller's trace where one was brought. */
async function answering<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T> {
  const route = request.routeOptions.url ?? "";
  const { traceparent } = request.headers;
  const parent = typeof traceparent === "string" ? traceparent : null;
  const attributes = { "http.request.method": request.method, "http.route": route };
  return await traced(
    `${request.method} ${route}`,
    { kind: "server", parent, attributes },
    async () => await asCaller(request.caller, work),
  );
}

/** Mounts a page. Its handler sends what it shows. */
export function servePage(
  server: FastifyInstance,
  { method, path, needs, hasHead = true }: PageSpec,
  handle: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>,
): void {
  server.route({
    method,
    url: path,
    ...(hasHead ? {} : { exposeHeadRoute: false }),
    config: { needs },
    schema: { hide: true },
    handler: async (request, reply) => await answering(request, async () => await handle(request, reply)),
  });
}

/** Ends the start of a server on which a route is mounted by neither `serve` nor `servePage`: `fault` `ROUTE_UNDECLARED`. */
export function proveDeclared(server: FastifyInstance): void {
  server.addHook("onRoute", ({ method, url, config }) => {
    if (config?.needs !== undefined) return;
    throw new StockroomError(
      "fault",
      "ROUTE_UNDECLARED",
      `Expected a declaration with the role that ${[method].flat().join(", ")} ${url} needs but there is none. Mount it by serve or servePage.`,
    );
  });
}

/** Aborts when the caller goes away before the answer is out. */
export function whileCalling(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once("close", () =>
    gone.abort(new StockroomError("input", "CALLER_GONE", "Expected the caller to wait for the answer but the connection ended.")),
  );
  return gone.signal;
}

export const statusesOf = ({ status, answer }: RouteSpec): readonly [number, ...number[]] => status ?? [answer === "nothing" ? 204 : 200];

/** Whose word it is. Where nobody signed in and no name is usual, one must have come. */
function saidBy(spec: RouteSpec, field: string, caller: Caller | undefined, given: unknown): string | undefined {
  const name = speakerOf(caller, typeof given === "string" ? given : undefined);
  const isOptional = spec.body instanceof z.ZodObject && isSpeaker(spec.body.shape[field]) === "optional";
  if (name !== undefined || isOptional) return name;
  throw new StockroomError(
    "input",
    "BODY_BAD",
    `Expected another body: ${field}: expected the name of whoever says so, because nobody has signed in. See ${docOf(spec)}.`,
  );
}

const hasBody = (body: unknown): boolean =>
  body !== undefined && body !== null && !(typeof body === "object" && Object.keys(body).length === 0);

const unwanted = (spec: RouteSpec): StockroomError =>
  new StockroomError(
    "input",
    "BODY_BAD",
    `Expected no body with ${spec.method} ${spec.path} but one came. Leave it out. See ${docOf(spec)}.`,
  );

/** As the framework keeps it, and as the OpenAPI document is made from it. */
function schemaOf(spec: RouteSpec): object {
  const { name, owner, summary, needs, params, query, body, answer } = spec;
  const good =
    answer === "nothing"
      ? z.null().meta({ description: summary })
      : {
          description: summary,
          content: isBytes(answer)
            ? Object.fromEntries(answer.types.map((type) => [type, { schema: fileSchema }]))
            : { "application/json": { schema: answer } },
        };
  return {
    operationId: name,
    summary,
    description: needs === "anyone" ? "For anyone." : `Needs the role ${needs}.`,
    tags: [owner ?? "platform"],
    "x-needs": needs,
    ...(needs === "anyone" ? { security: [] } : {}),
    ...(params === undefined ? {} : { params }),
    querystring: query ?? nothing,
    ...(body === undefined || isBytes(body) ? {} : { body }),
    response: {
      ...Object.fromEntries(statusesOf(spec).map((status) => [status, good])),
      default: { description: "What went wrong (RFC 9457)", content: { "application/problem+json": { schema: problem } } },
    },
  };
}

const fileSchema = z.string().meta({ contentEncoding: "binary" });
