// The OData V2 writer: one `$batch` of POSTs, each in a change set of its own, so that a refused row takes no other with it.
//
// A batch goes out once (session S1). SAP Gateway knows repeats by RequestID and RepeatabilityCreation when its idempotency is switched on, and says
// so by `RepeatabilityResult: accepted`; only then is a batch repeated. Where the set's key is filled by our fields, what it holds can be read back.
// Source: "Defining settings for idempotent services", SAP Gateway Foundation.

import { createHash } from "node:crypto";
import { StockroomError } from "../../../../platform/errors.ts";
import { makeAddress, type ServiceAddress } from "../address.ts";
import { sameDecimal } from "../decimal.ts";
import { readMetadata } from "../metadata.ts";
import { placeOf, type SapAnswer } from "../exchange.ts";
import type { SapRequest, Session } from "../session.ts";
import type { SapTarget } from "../settings.ts";
import { millisOf, readErrorText, readPage, wireDate, type BapiMessage, type WireRow } from "../wire.ts";
import { unsureAnswer, type Answer, type BatchRequest, type FieldValue, type ImportRow, type SapWriter } from "./contract.ts";

type ODataTarget = SapTarget & { readonly kind: "odata" };

/** Opens the writer over a session of its own. */
export function openODataWriter(target: ODataTarget, session: Session): SapWriter {
  const address = makeAddress(target);
  const root = placeOf(target.url);
  /** What the service last said of repeats; undefined before it was asked. */
  let says: boolean | undefined;
  const post = async (body: string, boundary: string, request: BatchRequest, more: Pick<SapRequest, "repeatable">): Promise<SapAnswer> => {
    const repeats: Record<string, string> =
      target.repeatable === false ? {} : { RequestID: request.requestId, RepeatabilityCreation: request.madeAt };
    const answer = await session.send(
      address.at("$batch"),
      {
        method: "POST",
        ...more,
        csrfFrom: address.at(""),
        headers: { "content-type": `multipart/mixed; boundary=${boundary}`, accept: "multipart/mixed", ...repeats },
        body,
      },
      request.signal,
    );
    says = /^accepted$/i.test(answer.headers.get("repeatabilityresult")?.trim() ?? "");
    return answer;
  };
  return {
    async write(rows, request) {
      const boundary = `batch_${request.requestId}`;
      const answer = await post(batchBody(target.set, rows, boundary), boundary, request, { repeatable: false });
      if (answer.status >= 300) throw refusal(root, answer);
      return answersOf(rows, parseBatch(answer.headers.get("content-type") ?? "", answer.text, root), answer.isCut);
    },
    async knowsRepeats(request) {
      if (target.repeatable === false) return false;
      if (says !== undefined) return says;
      // A batch with nothing but a query changes nothing: it may be asked as often as need be, and its answer says what the service does with ids.
      const requestId = createHash("sha256").update(`${request.requestId}/asked`).digest("hex").slice(0, 32);
      const boundary = `batch_${requestId}`;
      const query = `GET ${target.set}?$top=0&$format=json HTTP/1.1`;
      const lines = [
        `--${boundary}`,
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "",
        query,
        "Accept: application/json",
        "",
        "",
      ];
      await post([...lines, `--${boundary}--`, ""].join("\r\n"), boundary, { ...request, requestId }, { repeatable: true });
      return says ?? false;
    },
    async readBack(rows, signal) {
      return await readBack({ target, address, session, signal }, rows);
    },
    close: async () => {},
  };
}

interface Reading {
  readonly target: ODataTarget;
  readonly address: ServiceAddress;
  readonly session: Session;
  readonly signal: AbortSignal;
}

/** Rows of one query: addresses have a length that proxies bound. */
const rowsAQuery = 15;

/** Which rows the set holds, by its key; `undefined` when the key is not wholly filled by our fields, or the set cannot be read. */
async function readBack(reading: Reading, rows: readonly ImportRow[]): Promise<ReadonlyMap<number, boolean> | undefined> {
  const { target, address, session, signal } = reading;
  const meta = await session.send(
    address.at("$metadata"),
    { method: "GET", repeatable: true, headers: { accept: "application/xml" } },
    signal,
  );
  const shape = meta.status < 300 ? readMetadata(meta.text, target.set) : undefined;
  const keys = target.keys ?? shape?.keys ?? [];
  if (keys.length === 0 || keys.some((key) => !(key in target.fields))) return undefined;
  const held = new Map<number, boolean>();
  for (let at = 0; at < rows.length; at += rowsAQuery) {
    const some = rows.slice(at, at + rowsAQuery);
    const filter = some
      .map((row) => `(${keys.map((key) => `${key} eq ${literal(row.fields[key] ?? "", shape?.types.get(key))}`).join(" and ")})`)
      .join(" or ");
    const found = await readAll(reading, [`$format=json`, `$filter=${encodeURIComponent(filter)}`]);
    if (found === undefined) return undefined;
    for (const row of some)
      held.set(
        row.seq,
        found.some((other) => Object.entries(row.fields).every(([field, value]) => isSame(value, other[field]))),
      );
  }
  return held;
}

async function readAll({ target, address, session, signal }: Reading, options: readonly string[]): Promise<readonly WireRow[] | undefined> {
  const rows: WireRow[] = [];
  let url = address.at(target.set, options);
  for (const seen = new Set<string>(); !seen.has(url);) {
    seen.add(url);
    const answer = await session.send(url, { method: "GET", repeatable: true, headers: { accept: "application/json" } }, signal);
    if (answer.status >= 300) return undefined;
    let page;
    try {
      page = readPage(JSON.parse(answer.text), placeOf(url));
    } catch {
      return undefined;
    }
    rows.push(...page.rows);
    if (page.next === undefined) return rows;
    url = address.follow(page.next, ["$format=json"]);
  }
  return undefined;
}

/** A value as a filter of OData V2 writes it. */
function literal(value: FieldValue, edm: string | undefined): string {
  if (typeof value === "object") {
    const instant = new Date(value.date).toISOString().slice(0, 19);
    return edm === "Edm.DateTimeOffset" ? `datetimeoffset'${instant}Z'` : `datetime'${instant}'`;
  }
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (edm === "Edm.Decimal") return `${value}m`;
  if (edm === "Edm.Int64") return `${value}L`;
  if (edm === "Edm.Guid") return `guid'${value}'`;
  if (/^Edm\.(?:Double|Single|Byte|SByte|Int16|Int32)$/.test(edm ?? "")) return value;
  return `'${value.replaceAll("'", "''")}'`;
}

/** Whether what is held is what was sent: numbers by value, dates by instant, texts by letter. */
function isSame(sent: FieldValue, held: unknown): boolean {
  if (typeof sent === "object") {
    return millisOf(held) === sent.date || (typeof held === "string" && Date.parse(`${held.replace(/Z$/, "")}Z`) === sent.date);
  }
  if (typeof held !== "string" && typeof held !== "number" && typeof held !== "boolean")
    return sent === "" && (held === null || held === undefined);
  if (String(held) === String(sent)) return true;
  // A text of digits is a key until a point says that it is a number.
  const areNumbers = typeof sent === "number" || typeof held === "number" || (String(sent).includes(".") && String(held) !== "");
  return areNumbers && sent !== "" && sameDecimal(String(sent), String(held));
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

/** A batch was answered, but not in a way that says what became of it. */
const broken = (root: string, detail: string): StockroomError => unsureAnswer(root, `its answer to the $batch cannot be read: ${detail}`);

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
    else {
      const part = parseHttp(body, root);
      // The row's name stands with the answer, or with the part that holds it.
      const id = part.headers.get("content-id") ?? headers.get("content-id");
      parts.push(id === undefined ? part : { ...part, headers: new Map([...part.headers, ["content-id", id]]) });
    }
  }
  return parts;
}

function* sections(text: string, boundary: string): Generator<string> {
  // Alone on its line: the name of another boundary, or a text of a row, may begin with the same letters.
  const mark = new RegExp(`(?<![^\\n])--${boundary.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}(--)?[\\t ]*(?=\\r?\\n|$)`, "g");
  let begin: number | undefined;
  for (const match of text.matchAll(mark)) {
    if (begin !== undefined) yield text.slice(begin, match.index).replace(/^\r?\n/, "");
    if (match[1] !== undefined) return;
    begin = match.index + match[0].length;
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

/**
 * One answer a row. Rows are told apart by Content-ID where the service gives it back; by their order only when there are as many answers as rows, or
 * the answer was cut off behind the ones that came. A row without an answer is unsure.
 */
function answersOf(rows: readonly ImportRow[], parts: readonly Part[], isCut: boolean): readonly Answer[] {
  const byId = new Map(parts.map((part) => [part.headers.get("content-id"), part]));
  const named = parts.every((part) => part.headers.has("content-id")) && byId.size === parts.length;
  const inOrder = parts.length === rows.length || (isCut && parts.length < rows.length);
  return rows.map((row, index): Answer => {
    const part = named ? byId.get(String(row.seq)) : inOrder ? parts[index] : undefined;
    if (part === undefined) return { seq: row.seq, taken: false, unsure: true, messages: [] };
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
  return text === undefined || text === "" ? [] : readErrorText(text);
}

/** SAP's own words on ids: 005, carried out before and the answer forgotten; 001, the framework is not set up. */
function refusal(root: string, answer: SapAnswer): StockroomError {
  const messages = readErrorText(answer.text);
  const named = (number: string): boolean => messages.some((message) => message.id.replaceAll("/", "").endsWith(`IWBEPCM_COS${number}`));
  if (named("005")) return unsureAnswer(root, "it says that it carried this request out before and has forgotten the answer");
  const said = messages.map((message) => message.text).join("; ");
  const isForIds = /^(?:rejected|unsupported)$/i.test(answer.headers.get("repeatabilityresult")?.trim() ?? "");
  const advice =
    isForIds || named("001")
      ? "Set up idempotency in SAP Gateway, or say `repeatable: false` at the target."
      : "Check the service's address and the field names of the target.";
  return new StockroomError(
    "input",
    "SAP_REFUSED",
    `Expected ${root} to take a $batch but it answered ${answer.status}${said === "" ? "" : `: ${said}`}. ${advice}`,
    { facts: { status: answer.status } },
  );
}
