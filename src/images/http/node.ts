// Node: the service behind a bare node:http server. No router, no framework: measured, a framework costs a cache hit more than the hit itself.
//
//   N1. A caller who goes away takes the wish for the picture along.
//   N2. Nothing of the service's own pages (metrics, playground) is shown to other machines.

import type { IncomingMessage, ServerResponse } from "node:http";
import { isLoopback } from "../../platform/config/index.ts";
import type { AccessLog } from "../../platform/web/access.ts";
import { badHost, findHostProblem, hostName } from "../../platform/web/hosts.ts";
import { describe } from "../service/answers.ts";
import type { Asked, Reply } from "../service/contract.ts";
import { registryOf } from "../service/metrics.ts";
import type { Service } from "../service/service.ts";
import type { PlaygroundAnswer } from "./playground.ts";

export interface NodeListenerOptions {
  readonly service: Service;
  readonly access?: AccessLog | undefined;
  /** Cut from the front of every path: `/images`. */
  readonly prefix?: string;
  /** Pages for this machine only, by path behind the prefix; absent: the playground is off. */
  readonly playground?: (target: string) => Promise<PlaygroundAnswer | undefined>;
  /** Whether `/health` is answered here. */
  readonly ownPages: boolean;
  /** Whether `/metrics` is answered here, to callers of this machine; default not. A proxy on this machine may bring anybody. */
  readonly metrics?: boolean;
}

/** Makes the listener of a node:http server. */
export function makeListener(options: NodeListenerOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const { service, access, prefix = "", playground, ownPages, metrics = false } = options;
  const numbers = registryOf(service);
  return (request, response) => {
    const begin = performance.now();
    const target = targetOf(request.url ?? "/", prefix);
    const problem = findHostProblem(request);
    if (problem !== undefined) {
      const refused = refusalOf(problem);
      service.counts.answered(refused);
      finish(new NodeAsked(request, response, target), refused, begin);
      return;
    }
    if ((ownPages || playground !== undefined) && isOwnPage(target)) {
      ownPage(target, request, response).catch(() => response.destroy());
      return;
    }
    const asked = new NodeAsked(request, response, target);
    const reply = service.answer(asked);
    if (reply instanceof Promise) reply.then((later) => finish(asked, later, begin)).catch(() => response.destroy());
    else finish(asked, reply, begin);
  };

  function finish(asked: NodeAsked, reply: Reply, begin: number): void {
    if (!asked.response.destroyed) {
      asked.response.writeHead(reply.status, reply.headers);
      asked.response.end(reply.body);
    }
    const ms = performance.now() - begin;
    service.counts.timed(ms / 1000);
    access?.write({
      method: asked.method,
      target: asked.target,
      status: reply.status,
      ms,
      from: asked.request.socket.remoteAddress ?? "",
      outcome: reply.outcome,
      code: reply.code,
      bytes: reply.body?.byteLength ?? 0,
    });
  }

  async function ownPage(target: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = target.split("?", 1)[0];
    const inside = isInside(request);
    const show = (
      status: number,
      body: string,
      headers: Readonly<Record<string, string>> = { "content-type": "application/json" },
    ): void => {
      response.writeHead(status, {
        ...headers,
        "content-length": Buffer.byteLength(body),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
      });
      response.end(request.method === "HEAD" ? undefined : body);
    };
    if (ownPages && path === "/health") {
      const { working, waiting } = service.load();
      show(200, JSON.stringify({ ready: true, working, waiting }));
      return;
    }
    if (metrics && path === "/metrics" && inside) {
      show(200, await numbers.metrics(), { "content-type": numbers.contentType });
      return;
    }
    const page = inside ? await playground?.(target) : undefined;
    if (page !== undefined) {
      show(200, page.body, page.headers);
      return;
    }
    const message = "Expected a page of this server but there is none for callers of other machines.";
    show(404, JSON.stringify({ status: 404, code: "NoSuchPage", message }));
  }
}

/** A request whose host nobody can be sure of: a cache before us may know it under another's name. */
function refusalOf(problem: string): Reply {
  const { status, code, message } = describe(badHost(problem));
  const body = Buffer.from(JSON.stringify({ status, code, message }));
  const headers = { "content-type": "application/json", "content-length": String(body.byteLength), "cache-control": "no-store" };
  return { status, code, headers, body, outcome: "refused" };
}

const isOwnPage = (target: string): boolean => target === "/" || /^\/(?:health|metrics|playground)(?:[/?]|$)/.test(target);

/** Whether the caller sits at this machine and knows it by its name: a page elsewhere that rebinds its own name does not. */
function isInside(request: IncomingMessage): boolean {
  const { remoteAddress = "" } = request.socket;
  const host = hostName(request.headers.host ?? "");
  const forwarded = request.headers["x-forwarded-for"] ?? request.headers["forwarded"];
  return isLoopback(remoteAddress.replace(/^::ffff:/, "")) && isLoopback(host) && forwarded === undefined;
}

function targetOf(url: string, prefix: string): string {
  // A proxy's form of request line names the host too.
  const target = url.startsWith("/") ? url : url.replace(/^https?:\/\/[^/?#]*/i, "") || "/";
  const cut = prefix !== "" && target.startsWith(`${prefix}/`) ? target.slice(prefix.length) : target;
  const hash = cut.indexOf("#");
  return hash < 0 ? cut : cut.slice(0, hash);
}

/** A node:http request as the service takes it. A class, because an object with a getter of its own costs a cache hit a tenth of its time. */
class NodeAsked implements Asked {
  readonly method: string;
  readonly target: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  #gone: AbortController | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, target: string) {
    this.method = request.method ?? "GET";
    this.target = target;
    this.request = request;
    this.response = response;
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  /** Made only when somebody waits: a hit needs none. */
  get signal(): AbortSignal {
    if (this.#gone !== undefined) return this.#gone.signal;
    const gone = new AbortController();
    this.#gone = gone;
    this.response.once("close", () => {
      if (!this.response.writableFinished) gone.abort(new DOMException("The caller has gone.", "AbortError"));
    });
    return gone.signal;
  }
}
