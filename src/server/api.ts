// The API as its callers see it: types only, so that the console and other programs import them without any code.
//
// docs/http.md lists the routes; what each module answers stands in docs/NAME-http.md, and its types are exported by its module.ts.
// Every error is an ApiError with the status its kind has in platform/errors.ts (401 where the token is missing or wrong).
// IDs and keys in paths are percent-encoded.

import type { ErrorRecord } from "../platform/errors.ts";
import type { StoredEvent } from "../platform/events/contract.ts";
import type { NoticeRow } from "../platform/notify/contract.ts";
import type { ObjectEntry } from "../platform/objects/contract.ts";
import type { DeadLetter, RunDetail, RunRow, ScheduleDefinition } from "../platform/workflow/contract.ts";

export type { DeadLetter, NoticeRow, ObjectEntry, RunDetail, RunRow, StoredEvent };

export type ApiError = ErrorRecord;

/** What a finished PUT answers; the object is whole and committed by then. */
export interface StoredObject {
  readonly key: string;
  readonly version: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly contentType: string;
  readonly storedAt: string;
  /** Of an upload that nothing waits for, or that does not count as it is: why, and what was probably meant. Also in the header `x-stockroom-hint`. */
  readonly hint?: string;
}

export interface ObjectPage {
  readonly objects: readonly ObjectEntry[];
  /** Give it as `after` for the next page; absent on the last one. */
  readonly next?: string;
}

export interface RunList {
  readonly runs: readonly RunRow[];
}

export interface DeadLetterList {
  readonly letters: readonly DeadLetter[];
}

export interface EventList {
  readonly events: readonly StoredEvent[];
}

export interface NoticeList {
  readonly notices: readonly NoticeRow[];
}

export interface ScheduleList {
  readonly schedules: readonly (ScheduleDefinition & { readonly lastAt: string | undefined; readonly nextAt: string })[];
}

export interface Health {
  readonly ready: boolean;
  readonly version: string;
  /** The id of the home it serves: tells one Stockroom from another on the same port. */
  readonly home?: string;
  readonly parts: Readonly<Record<string, { readonly ok: boolean; readonly ms: number; readonly code?: string }>>;
}
