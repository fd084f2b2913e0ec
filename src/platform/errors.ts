// Errors: the one error class of the app and the one table that says what a kind of error means.
//
// Owns: codes, kinds, what a kind means to HTTP, to a shell and to a retry. Does not own: where an error is shown.
//   E1. A user's mistake is never a `fault`.
//   E2. `kind` alone decides status, exit code and whether work is tried again.
//   E3. `facts` are safe to print: no secret and no item text goes into them.

/** What went wrong, in the one respect that decides what happens next. */
export type ErrorKind = "input" | "missing" | "denied" | "conflict" | "busy" | "fault";

interface Meaning {
  readonly status: number;
  readonly exit: 1 | 2;
  /** Whether the same work may succeed when tried again, with nothing changed by a person. */
  readonly retry: boolean;
}

/** What each kind means to HTTP, to the shell and to the retry of a step. */
export const meanings = {
  input: { status: 400, exit: 2, retry: false },
  missing: { status: 404, exit: 2, retry: false },
  denied: { status: 403, exit: 2, retry: false },
  conflict: { status: 409, exit: 2, retry: false },
  busy: { status: 503, exit: 1, retry: true },
  fault: { status: 500, exit: 1, retry: true },
} as const satisfies Record<ErrorKind, Meaning>;

/** Values that explain an error; printed with it, so never a secret. */
export type Facts = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface ErrorOptions {
  readonly facts?: Facts;
  readonly cause?: unknown;
}

/**
 * The one error class. `code` is stable and may be relied on; `message` says what was expected, what came and what to do.
 *
 * @example
 * throw new StockroomError("input", "CSV_NO_HEADER", "Expected a header line but the file is empty. Add one.", { facts: { file } });
 */
export class StockroomError extends Error {
  override readonly name = "StockroomError";
  readonly kind: ErrorKind;
  readonly code: string;
  readonly facts: Facts;

  constructor(kind: ErrorKind, code: string, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.code = code;
    this.facts = options.facts ?? {};
  }
}

/** Whether `thrown` is ours; survives copies of the class (worker threads, the durable engine's own serialisation). */
export function isStockroomError(thrown: unknown): thrown is StockroomError {
  return thrown instanceof Error && thrown.name === "StockroomError" && "kind" in thrown && "code" in thrown;
}

/**
 * For the `default` of a switch over a union: does not compile while a kind is without its case. Makes a `fault` `KIND_UNKNOWN` for what came
 * from outside the types.
 */
export function unknownKind(value: never, what: string): StockroomError {
  const given: unknown = value;
  const kind = typeof given === "object" && given !== null && "kind" in given ? given.kind : given;
  return new StockroomError("fault", "KIND_UNKNOWN", `Expected a known kind of ${what} but received ${String(kind)}. Report this.`);
}

/** The `code` of an error of Node, a driver or our own (`ENOENT`, `23505`), if it has one. */
export function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : undefined;
}

/** A plain value of an error that crosses threads, rows and HTTP. */
export interface ErrorRecord {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
  readonly facts: Facts;
}

/** Puts any thrown value in plain words; a foreign error is a `fault` with the code its library gave, if any. */
export function describeError(thrown: unknown): ErrorRecord {
  if (isStockroomError(thrown)) {
    return { kind: thrown.kind, code: thrown.code, message: thrown.message, facts: thrown.facts };
  }
  if (thrown instanceof Error) {
    return { kind: "fault", code: codeOf(thrown) ?? "FAULT", message: thrown.message, facts: {} };
  }
  return { kind: "fault", code: "FAULT", message: String(thrown), facts: {} };
}

/** Makes the error again that `describeError` put into a record. */
export function reviveError(record: ErrorRecord): StockroomError {
  return new StockroomError(record.kind, record.code, record.message, { facts: record.facts });
}
