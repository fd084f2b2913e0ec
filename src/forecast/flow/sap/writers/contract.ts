// Writers: how rows get into an ERP.
//
//   R1. One call is one batch; every row of it gets exactly one answer, in the order of the rows.
//   R2. The same request id is the same batch: a receiver that knows repeats carries it out once. A writer that cannot promise that says
//       so with `SAP_UNSURE` rather than trying again.
//   R3. What the ERP says of a row is an answer; what keeps the batch from arriving is an error.

import type { BapiMessage } from "../wire.ts";

/** A field's value as the receiver is to have it. */
export type FieldValue = string | number | boolean | { readonly date: number };

export interface ImportRow {
  /** Its number in the import, from 1. */
  readonly seq: number;
  readonly fields: Readonly<Record<string, FieldValue>>;
}

export interface Answer {
  readonly seq: number;
  readonly taken: boolean;
  readonly messages: readonly BapiMessage[];
}

export interface BatchRequest {
  /** 32 hex digits, the same whenever this batch is sent. */
  readonly requestId: string;
  /** When the batch was made (ISO); the same whenever it is sent. */
  readonly madeAt: string;
  readonly signal: AbortSignal;
}

export interface SapWriter {
  write(rows: readonly ImportRow[], request: BatchRequest): Promise<readonly Answer[]>;
  close(): Promise<void>;
}
