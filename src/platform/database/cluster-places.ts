// Where the files of the embedded server lie, and what is needed to act on them.

import path from "node:path";
import type { Log } from "../log.ts";
import type { Binaries, ServerUser } from "./binaries.ts";

/** Where everything of a home's server lies. */
export interface ServerPlaces {
  readonly root: string;
  readonly data: string;
  readonly password: string;
  readonly port: string;
  readonly lock: string;
  readonly serverLog: string;
}

export function placesOf(home: string): ServerPlaces {
  const root = path.resolve(home, "postgres");
  return {
    root,
    data: path.join(root, "data"),
    password: path.join(root, "password"),
    port: path.join(root, "port"),
    lock: path.join(root, "lock"),
    serverLog: path.join(root, "server.log"),
  };
}

export interface Cluster {
  readonly places: ServerPlaces;
  readonly binaries: Binaries;
  readonly user: ServerUser | undefined;
  readonly durable: boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
}
