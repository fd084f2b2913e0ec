// Serve: a picture server of its own, on a bare node:http server.
//
//   H1. Headers come within ten seconds and a caller who takes nothing for a minute is let go: no reader holds a picture for ever.
//   H2. Closing waits for answers under way, ten seconds at most.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describeError, StockroomError } from "../../platform/errors.ts";
import { makeConnections } from "../../platform/web/connections.ts";
import { makeListener } from "./node.ts";
import type { NodeListenerOptions } from "./node.ts";

export interface ServeOptions extends NodeListenerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/** A picture server that listens. */
export interface OpenPictureServer {
  readonly url: string;
  close(): Promise<void>;
}

const headersMs = 10_000;
const closingMs = 10_000;

/** Opens the server. Throws `conflict` `SERVER_PORT_TAKEN`, `denied` `SERVER_PORT_DENIED`, `input` `SERVER_HOST_BAD`. */
export async function servePictures(options: ServeOptions): Promise<OpenPictureServer> {
  const { host, port } = options;
  const connections = makeConnections({ most: 10_000, headersMs, always: (path) => path === "/health" || path === "/metrics" });
  const server = createServer(
    {
      headersTimeout: headersMs,
      connectionsCheckingInterval: 1_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 10_000,
      maxHeaderSize: 32 * 1024,
      noDelay: true,
    },
    connections.listener(makeListener(options)),
  );
  connections.watch(server);
  server.setTimeout(60_000);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: 4_096 }, resolve);
  }).catch((cause: unknown) => {
    throw listenError(cause, host, port);
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${taken}`,
    close: async () => {
      const timer = setTimeout(() => server.closeAllConnections(), closingMs);
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeIdleConnections();
      });
      clearTimeout(timer);
    },
  };
}

function listenError(cause: unknown, host: string, port: number): unknown {
  const { code } = describeError(cause);
  if (code === "EADDRINUSE")
    return new StockroomError(
      "conflict",
      "SERVER_PORT_TAKEN",
      `Expected port ${port} on ${host} to be free but another program listens there. Stop it, or choose another with --port.`,
      { cause },
    );
  if (code === "EACCES")
    return new StockroomError(
      "denied",
      "SERVER_PORT_DENIED",
      `Expected to be allowed to listen on port ${port} but the system says no. Choose one above 1023 with --port.`,
      { cause },
    );
  if (["EADDRNOTAVAIL", "ENOTFOUND", "EAI_AGAIN"].includes(code))
    return new StockroomError("input", "SERVER_HOST_BAD", `Expected an address of this machine but ${host} is none. Correct --host.`, {
      cause,
    });
  return cause;
}
