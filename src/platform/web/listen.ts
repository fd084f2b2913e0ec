// Listen: what every server of ours does to be reached and to stop, with or without a framework.
//
//   L1. Closing waits for answers under way, ten seconds at most.

import type { Server } from "node:http";
import { describeError, StockroomError } from "../errors.ts";

/** Where a server is asked to listen. */
export interface ListenAddress {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

const closingMs = 10_000;

/** The address of a server that listens, as a person would type it. */
export function urlOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Ends a server by `close`, and its connections when that takes too long. */
export async function closeWithin(server: Server, close: () => Promise<unknown>): Promise<void> {
  const timer = setTimeout(() => server.closeAllConnections(), closingMs);
  try {
    await close();
  } finally {
    clearTimeout(timer);
  }
}

/** Why a server cannot listen: `conflict` `SERVER_PORT_TAKEN`, `denied` `SERVER_PORT_DENIED`, `input` `SERVER_HOST_BAD`; any other error as it is. */
export function listenError(cause: unknown, { host, port }: ListenAddress): unknown {
  const facts = { host, port };
  const { code } = describeError(cause);
  if (code === "EADDRINUSE") {
    return new StockroomError(
      "conflict",
      "SERVER_PORT_TAKEN",
      `Expected port ${port} on ${host} to be free but another program listens there. Stop it, or choose another with --port.`,
      { facts, cause },
    );
  }
  if (code === "EACCES") {
    return new StockroomError(
      "denied",
      "SERVER_PORT_DENIED",
      `Expected to be allowed to listen on port ${port} but the system says no. Choose one above 1023 with --port.`,
      { facts, cause },
    );
  }
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return new StockroomError("input", "SERVER_HOST_BAD", `Expected an address of this machine but ${host} is none. Correct --host.`, {
      facts,
      cause,
    });
  }
  return cause;
}
