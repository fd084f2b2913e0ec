// Connections: how many a server holds, for whom, and for how long. Of every server of ours, with or without a framework.
//
//   N1. No caller shuts others out: when the server is full, the idle connection that has been so for longest, of the address that has
//       most, makes part. Only connections at work are never taken from their callers.
//   N2. When all are at work, a newcomer may still ask whether the server lives (`/health`, `/metrics`); anything else is told 503.
//   N3. A request's headers come within seconds of its first byte, and a connection that says nothing at all is let go as soon.
//   N4. A caller who stops reading is let go: what waits in memory for one is the server's, not the caller's.
//   N5. A server that closes keeps no connection for a next request: the answer under way is the connection's last.
// Concurrency: everything happens on the event loop.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { ErrorRecord } from "../errors.ts";
import { problemOf, problemType } from "./problem.ts";

export interface ConnectionLimits {
  /** Connections of all callers together. */
  readonly most: number;
  /** Paths that are answered even when all connections are at work. */
  readonly always: (path: string) => boolean;
  /** Longest time from a connection's or request's begin to the end of its headers. Default 10,000. */
  readonly headersMs?: number;
  /** A reader who takes less than `bytes` in `ms` while something waits for it has stopped. Default 64 KiB in 60 s. */
  readonly pace?: { readonly bytes: number; readonly ms: number };
  /** How often the times are looked at. Default 1,000. */
  readonly lookMs?: number;
}

/** Connections beyond `most` that may ask one of the paths that are always answered. */
const spare = 64;

interface Held {
  readonly socket: Socket;
  readonly address: string;
  /** Requests under way. */
  working: number;
  /** Since when it has been idle or at its headers. */
  since: number;
  /** Bytes that had gone out when the reader last kept its pace, and when that was. */
  taken: number;
  takenAt: number;
}

export interface Connections {
  /** Wraps the server's listener: counts what is at work, and turns away what is too much. */
  readonly listener: (
    next: (request: IncomingMessage, response: ServerResponse) => void,
  ) => (request: IncomingMessage, response: ServerResponse) => void;
  /** Watches a server's connections until it closes. */
  watch(server: Server): void;
}

/** Makes the keeper of one server's connections. */
export function makeConnections(limits: ConnectionLimits): Connections {
  const { most, always, headersMs = 10_000, pace = { bytes: 64 * 1024, ms: 60_000 }, lookMs = 1_000 } = limits;
  const held = new Map<Socket, Held>();
  let watched: Server | undefined;

  /** Lets the idle connection go that N1 names. False: all are at work. */
  const makeRoom = (): boolean => {
    const counts = new Map<string, number>();
    for (const { address } of held.values()) counts.set(address, (counts.get(address) ?? 0) + 1);
    let worst: Held | undefined;
    for (const one of held.values()) {
      if (one.working > 0) continue;
      const [a, b] = [counts.get(one.address) ?? 0, counts.get(worst?.address ?? "") ?? 0];
      // Insertion order is age, so the first of an address that is idle as long is the older one.
      if (worst === undefined || a > b || (a === b && one.since < worst.since)) worst = one;
    }
    worst?.socket.destroy();
    if (worst !== undefined) held.delete(worst.socket);
    return worst !== undefined;
  };

  const enter = (socket: Socket): void => {
    if (held.size >= most && !makeRoom() && held.size >= most + spare) {
      socket.destroy();
      return;
    }
    const now = performance.now();
    held.set(socket, { socket, address: socket.remoteAddress ?? "", working: 0, since: now, taken: 0, takenAt: now });
    socket.once("close", () => held.delete(socket));
  };

  const look = (): void => {
    const now = performance.now();
    for (const one of held.values()) {
      const { socket } = one;
      if (one.working === 0 && now - one.since > headersMs && !isKeptAlive(socket)) socket.destroy();
      const taken = socket.bytesWritten - queuedOf(socket);
      // A fall means that a piece went out whole and the next was handed over.
      if (socket.writableLength === 0 || taken < one.taken || taken - one.taken >= pace.bytes) {
        one.taken = taken;
        one.takenAt = now;
      } else if (now - one.takenAt > pace.ms) {
        socket.destroy();
      }
    }
  };

  /** Between two requests the server's own keep-alive time holds. */
  const asked = new WeakSet<Socket>();
  const isKeptAlive = (socket: Socket): boolean => asked.has(socket);

  return {
    listener: (next) => (request, response) => {
      if (watched?.listening === false) response.shouldKeepAlive = false;
      const one = held.get(request.socket);
      if (one !== undefined) {
        one.working += 1;
        asked.add(request.socket);
        response.once("close", () => {
          one.working -= 1;
          one.since = performance.now();
          // The answer's headers were out before the server began to close.
          if (watched?.listening === false) request.socket.end();
        });
        if (held.size > most && !always((request.url ?? "").split("?", 1)[0] ?? "")) {
          turnAway(response);
          return;
        }
      }
      if (request.httpVersion !== "1.1" && request.httpVersion !== "1.0") {
        refuse(response, 505, {
          kind: "input",
          code: "HTTP_VERSION",
          message: `Expected HTTP/1.1 but the request says HTTP/${request.httpVersion}. Speak HTTP/1.1, or let a proxy translate.`,
          facts: {},
        });
        return;
      }
      next(request, response);
    },
    watch: (server) => {
      watched = server;
      server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
        refuse(response, 417, {
          kind: "input",
          code: "EXPECTATION_BAD",
          message: `Expected the header Expect to be 100-continue or absent but received ${JSON.stringify((request.headers.expect ?? "").slice(0, 40))}. Leave it out.`,
          facts: {},
        });
      });
      server.on("connection", enter);
      const timer = setInterval(look, lookMs);
      timer.unref();
      server.once("close", () => clearInterval(timer));
    },
  };
}

/** Bytes handed to the system that it has not taken yet. Node looks at the same place for its own time-outs, and shows it nowhere else. */
function queuedOf(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, "_handle");
  const queued: unknown = typeof handle === "object" && handle !== null ? Reflect.get(handle, "writeQueueSize") : undefined;
  return typeof queued === "number" ? queued : 0;
}

function turnAway(response: ServerResponse): void {
  const message = "Expected a free connection but all are at work. Try again in a few seconds.";
  response.setHeader("retry-after", "5");
  refuse(response, 503, { kind: "busy", code: "SERVER_FULL", message, facts: {} });
}

/** Answers before any route is asked, and ends the connection. */
function refuse(response: ServerResponse, status: number, record: ErrorRecord): void {
  const body = JSON.stringify(problemOf(record, status));
  response.writeHead(status, {
    "content-type": problemType,
    "content-length": Buffer.byteLength(body),
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    connection: "close",
  });
  response.end(body);
}
