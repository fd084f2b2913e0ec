// Failures: what went wrong, as it is answered: in our words, with our codes, whoever noticed it.
//
//   F1. A code that goes out is one of ours: the framework's and the system's own are told in ours.
//   F2. A fault's words stay in the log, its code goes out. What names the server's files goes to nobody who has not signed in.

import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import { describeError, isStockroomError, meanings, StockroomError } from "../platform/errors.ts";
import type { ErrorRecord } from "../platform/errors.ts";
import { tooMany } from "../platform/identity/attempts.ts";
import { problemOf, problemType } from "../platform/web/problem.ts";
import type { ServerDeps } from "./deps.ts";
import { tokenWanted } from "./guard.ts";

/** The error of a method that a path does not take; the one error that is answered with 405. */
const methodBad = "METHOD_BAD";

export const pathOf = (request: FastifyRequest): string => request.url.split("?", 1)[0] ?? "/";

/** Of a path that nothing is mounted at. */
export const noRoute = (request: FastifyRequest): StockroomError =>
  new StockroomError(
    "missing",
    "ROUTE_MISSING",
    `Expected a route but ${request.method} ${pathOf(request)} is none. Look it up: docs/reference/http.md lists the routes.`,
  );

/** Of a path that other methods are mounted at. */
export const badMethod = (request: FastifyRequest, allowed: readonly string[]): StockroomError =>
  new StockroomError(
    "input",
    methodBad,
    `Expected one of ${allowed.join(", ")} for ${pathOf(request)} but received ${request.method}. Use one of them: docs/reference/http.md lists the routes.`,
    { facts: { allow: allowed.join(", ") } },
  );

/** What the framework itself refuses, in our words. */
function recordOf(error: unknown): ErrorRecord {
  if (isStockroomError(error) && error.kind !== "fault") return describeError(error);
  if (holdsNul(error)) {
    const message = "Expected text without the character U+0000 but the path, the query or the body has one. Leave it out.";
    return { ...describeError(error), kind: "input", code: "TEXT_BAD", message, facts: {} };
  }
  if (isStockroomError(error)) return describeError(error);
  const record = describeError(error);
  const refusal = refusals[record.code];
  if (refusal !== undefined && isOfTheSystem(error)) {
    const [code, remedy] = refusal;
    const message = `Expected the server's machine to take this but its system refused: ${record.code}. ${remedy}`;
    return { kind: "busy", code, message, facts: {} };
  }
  const status = typeof error === "object" && error !== null && "statusCode" in error ? error.statusCode : undefined;
  if (typeof status === "number" && status >= 400 && status < 500) {
    // Codes of our own modules stay.
    if (!record.code.startsWith("FST_") && record.code !== "FAULT") return { ...record, kind: "input" };
    const [code, message] = misread[record.code] ?? [
      "REQUEST_BAD",
      `Expected a request as HTTP and JSON have it but this one cannot be read: ${record.message}. Correct it.`,
    ];
    return { kind: "input", code, message, facts: {} };
  }
  return { ...record, message: "Expected this to work but the server failed. Its log has the details; look for this code and time." };
}

/** What the framework cannot read, by its own codes. */
const misread: Readonly<Record<string, readonly [code: string, message: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [
    "BODY_TOO_LARGE",
    "Expected a smaller body but this route takes no more than came so far. Send less at once; files go by PUT /objects/KEY.",
  ],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    "BODY_TYPE",
    "Expected a body of JSON but its content-type says otherwise. Send the header content-type: application/json.",
  ],
  FST_ERR_CTP_EMPTY_JSON_BODY: ["BODY_BAD", "Expected a body of JSON but it is empty. Send {} or leave the header content-type out."],
  FST_ERR_CTP_INVALID_JSON_BODY: ["BODY_BAD", "Expected a body of JSON but it cannot be read as such. Correct it."],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    "BODY_BAD",
    "Expected as many bytes as the header content-length says but others came. Correct it, or leave it to your HTTP library.",
  ],
  FST_ERR_BAD_URL: ["PATH_BAD", "Expected a path in percent-encoding but it cannot be read. Encode each part of it once."],
  FST_ERR_MAX_PARAM_LENGTH: ["PATH_BAD", "Expected shorter parts of the path but one is too long. Shorten it."],
};

const makeRoom = ["DISK_FULL", "Free some room on its disk, and try again."] as const;
const letWrite = [
  "DISK_REFUSED",
  "Give the home folder to the user that runs Stockroom and mount it for writing, and try again. The log names the file.",
] as const;

/** What of a machine can refuse whatever is asked, and is no mistake of the caller. */
const refusals: Readonly<Record<string, readonly [code: string, remedy: string]>> = {
  ENOSPC: makeRoom,
  EDQUOT: makeRoom,
  EACCES: letWrite,
  EPERM: letWrite,
  EROFS: letWrite,
  EMFILE: ["FILES_TOO_MANY", "Raise the limit of open files (ulimit -n), or try again."],
  ENFILE: ["FILES_TOO_MANY", "Try again later."],
};

/** Node's own errors of the system; a driver's may have the same codes. */
const isOfTheSystem = (error: unknown): boolean => error instanceof Error && "syscall" in error && "errno" in error;

/** What PostgreSQL (22021, 22P05) and the file system say of U+0000 in a text: the caller's mistake, wherever it was let through. */
function holdsNul(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const { code } = describeError(at);
    if (code === "22021" || code === "22P05" || (code === "ERR_INVALID_ARG_VALUE" && at.message.includes("null bytes"))) return true;
  }
  return false;
}

/** Errors that only whoever runs the server can mend: into its log, whatever their kind. */
const isForOperator = (code: string): boolean =>
  /^(?:USERS_FILE_(?!LOCKED)|VAULT_KEY_FILE_|STORE_(?:REFUSED|FULL)$|DISK_|FILES_)/.test(code);

/** To somebody of whom nobody knows who it is, a file of the server and what stands in it are not told. */
function forStranger(record: ErrorRecord, { caller }: FastifyRequest): ErrorRecord {
  if (caller !== undefined || !record.code.startsWith("USERS_FILE_")) return record;
  const message =
    "Expected to look up who asks but the server's password file cannot be used. Tell whoever runs it: its log says why. The server's token, where it has one, works meanwhile.";
  return { kind: record.kind, code: record.code, message, facts: {} };
}

/** What Node's parser itself could not take, in our words: nothing of it came as far as a route. */
const unread: Readonly<Record<string, readonly [status: number, code: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, "HEADERS_TOO_LARGE", "Expected headers of 16 kB at most but more came. Send fewer or shorter ones."],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, "REQUEST_BAD", "Expected chunks without long extensions but long ones came. Leave them out."],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "REQUEST_LATE", "Expected the request within seconds but it did not come whole. Send it again at once."],
};

/** Answers what is no HTTP, on the bare connection, and ends it: where the next request would begin nobody knows. */
export function answerUnread(error: Error & { readonly code?: string | undefined }, socket: Socket): void {
  if (error.code === "ECONNRESET" || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, code, message] = unread[error.code ?? ""] ?? [
    400,
    "REQUEST_BAD",
    "Expected a request as HTTP/1.1 has it but this one cannot be read. Leave it to an HTTP library, and look at what stands between.",
  ];
  const body = JSON.stringify(problemOf({ kind: "input", code, message, facts: {} }, status));
  const headers = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    `content-type: ${problemType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "x-content-type-options: nosniff",
    "cache-control: no-store",
    "connection: close",
  ];
  socket.end(`${headers.join("\r\n")}\r\n\r\n${body}`);
}

/** Answers whatever went wrong as a problem, and writes into the log what only whoever runs the server can mend. */
export function answerError({ log }: Pick<ServerDeps, "log">, error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const record = forStranger(recordOf(error), request);
  if (record.kind === "fault" || (record.kind === "busy" && isForOperator(record.code)))
    log.error("request failed", { method: request.method, path: pathOf(request), error });
  const status =
    record.code === tokenWanted ? 401 : record.code === tooMany ? 429 : record.code === methodBad ? 405 : meanings[record.kind].status;
  if (record.kind === "busy") reply.header("retry-after", "5");
  // Headers of the thing that was asked for do not describe the error.
  for (const name of ["content-length", "content-disposition", "etag", "last-modified", "x-stockroom-bytes"]) reply.removeHeader(name);
  return reply
    .code(status)
    .type(problemType)
    .send(JSON.stringify(problemOf(record, status)));
}
