// The words of OData V2 as SAP Gateway speaks it, in JSON: pages, links, errors, values.
//
// Owns: reading answers and writing values. Does not own: requests, retries, what rows mean.
//   W1. Nothing is assumed of an answer: what is not as the protocol has it is told with the field that is wrong.
// Sources: OData V2.0 JSON format; SAP Gateway Foundation developer guide (delta queries, ODP); BAPIRET2 of the ABAP dictionary.

import { StockroomError } from "../../../base/errors.ts";

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

/** Reads one page of an entity set: `{ d: { results, __next, __delta } }`, or `{ d: [...] }` of older services. */
export function readPage(body: unknown, where: string): Page {
  const d = isObject(body) ? body["d"] : undefined;
  if (Array.isArray(d)) return { rows: d.filter(isObject), next: undefined, delta: undefined };
  if (!isObject(d) || !Array.isArray(d["results"])) throw unreadable("d.results", where);
  const link = (name: string): string | undefined => (typeof d[name] === "string" && d[name] !== "" ? d[name] : undefined);
  return { rows: d["results"].filter(isObject), next: link("__next"), delta: link("__delta") };
}

/** The newest token in an answer of `DeltaLinksOf<Set>`; absent when there is none. */
export function readDeltaLinks(body: unknown, where: string): string | undefined {
  const newest = readPage(body, where)
    .rows.map((row) => ({ token: row["DeltaToken"], at: millisOf(row["CreatedAt"]) ?? 0 }))
    .filter((row): row is { token: string; at: number } => typeof row.token === "string" && row.token !== "")
    .toSorted((a, b) => b.at - a.at)[0];
  return newest?.token;
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

/**
 * A value as the files of this system have it: `yyyy-MM-dd` or `yyyy-MM-dd HH:mm:ss` for dates (also ABAP's 20240131), decimals as their
 * digits, absent as "".
 */
export function plainText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean" || typeof value === "number") return String(value);
  if (typeof value !== "string") return JSON.stringify(value);
  const ms = millisOf(value);
  if (ms !== undefined) {
    const text = new Date(ms).toISOString();
    return ms % 86_400_000 === 0 ? text.slice(0, 10) : text.slice(0, 19).replace("T", " ");
  }
  const dats = /^((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$/.exec(value);
  // ABAP writes the sign behind: 12.500-
  if (/^\d+(?:\.\d+)?-$/.test(value)) return `-${value.slice(0, -1)}`;
  return dats === null ? value.trim() : `${dats[1]}-${dats[2]}-${dats[3]}`;
}

/** The messages of an OData error body or of a `sap-message` header, the main one first. */
export function readMessages(body: unknown): readonly BapiMessage[] {
  const error = isObject(body) ? (isObject(body["error"]) ? body["error"] : body) : {};
  const inner = isObject(error["innererror"]) ? error["innererror"] : {};
  const details = Array.isArray(inner["errordetails"]) ? inner["errordetails"] : Array.isArray(error["details"]) ? error["details"] : [];
  const all = [error, ...details.filter(isObject)].map(messageOf).filter((message) => message.text !== "");
  return all.filter((message, index) => all.findIndex((other) => other.id === message.id && other.text === message.text) === index);
}

const severities: Readonly<Record<string, string>> = { success: "S", info: "I", information: "I", warning: "W", error: "E" };

function messageOf(value: Readonly<Record<string, unknown>>): BapiMessage {
  const text = isObject(value["message"]) ? value["message"]["value"] : value["message"];
  const severity = typeof value["severity"] === "string" ? value["severity"] : "error";
  return {
    type: severities[severity] ?? "E",
    id: typeof value["code"] === "string" ? value["code"] : "",
    text: typeof text === "string" ? text : "",
    field: typeof value["target"] === "string" ? value["target"] : typeof value["propertyref"] === "string" ? value["propertyref"] : "",
  };
}
