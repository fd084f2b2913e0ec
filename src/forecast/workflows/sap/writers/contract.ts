// Writers: how rows get into an ERP.
//
//   R1. One call is one batch; every row of it gets exactly one answer, in the order of the rows.
//   R2. The same request id is the same batch. Whether a receiver carries it out once is not taken for granted: it must have said so
//       (`knowsRepeats`), or show what it holds (`readBack`); else a person decides.
//   R3. What the ERP says of a row is an answer; what keeps the batch from arriving is an error. `SAP_UNSURE`: it was perhaps carried out; every
//       other error says that it was not. A row whose answer did not arrive is unsure, never taken.

import { StockroomError } from "../../../../platform/errors.ts";
import type { BapiMessage } from "../wire.ts";

/** A field's value as the receiver is to have it. */
export type FieldValue = string | number | boolean | { readonly date: number };

export interface ImportRow {
  /** Its number in the import, from 1. */
  readonly seq: number;
  readonly fields: Readonly<Record<string, FieldValue>>;
  /** Names the series it belongs to among all that go into the target; absent in imports of earlier versions. */
  readonly series?: string;
}

export interface Answer {
  readonly seq: number;
  readonly taken: boolean;
  readonly messages: readonly BapiMessage[];
  /** No answer to this row arrived: it was perhaps taken. `taken` is false then. */
  readonly unsure?: boolean;
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
  /** Whether the receiver has said that it carries a repeated request out once: asks it where that is harmless. Absent: it has not. */
  knowsRepeats?(request: BatchRequest): Promise<boolean>;
  /** Which rows the receiver holds as they are; `undefined`: that cannot be seen. A row that is named false may be there with other values. */
  readBack?(rows: readonly ImportRow[], signal: AbortSignal): Promise<ReadonlyMap<number, boolean> | undefined>;
  /** The answers are kept: what was needed to know a repeat may go. */
  forget?(request: BatchRequest): Promise<void>;
  close(): Promise<void>;
}

/** The error that leaves open whether a batch was carried out. */
export function unsureAnswer(where: string, why: string): StockroomError {
  return new StockroomError(
    "busy",
    "SAP_UNSURE",
    `Expected an answer from ${where} but ${why}; it may have been carried out all the same.`,
    { facts: { where } },
  );
}
