// The OData V2 writer: one `$batch` of POSTs, each in a change set of its own, so that a refused row takes no other with it.
//
// Repeats are known by SAP Gateway's idempotency headers, RequestID and RepeatabilityCreation.

import { StockroomError } from "../../../../base/errors.ts";
import type { Session } from "../session.ts";
import { placeOf } from "../session.ts";
import type { SapTarget } from "../settings.ts";
import { readMessages, wireDate, type BapiMessage } from "../wire.ts";
import type { Answer, FieldValue, ImportRow, SapWriter } from "./contract.ts";

/** Opens the writer over a session of its own. */
export function openODataWriter(target: SapTarget & { readonly kind: "odata" }, session: Session): SapWriter {
  const root = target.url.replace(/\/+$/, "");
  return {
    async write(rows, request) {
      const boundary = `batch_${request.requestId}`;
      const answer = await session.send(
        `${root}/$batch`,
        {
          method: "POST",
          repeatable: target.repeatable,
          csrfFrom: `${root}/`,
          headers: {
            "content-type": `multipart/mixed; boundary=${boundary}`,
            accept: "multipart/mixed",
            RequestID: request.requestId,
            RepeatabilityCreation: request.madeAt,
          },
          body: batchBody(target.set, rows, boundary),
        },
        request.signal,
      );
      if (answer.status >= 300) throw refused(root, answer.status, answer.text);
      return answersOf(rows, parseBatch(answer.headers.get("content-type") ?? "", answer.text, root), root);
    },
    close: async () => {},
  };
}

function wireValue(value: FieldValue): string | number | boolean {
  return typeof value === "object" ? wireDate(value.date) : value;
}

function batchBody(set: string, rows: readonly ImportRow[], boundary: string): string {
  const lines: string[] = [];
  for (const row of rows) {
    const body = JSON.stringify(Object.fromEntries(Object.entries(row.fields).map(([name, value]) => [name, wireValue(value)])));
    const changes = `changeset_${row.seq}`;
    lines.push(
      `--${boundary}`,
      `Content-Type: multipart/mixed; boundary=${changes}`,
      "",
      `--${changes}`,
      "Content-Type: application/http",
      "Content-Transfer-Encoding: binary",
      `Content-ID: ${row.seq}`,
      "",
      `POST ${set} HTTP/1.1`,
      "Content-Type: application/json",
      "Accept: application/json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "",
      body,
      `--${changes}--`,
    );
  }
  lines.push(`--${boundary}--`, "");
  return lines.join("\r\n");
}

interface Part {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

function broken(root: string, detail: string): StockroomError {
  return new StockroomError("fault", "SAP_BATCH_ANSWER", `Expected a multipart answer to the $batch at ${placeOf(root)} but ${detail}.`);
}

function boundaryOf(contentType: string): string | undefined {
  return /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
}

/** The answers inside a `$batch` answer, change sets opened, in order. */
export function parseBatch(contentType: string, text: string, root: string): readonly Part[] {
  const boundary = boundaryOf(contentType);
  if (boundary === undefined) throw broken(root, `its content type is "${contentType}"`);
  const parts: Part[] = [];
  for (const section of sections(text, boundary)) {
    const { headers, body } = headAndBody(section);
    const type = headers.get("content-type") ?? "";
    if (/^multipart\/mixed/i.test(type)) parts.push(...parseBatch(type, body, root));
    else parts.push(parseHttp(body, root));
  }
  return parts;
}

function* sections(text: string, boundary: string): Generator<string> {
  const mark = `--${boundary}`;
  let at = text.indexOf(mark);
  while (at >= 0) {
    const begin = at + mark.length;
    if (text.startsWith("--", begin)) return;
    const end = text.indexOf(mark, begin);
    if (end < 0) return;
    yield text.slice(begin, end).replace(/^\r?\n/, "");
    at = end;
  }
}

function headAndBody(text: string): { readonly headers: ReadonlyMap<string, string>; readonly body: string } {
  const gap = /\r?\n\r?\n/.exec(text);
  const head = gap === null ? text : text.slice(0, gap.index);
  const headers = new Map<string, string>();
  for (const line of head.split(/\r?\n/)) {
    const at = line.indexOf(":");
    if (at > 0) headers.set(line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim());
  }
  return { headers, body: gap === null ? "" : text.slice(gap.index + gap[0].length) };
}

function parseHttp(text: string, root: string): Part {
  const first = /^\s*HTTP\/\d(?:\.\d)? (\d{3})[^\r\n]*\r?\n/.exec(text);
  if (first === null) throw broken(root, "a part of it is no HTTP answer");
  const rest = text.slice(first[0].length);
  // An answer without headers begins with the empty line itself.
  const { headers, body } = /^\r?\n/.test(rest) ? { headers: new Map<string, string>(), body: rest } : headAndBody(rest);
  return { status: Number(first[1]), headers, body: body.trim() };
}

function answersOf(rows: readonly ImportRow[], parts: readonly Part[], root: string): readonly Answer[] {
  const byId = new Map(parts.map((part) => [part.headers.get("content-id"), part]));
  const named = rows.every((row) => byId.has(String(row.seq)));
  if (!named && parts.length !== rows.length) throw broken(root, `it holds ${parts.length} answers to ${rows.length} rows`);
  return rows.map((row, index) => {
    const part = named ? byId.get(String(row.seq)) : parts[index];
    if (part === undefined) throw broken(root, `row ${row.seq} has no answer`);
    const taken = part.status < 300;
    const messages = [...messagesOf(part.headers.get("sap-message")), ...(taken ? [] : messagesOf(part.body))];
    const bad = messages.some((message) => message.type === "E" || message.type === "A");
    return {
      seq: row.seq,
      taken: taken && !bad,
      messages:
        messages.length > 0 || taken
          ? messages
          : [{ type: "E", id: `HTTP/${part.status}`, text: `refused with status ${part.status}`, field: "" }],
    };
  });
}

function messagesOf(text: string | undefined): readonly BapiMessage[] {
  if (text === undefined || text === "") return [];
  try {
    return readMessages(JSON.parse(text));
  } catch {
    return [];
  }
}

function refused(root: string, status: number, text: string): StockroomError {
  const said = messagesOf(text)
    .map((message) => message.text)
    .join("; ");
  return new StockroomError(
    "input",
    "SAP_REFUSED",
    `Expected ${placeOf(root)} to take a $batch but it answered ${status}${said === "" ? "" : `: ${said}`}. Check the service's address and the field names of the target.`,
    { facts: { status } },
  );
}
