// Refusals: errors in the classic words. Status and code are what the classic handler answers, so that its users' code keeps working.
//
// Owns: the way from (status, code) to the app's error and back. Does not own: which mistake gets which code (the caller says).

import { describeError, meanings, StockroomError, type ErrorKind } from "../../../platform/errors.ts";

/** What the classic handler answers as JSON when it refuses. */
export interface ErrorAnswer {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

const kinds: Readonly<Record<number, ErrorKind>> = { 403: "denied", 404: "missing", 409: "conflict", 500: "fault", 503: "busy" };

/** The app's error with the classic `code` and the `status` to answer; `facts` are printed, so they hold nothing secret. */
export function refusal(
  status: number,
  code: string,
  message: string,
  facts: Readonly<Record<string, string | number>> = {},
): StockroomError {
  return new StockroomError(kinds[status] ?? "input", code, message, { facts: { ...facts, status } });
}

/** Any thrown value as the classic JSON; what is not ours is a 500 that tells nothing of the inside. */
export function answerOf(thrown: unknown): ErrorAnswer {
  const { kind, code, message, facts } = describeError(thrown);
  const status = typeof facts["status"] === "number" ? facts["status"] : meanings[kind].status;
  if (kind === "fault" && typeof facts["status"] !== "number") {
    return {
      status: 500,
      code: "InternalError",
      message: "The picture could not be made because of a fault on our side. Try again later.",
    };
  }
  return { status, code, message };
}

/** The request cannot be read: not an object, a field of a wrong type, bytes that are no text. */
export const cannotDecode = (message: string): StockroomError => refusal(400, "DecodeRequest::CannotDecodeRequest", message);

/** An edit is named but its value means nothing. */
export const badEdit = (name: string, expected: string, got: unknown): StockroomError =>
  refusal(400, "ImageEdits::CannotParseEdits", `Expected ${expected} for ${name} but received ${show(got)}. Correct the URL.`, {
    edit: name,
  });

/** A bucket is named that URLs may not read. */
export const bucketDenied = (bucket: unknown): StockroomError =>
  refusal(
    403,
    "ImageBucket::CannotAccessBucket",
    `Expected a bucket of the allowed sources but received ${show(bucket)}. Add it to the sources or correct the URL.`,
  );

/** A value from a URL, short enough for a message and without control characters. */
export function show(value: unknown): string {
  let text: string;
  if (typeof value === "string") text = JSON.stringify(value);
  else if (typeof value === "object" && value !== null) text = Array.isArray(value) ? "a list" : "an object";
  else text = String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
