// Listener: LISTEN and NOTIFY over one connection for all channels of a process.
//
// Owns: that connection, from the first hearer to the last, and its return after a loss. Does not own: what is told.
//   L1. Hearing is a hint, not a promise: after a loss every hearer is told once with "", because something may have been missed.

import { setTimeout as pause } from "node:timers/promises";
import { Client } from "pg";
import type { ClientConfig } from "pg";
import { codeOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { translate } from "./failures.ts";

const farewellMs = 1_000;

/** Ends a connection, and does not wait for an other end that is silent. */
export async function endClient(client: Client): Promise<void> {
  const late = new AbortController();
  const ended = client.end().catch(() => undefined);
  await Promise.race([ended, pause(farewellMs, undefined, { signal: late.signal }).catch(() => undefined)]);
  late.abort();
}

export interface Listener {
  listen(channel: string, heard: (payload: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** One connection hears for all channels; it is opened for the first and closed after the last. */
export function makeListener(config: () => ClientConfig, log: Log): Listener {
  const hearers = new Map<string, Set<(payload: string) => void>>();
  const stopping = new AbortController();
  let client: Client | undefined;
  let opening: Promise<void> | undefined;

  const tell = (channel: string, payload: string): void => {
    for (const heard of hearers.get(channel) ?? []) heard(payload);
  };

  const connect = async (): Promise<void> => {
    const next = new Client(config());
    next.on("error", (error) => log.debug("the listening connection was lost", { error: error.message }));
    try {
      await next.connect();
      for (const channel of hearers.keys()) await next.query(`listen ${next.escapeIdentifier(channel)}`);
    } catch (thrown) {
      await endClient(next);
      throw translate(thrown);
    }
    next.on("notification", (message) => {
      if (!stopping.signal.aborted) tell(message.channel, message.payload ?? "");
    });
    next.on("end", () => {
      if (client !== next) return;
      client = undefined;
      if (!stopping.signal.aborted && hearers.size > 0) opening = again();
    });
    client = next;
  };

  /** Reconnects by itself, first after 50 ms, then up to every 2 s. */
  const again = async (): Promise<void> => {
    for (let waitMs = 50; !stopping.signal.aborted && hearers.size > 0; waitMs = Math.min(waitMs * 2, 2_000)) {
      await pause(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      try {
        await connect();
        break;
      } catch (thrown) {
        if (codeOf(thrown) !== "RECORDS_UNREACHABLE") log.warn("could not listen to the database, trying again", { error: thrown });
      }
    }
    // Something may have been missed.
    if (!stopping.signal.aborted) for (const channel of hearers.keys()) tell(channel, "");
  };

  const hearOn = async (channel: string): Promise<void> => {
    if (client === undefined) {
      opening ??= connect().finally(() => {
        opening = undefined;
      });
      await opening;
    }
    // A lost connection listens to all channels once it is back.
    await client?.query(`listen ${client.escapeIdentifier(channel)}`).catch((thrown: unknown) => {
      if (client !== undefined) throw translate(thrown);
    });
  };

  return {
    listen: async (channel, heard) => {
      const known = hearers.get(channel);
      hearers.set(channel, (known ?? new Set()).add(heard));
      const stop = async (): Promise<void> => {
        hearers.get(channel)?.delete(heard);
        if (hearers.get(channel)?.size !== 0) return;
        hearers.delete(channel);
        if (hearers.size > 0) await client?.query(`unlisten ${client.escapeIdentifier(channel)}`).catch(() => undefined);
        else await leave();
      };
      try {
        if (known === undefined || client === undefined) await hearOn(channel);
      } catch (thrown) {
        hearers.get(channel)?.delete(heard);
        if (hearers.get(channel)?.size === 0) hearers.delete(channel);
        throw thrown;
      }
      return stop;
    },
    close: async () => {
      stopping.abort();
      hearers.clear();
      await leave();
    },
  };

  async function leave(): Promise<void> {
    const last = client;
    client = undefined;
    if (last !== undefined) await endClient(last);
  }
}
