// Hosts: whom a request says it speaks to, and who sent it.

import type { IncomingMessage } from "node:http";
import { StockroomError } from "../errors.ts";

/** `host:port` without the port, in small letters; `[::1]:80` keeps its address. */
export function hostName(host: string): string {
  return host.replace(/:\d{1,5}$/, "").toLowerCase();
}

/**
 * What is wrong with how a request names its host (RFC 9112, section 3.2): two Host headers, none where one is due, or a request line
 * that names another host than the header.
 */
export function findHostProblem(request: IncomingMessage): string | undefined {
  const { rawHeaders, headers, url = "/", httpVersion } = request;
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.length === 4 && rawHeaders[i]?.toLowerCase() === "host") hosts += 1;
  if (hosts > 1) return `${hosts} Host headers came`;
  if (hosts === 0 && httpVersion !== "1.0") return "no Host header came";
  if (url.startsWith("/") || url === "*") return undefined;
  const named = /^https?:\/\/([^/?#]*)/i.exec(url)?.[1];
  if (named === undefined) return "the request line is no path";
  return named.toLowerCase() === (headers.host ?? "").toLowerCase()
    ? undefined
    : "the request line names another host than the Host header";
}

/** The answer to such a request: `input` `HOST_BAD`. */
export function badHost(problem: string): StockroomError {
  return new StockroomError(
    "input",
    "HOST_BAD",
    `Expected a request that names one host but ${problem}. Send one Host header, and a path or the same host in the request line.`,
  );
}

/** Whether a web page elsewhere sent the request, by what the browser says of it (Fetch standard). `own`: the origin of our pages, as the browser sees it. */
export function isForeign({ headers }: Pick<IncomingMessage, "headers">, own: string): boolean {
  const { origin, "sec-fetch-site": site } = headers;
  if (site !== undefined && site !== "same-origin" && site !== "none") return true;
  return origin !== undefined && origin.toLowerCase() !== own;
}

/** Whether the browser says that a page of ours sent the request; one that says nothing of it does not. */
export function isOwn({ headers }: Pick<IncomingMessage, "headers">, own: string): boolean {
  return !isForeign({ headers }, own) && (headers.origin !== undefined || headers["sec-fetch-site"] === "same-origin");
}
