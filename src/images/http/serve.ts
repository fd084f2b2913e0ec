// Serve: a picture server of its own, on a bare node:http server.
//
//   H1. Headers come within ten seconds and a caller who takes nothing for a minute is let go: no reader holds a picture for ever.

import { createServer } from "node:http";
import { makeConnections } from "../../platform/web/connections.ts";
import { closeWithin, listenError, urlOf, type ListenAddress } from "../../platform/web/listen.ts";
import { makeListener } from "./node.ts";
import type { NodeListenerOptions } from "./node.ts";

export interface ServeOptions extends NodeListenerOptions, ListenAddress {}

/** A picture server that listens. */
export interface OpenPictureServer {
  readonly url: string;
  close(): Promise<void>;
}

const headersMs = 10_000;

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
    throw listenError(cause, { host, port });
  });
  return {
    url: urlOf(server, host),
    close: async () =>
      await closeWithin(
        server,
        async () =>
          await new Promise((resolve) => {
            server.close(resolve);
            server.closeIdleConnections();
          }),
      ),
  };
}
