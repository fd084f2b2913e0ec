// Lambda: the service behind API Gateway (REST and HTTP APIs), function URLs, a load balancer, and CloudFront in front of any of them.
//
//   L1. The path is taken as it was sent, still encoded: signatures are made over it.
//   L2. Lambda answers in text; pictures go as Base64. What is larger than Lambda lets through is told as 413 before it fails without a word.

import type { Asked, Reply } from "../service/contract.ts";
import type { Service } from "../service/service.ts";

/** What these services send; only the fields that are read. */
export interface LambdaEvent {
  readonly version?: string;
  readonly httpMethod?: string;
  readonly path?: string;
  readonly rawPath?: string;
  readonly rawQueryString?: string;
  readonly queryStringParameters?: Readonly<Record<string, string | undefined>> | null;
  readonly multiValueQueryStringParameters?: Readonly<Record<string, readonly string[] | undefined>> | null;
  readonly headers?: Readonly<Record<string, string | undefined>> | null;
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[] | undefined>> | null;
  readonly requestContext?: {
    readonly http?: { readonly method?: string; readonly path?: string };
    readonly path?: string;
    readonly stage?: string;
    readonly elb?: unknown;
  };
}

export interface LambdaResult {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A load balancer set to several values a header reads only these. */
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>;
  readonly isBase64Encoded: boolean;
  readonly body: string;
}

/** Lambda's bound on an answer, as Base64 with its envelope. */
const mostBase64Chars = 6 * 1024 * 1024 - 64 * 1024;

/** Makes the function to export as `handler`. */
export function makeLambda(service: Pick<Service, "answer">): (event: LambdaEvent) => Promise<LambdaResult> {
  return async (event) => {
    const reply = await service.answer(askedOf(event));
    const result = resultOf(reply);
    if (event.multiValueHeaders === undefined || event.multiValueHeaders === null || event.requestContext?.elb === undefined) return result;
    return { ...result, multiValueHeaders: Object.fromEntries(Object.entries(result.headers).map(([name, value]) => [name, [value]])) };
  };
}

function askedOf(event: LambdaEvent): Asked {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(event.headers ?? {})) if (value !== undefined) headers.set(name.toLowerCase(), value);
  for (const [name, values] of Object.entries(event.multiValueHeaders ?? {}))
    if (values !== undefined) headers.set(name.toLowerCase(), values.join(", "));
  return {
    method: event.requestContext?.http?.method ?? event.httpMethod ?? "GET",
    target: pathOf(event) + queryOf(event),
    header: (name) => headers.get(name),
  };
}

function pathOf(event: LambdaEvent): string {
  if (event.rawPath === undefined) return event.path ?? "/";
  // An HTTP API with a named stage puts the stage before the path.
  const stage = event.requestContext?.stage;
  const prefix = stage === undefined || stage === "$default" ? "" : `/${stage}`;
  return prefix !== "" && event.rawPath.startsWith(`${prefix}/`) ? event.rawPath.slice(prefix.length) : event.rawPath;
}

function queryOf(event: LambdaEvent): string {
  if (event.rawQueryString !== undefined) return event.rawQueryString === "" ? "" : `?${event.rawQueryString}`;
  const pairs: (readonly [string, string])[] = [];
  const many = event.multiValueQueryStringParameters;
  if (many !== undefined && many !== null) {
    for (const [name, values] of Object.entries(many)) for (const value of values ?? []) pairs.push([name, value]);
  } else {
    for (const [name, value] of Object.entries(event.queryStringParameters ?? {})) if (value !== undefined) pairs.push([name, value]);
  }
  if (pairs.length === 0) return "";
  // A load balancer passes names and values still encoded, a gateway decoded.
  const text = event.requestContext?.elb === undefined ? (part: string) => encodeURIComponent(part) : (part: string) => part;
  return `?${pairs.map(([name, value]) => `${text(name)}=${text(value)}`).join("&")}`;
}

function resultOf(reply: Reply): LambdaResult {
  // Lambda's services count the bytes themselves; a length beside Base64 would be the wrong one for some of them.
  const { "content-length": _length, ...headers } = reply.headers;
  const body = reply.body === undefined ? "" : Buffer.from(reply.body.buffer, reply.body.byteOffset, reply.body.byteLength);
  if (body.length * 4 > mostBase64Chars * 3) {
    const message =
      "Expected an answer that Lambda can carry (6 MB as Base64) but the picture is larger. Ask for a smaller one, or run the server.";
    return {
      statusCode: 413,
      headers: { "content-type": "application/json" },
      isBase64Encoded: false,
      body: JSON.stringify({ status: 413, code: "TooLargeImageException", message }),
    };
  }
  const binary = typeof body !== "string" && headers["content-type"] !== "application/json";
  return {
    statusCode: reply.status,
    headers,
    isBase64Encoded: binary,
    body: typeof body === "string" ? body : body.toString(binary ? "base64" : "utf8"),
  };
}
