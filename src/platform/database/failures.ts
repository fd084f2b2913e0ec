// Failures: what PostgreSQL's errors mean to the app.
//
// Owns: the table from SQLSTATE and socket errors to our kinds. Does not own: errors of a statement's meaning (constraints, syntax);
// they pass as they are, with SQLSTATE in `code`, because only the asking part knows whose mistake they are.

import { codeOf, isStockroomError, StockroomError } from "../errors.ts";

const unreachable = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
  "ENOTFOUND",
  "57P01", // the server was told to stop
  "57P02", // a neighbour crashed and all sessions were ended
  "57P03", // starting or stopping
  "57P05", // idle session ended
  "25P03", // idle transaction ended
]);

/** Whether the server cannot be spoken to right now, rather than having refused what was said. */
export function isUnreachable(thrown: unknown): boolean {
  const code = codeOf(thrown);
  if (code !== undefined) return unreachable.has(code) || code.startsWith("08");
  // The driver gives these no code.
  return (
    thrown instanceof Error &&
    /connection terminated|connection ended|timeout exceeded when trying to connect|not queryable/i.test(thrown.message)
  );
}

/** Whether the transaction lost a race and would succeed if all of it were done again. */
export function isLostRace(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return code === "40001" || code === "40P01";
}

/** Locks that outlast a transaction and LISTEN need a session of our own. */
export function poolerRefused(cause?: unknown): StockroomError {
  return new StockroomError(
    "conflict",
    "RECORDS_POOLER",
    "Expected a connection that is one session of the server but a pooler (PgBouncer or the like) stands between, in transaction or statement mode: session locks, LISTEN and session settings do not hold there. Point DATABASE_URL at PostgreSQL itself, or at the pooler in session mode.",
    { cause },
  );
}

/** Puts what stands in the way of any statement into one of our errors; leaves all else as it is. */
export function translate(thrown: unknown): unknown {
  if (isStockroomError(thrown)) return thrown;
  const code = codeOf(thrown);
  const options = { cause: thrown, facts: { sqlstate: code } };
  if (thrown instanceof Error && /query read timeout/i.test(thrown.message)) {
    return new StockroomError(
      "busy",
      "RECORDS_SILENT",
      "Expected the database to answer a statement in time but it said nothing. The connection is dropped and the work tried again by itself.",
      options,
    );
  }
  // PgBouncer in statement mode, in its own words.
  if (thrown instanceof Error && /not allowed in statement pooling mode/i.test(thrown.message)) return poolerRefused(thrown);
  if (code === "25006") {
    return new StockroomError(
      "busy",
      "RECORDS_UNREACHABLE",
      "Expected a server that takes writes but this one is a standby. The next place in DATABASE_URL is tried by itself.",
      options,
    );
  }
  if (isUnreachable(thrown)) {
    return new StockroomError(
      "busy",
      "RECORDS_UNREACHABLE",
      "Expected the database to answer but the connection was lost or refused. It is tried again by itself; see `stockroom doctor` if it lasts.",
      options,
    );
  }
  if (code === "53100" || code === "ENOSPC" || (thrown instanceof Error && /no space left on device/i.test(thrown.message))) {
    return new StockroomError(
      "busy",
      "RECORDS_DISK_FULL",
      "Expected room on the database's disk but it is full. Nothing was written; free some space and the work goes on.",
      options,
    );
  }
  if (code === "53300") {
    return new StockroomError(
      "busy",
      "RECORDS_TOO_MANY_CONNECTIONS",
      "Expected a free connection but the server has none left (too many clients). Raise max_connections there, run fewer processes, or lower database.poolSize.",
      options,
    );
  }
  if (code === "55P03" || code === "57014" || isLostRace(thrown)) {
    return new StockroomError("busy", "RECORDS_CONTENDED", "Expected to get a lock in time but others held it. Try again.", options);
  }
  if (code === "28P01" || code === "28000") {
    return new StockroomError(
      "denied",
      "RECORDS_PASSWORD_REFUSED",
      "Expected the database to accept our user and password but it refused them. Correct DATABASE_URL.",
      options,
    );
  }
  if (code === "3D000") {
    return new StockroomError(
      "missing",
      "RECORDS_NO_DATABASE",
      "Expected the database named in DATABASE_URL but the server has none of that name. Create it or correct the name.",
      options,
    );
  }
  return thrown;
}
