// Deps: what the server wants of the app, and no more. `App` in app.ts is one of these.

import type { Clock } from "../platform/time.ts";
import type { Events } from "../platform/events/contract.ts";
import type { Log } from "../platform/log.ts";
import type { Notices } from "../platform/notify/notify.ts";
import type { ObjectStore } from "../platform/objects/contract.ts";
import type { Config, Sections } from "../platform/config/index.ts";
import type { Database } from "../platform/database/contract.ts";
import type { Home } from "../platform/database/index.ts";
import type { LakeAccess } from "../platform/warehouse/index.ts";
import type { Vault } from "../platform/vault/contract.ts";
import type { Workflows } from "../platform/workflow/contract.ts";

export interface ServerDeps {
  readonly log: Log;
  readonly clock: Clock;
  /** Which home is served; told in `/health`, so that a person or `doctor` knows whose server has a port. */
  readonly home?: Home;
  readonly database: Database;
  readonly vault: Pick<Vault, "keys" | "rotate" | "grants" | "setGrant" | "uses">;
  /** Where sealed tables are asked; absent: in one opened for each question. */
  readonly lake?: Pick<LakeAccess, "askIsolated" | "askExact">;
  /** The settings in force, to be shown. */
  readonly config?: Config<Sections>;
  readonly objects: ObjectStore;
  readonly workflows: Workflows;
  readonly events: Pick<Events, "list" | "subscriptions" | "forget">;
  /** What to tell whoever stored an object that nothing waits for, or that does not count as it is. */
  readonly hintOf?: (key: string) => Promise<string | undefined>;
  /** How the columns of a stored object are read, in lines; undefined where there is nothing to tell. */
  readonly understoodOf?: (key: string) => Promise<readonly string[] | undefined>;
  readonly notices: Pick<Notices, "list" | "place" | "resend">;
}

export interface ServerSettings {
  /** Default 127.0.0.1. Any address that others can reach asks for a token. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly token?: string | undefined;
  /** The largest upload, plain bytes. */
  readonly uploadMaxBytes: number;
}

/** A proof that a part works; throwing means it does not. */
export type Probe = () => Promise<unknown>;
