// A way to a server on loopback that can be cut as firewalls do it: what is established goes silent in both directions and stays open.

import { connect, createServer, type Socket } from "node:net";

export interface CutProxy {
  readonly port: number;
  /** Silences every connection there is; new ones pass unless `closed`. */
  cut(options?: { readonly closed?: boolean }): void;
  /** Lets new connections pass again. */
  repair(): void;
  close(): Promise<void>;
}

/** Opens a way to `port` of 127.0.0.1. */
export async function openCutProxy(port: number): Promise<CutProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const all = new Set<Socket>();
  let closed = false;
  const server = createServer((near) => {
    all.add(near);
    near.on("error", () => undefined);
    // Packets to a place that swallows them: the connection is never answered.
    if (closed) return;
    const far = connect(port, "127.0.0.1");
    all.add(far);
    far.on("error", () => near.destroy());
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
    near.pipe(far);
    far.pipe(near);
    pairs.add([near, far]);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    cut: (options = {}) => {
      closed = options.closed ?? false;
      for (const [near, far] of pairs) {
        // Neither end hears of the other's farewell either.
        for (const socket of [near, far]) {
          socket.unpipe();
          socket.removeAllListeners("close");
          socket.pause();
        }
      }
      pairs.clear();
    },
    repair: () => {
      closed = false;
    },
    close: async () => {
      for (const socket of all) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
