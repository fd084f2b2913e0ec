// Notify: messages to people and systems, by topic.
//
// Owns: topics -> channels (smtp, webhook, slack, teams, log), the notice rows, delivery as durable runs with retries and dead letters.
// Does not own: when a notice is due; the modules say so in the transaction of the fact (`postNotice(tx, ...)`).
//   N1. A notice has an id derived from what it tells of; posting it twice is posting it once.
//   N2. Every delivery carries that id (Message-ID, webhook-id), so that a receiver can drop a repeat.
//   N3. No secret and no item text in a notice.

import type { Tx } from "../database/contract.ts";

export interface Notice {
  /** e.g. `mlops`, `stakeholders.GBR`; settings map topics (exact, or by longest prefix, or `*`) to channels. */
  readonly topic: string;
  /** Identity: the same `id` is the same notice. */
  readonly id: string;
  readonly severity: "info" | "warning" | "alarm";
  readonly title: string;
  /** Plain text, short paragraphs. */
  readonly body: string;
  /** For machines. */
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
}

export type PostNotice = (tx: Tx, notice: Notice) => Promise<void>;

export interface NoticeRow extends Notice {
  readonly at: string;
  readonly deliveries: readonly {
    readonly channel: string;
    readonly state: "waiting" | "delivered" | "failed";
    readonly at: string | undefined;
    readonly error: string | undefined;
  }[];
}
