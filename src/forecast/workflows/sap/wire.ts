// The words of OData V2 as SAP Gateway speaks it, in JSON: pages, links, errors, values.
//
// Owns: reading answers and writing values. Does not own: requests, retries, what rows mean.
//   W1. Nothing is assumed of an answer: what is not as the protocol has it is told with the field that is wrong.
// Sources: OData V2.0 JSON format; SAP Gateway Foundation developer guide (delta queries, ODP); BAPIRET2 of the ABAP dictionary.

import { StockroomError } from "../../../platform/errors.ts";
import { isDeltaLink } from "./address.ts";

/** One row as it came; numbers are text where SAP sends text (decimals). */
export type WireRow = Readonly<Record<string, unknown>>;

export interface Page {
  readonly rows: readonly WireRow[];
  /** The address of the next page, as the server gave it. */
  readonly next: string | undefined;
  /** The address of the changes since: stands on the last page only. */
  readonly delta: string | undefined;
}

/** What a message of the ERP says: BAPIRET2 in plain names. */
export interface BapiMessage {
  readonly [key: string]: string | number;
  /** S success, E error, W warning, I information, A abort. */
  readonly type: string;
  /** Message class and number, `ZFC/012`. */
  readonly id: string;
  readonly text: string;
  readonly field: string;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function unreadable(what: string, where: string): StockroomError {
  return new StockroomError(
    "fault",
    "SAP_ANSWER",
    `Expected ${what} in the answer of ${where} but it is not there. Check that the address is an OData V2 service with JSON.`,
    { facts: { where } },
  );
}

/**
 * Reads one page of an entity set: `{ d: { results, __next, __delta } }`, or `{ d: [...] }` of older services.
 *
 * SAP's ODP services end a tracked chain with the delta link in `__next`: that is no further page.
 */
export function readPage(body: unknown, where: string): Page {
  const d = isObject(body) ? body["d"] : undefined;
  if (Array.isArray(d)) return { rows: d.filter(isObject), next: undefined, delta: undefined };
  if (!isObject(d) || !Array.isArray(d["results"])) throw unreadable("d.results", where);
  const link = (name: string): string | undefined => (typeof d[name] === "string" && d[name] !== "" ? d[name] : undefined);
  const next = link("__next");
  const rows = d["results"].filter(isObject);
  if (next !== undefined && isDeltaLink(next)) return { rows, next: undefined, delta: link("__delta") ?? next };
  return { rows, next, delta: link("__delta") };
}

/** A number that JavaScript would round. */
const longNumber = /[:[,]\s*-?\d[\d.]{15,}/;

/** Reads JSON; numbers of more digits than JavaScript keeps stay the text they are: a key of twenty digits is another one when it is rounded. */
export function parseWire(text: string): unknown {
  if (!longNumber.test(text)) return JSON.parse(text);
  return JSON.parse(text, function keep(_, value: unknown, context?: { readonly source?: string }) {
    const source = context?.source;
    return typeof value === "number" && source !== undefined && /^-?\d[\d.]{15,}$/.test(source) && String(value) !== source
      ? source
      : value;
  });
}

/** One row of `DeltaLinksOf<Set>`. */
export interface DeltaEntry {
  readonly token: string;
  /** Milliseconds; undefined when the service does not say. */
  readonly at: number | undefined;
  /** Made by a first load; undefined when the service does not say. */
  readonly isInitialLoad: boolean | undefined;
}

/** The tokens of an answer of `DeltaLinksOf<Set>`. */
export function readDeltaLinks(body: unknown, where: string): readonly DeltaEntry[] {
  return readPage(body, where).rows.flatMap((row): DeltaEntry[] => {
    const token = row["DeltaToken"];
    if (typeof token !== "string" || token === "") return [];
    const flag = row["IsInitialLoad"];
    const isInitialLoad = typeof flag === "boolean" ? flag : typeof flag === "string" ? /^(?:x|true)$/i.test(flag) : undefined;
    return [{ token, at: millisOf(row["CreatedAt"]), isInitialLoad }];
  });
}

/** What is known of the chain whose token is looked for. */
export interface ChainTimes {
  readonly full: boolean;
  readonly rows: number;
  /** The server's own clock at the chain's first page, in milliseconds; undefined when it told none. */
  readonly begunAt: number | undefined;
  /** The same at its last page. */
  readonly endedAt?: number | undefined;
  /** The token a delta chain began with. */
  readonly from: string | undefined;
}

/** So far apart may be the times of a token and of the answer it was made with. */
const clockMs = 2_000;

const later = (a: DeltaEntry, b: DeltaEntry): number => (a.at ?? 0) - (b.at ?? 0) || (a.token < b.token ? -1 : a.token > b.token ? 1 : 0);

/**
 * Our token among those of `DeltaLinksOf<Set>`.
 *
 * A first load is followed by the token of a first load, a delta by that of a delta; of several by the first one made since our chain began, because
 * a later one is another subscriber's and would leave out what changed between the two. `certain` is false where this is a guess: then changes may
 * come twice, which a source of differences must not be asked for.
 */
export function pickDelta(
  entries: readonly DeltaEntry[],
  chain: ChainTimes,
): { readonly token: string; readonly certain: boolean } | undefined {
  const wanted = entries.filter((entry) => entry.isInitialLoad === chain.full);
  const silent = entries.filter((entry) => entry.isInitialLoad === undefined);
  const former = entries.find((entry) => entry.token === chain.from);
  const fitting = (wanted.length > 0 ? wanted : silent.length > 0 || !chain.full ? silent : entries)
    .filter((entry) => entry.token !== chain.from && (former === undefined || later(entry, former) > 0))
    .toSorted(later);
  if (fitting.length === 0) return former === undefined ? undefined : { token: former.token, certain: chain.rows === 0 };
  const { begunAt, endedAt = Number.POSITIVE_INFINITY } = chain;
  // The rows' times have whole seconds, and the server's clock of the answer stands after the making of the token.
  const since = begunAt === undefined ? [] : fitting.filter((entry) => entry.at !== undefined && entry.at >= begunAt - clockMs);
  // One made after our last page is somebody else's.
  const during = since.filter((entry) => (entry.at ?? 0) <= endedAt + clockMs);
  const chosen = since[0] ?? fitting.at(-1);
  return chosen === undefined
    ? undefined
    : { token: chosen.token, certain: during.length === 1 || since.length === 1 || fitting.length === 1 };
}

/** `/Date(1388534400000+0060)/` in milliseconds; the offset names a zone, not another instant. */
export function millisOf(value: unknown): number | undefined {
  const match = typeof value === "string" ? /^\/Date\((-?\d+)(?:[+-]\d+)?\)\/$/.exec(value) : null;
  return match === null ? undefined : Number(match[1]);
}

/** `/Date(ms)/` of a day or an instant. */
export function wireDate(ms: number): string {
  return `/Date(${ms})/`;
}

/** A value as it came, as text: nothing is read into it. Absent is "". */
export function rawText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  if (typeof value === "boolean" || typeof value === "number") return String(value);
  return JSON.stringify(value);
}

/**
 * A time as the files of this system have it, `yyyy-MM-dd` or `yyyy-MM-dd HH:mm:ss`: from `/Date(ms)/`, ABAP's `20240131` and `20240131123000`, and
 * ISO 8601. ABAP's initial date is no date. What is none of these stays as it came, for the reader of the file to refuse.
 */
export function timeText(given: string): string {
  const text = given.trim();
  const ms = millisOf(text) ?? instantOf(text);
  if (ms !== undefined && Math.abs(ms) <= 8.64e15) {
    const iso = new Date(ms).toISOString();
    return ms % 86_400_000 === 0 ? iso.slice(0, 10) : iso.slice(0, 19).replace("T", " ");
  }
  if (/^(?:0{8}(?:0{6})?|0000-00-00(?:T00:00:00)?)$/.test(text)) return "";
  const abap = /^(\d{4})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?:([01]\d|2[0-3])([0-5]\d)([0-5]\d))?$/.exec(text);
  if (abap !== null) {
    const [, year, month, day, hour, minute, second] = abap;
    return `${year}-${month}-${day}${hour === undefined ? "" : ` ${hour}:${minute}:${second}`}`;
  }
  const iso = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:[.,]\d+)?Z?$/.exec(text);
  if (iso === null) return given;
  const [, date, minutes, seconds = ":00"] = iso;
  return `${minutes}${seconds}` === "00:00:00" ? date : `${date} ${minutes}${seconds}`;
}

/** An ISO time with an offset from UTC names an instant, like `/Date(ms)/`. */
function instantOf(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?[+-]\d\d:\d\d$/.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** A number as it came, but for ABAP's sign behind it (`12.500-`) and blanks around it. */
export function numberText(text: string): string {
  const trimmed = text.trim();
  const behind = /^((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?) *-$/.exec(trimmed);
  return behind === null ? trimmed : `-${behind[1]}`;
}

/** The messages of an OData error body or of a `sap-message` header, the main one first. */
function readMessages(body: unknown): readonly BapiMessage[] {
  const error = isObject(body) ? (isObject(body["error"]) ? body["error"] : body) : {};
  const inner = isObject(error["innererror"]) ? error["innererror"] : {};
  const details = Array.isArray(inner["errordetails"]) ? inner["errordetails"] : Array.isArray(error["details"]) ? error["details"] : [];
  const all = [error, ...details.filter(isObject)].map(messageOf).filter((message) => message.text !== "");
  return all.filter((message, index) => all.findIndex((other) => other.id === message.id && other.text === message.text) === index);
}

/** The messages of an error answer, JSON or XML; none when it is neither. */
export function readErrorText(text: string): readonly BapiMessage[] {
  try {
    return readMessages(JSON.parse(text));
  } catch {
    // SAP Gateway answers in XML where it did not get as far as looking at the format asked for.
    const field = (name: string): string =>
      (new RegExp(`<(?:\\w+:)?${name}[^>]*>([^<]*)<`).exec(text)?.[1] ?? "")
        .trim()
        .replace(/&(?:amp|lt|gt|quot|apos);/g, (entity) => entities[entity] ?? entity);
    const message = field("message");
    return message === "" || !/<(?:\w+:)?error[\s>]/.test(text) ? [] : [{ type: "E", id: field("code"), text: message, field: "" }];
  }
}

const entities: Readonly<Record<string, string>> = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'" };

const severities: Readonly<Record<string, string>> = { success: "S", info: "I", information: "I", warning: "W", error: "E" };

function messageOf(value: Readonly<Record<string, unknown>>): BapiMessage {
  // The third is that of RFC 7807 (application/problem+json), which gateways in front of SAP speak.
  const text = isObject(value["message"]) ? value["message"]["value"] : (value["message"] ?? value["detail"] ?? value["title"]);
  const severity = typeof value["severity"] === "string" ? value["severity"] : "error";
  return {
    type: severities[severity] ?? "E",
    id: typeof value["code"] === "string" ? value["code"] : "",
    text: typeof text === "string" ? text : "",
    field: typeof value["target"] === "string" ? value["target"] : typeof value["propertyref"] === "string" ? value["propertyref"] : "",
  };
}
