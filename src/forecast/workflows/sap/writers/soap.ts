// The RFC writer over SOAP: one call of a remote-enabled function module for each batch, through /sap/bc/soap/rfc.
//
// SOAP knows no repeats. The function module is handed the request id in its guard parameter; one that keeps it, and gives the first answer to a
// repeated id, says so by giving the id back (`echo`). Until it has, an answer that died leaves its rows unsure.

import { SaxesParser } from "saxes";
import { StockroomError } from "../../../../platform/errors.ts";
import { makeAddress } from "../address.ts";
import { placeOf } from "../exchange.ts";
import type { Session } from "../session.ts";
import type { SapTarget } from "../settings.ts";
import type { BapiMessage } from "../wire.ts";
import { unsureAnswer, type Answer, type FieldValue, type SapWriter } from "./contract.ts";

const rfcNamespace = "urn:sap-com:document:sap:rfc:functions";
const soapNamespace = "http://schemas.xmlsoap.org/soap/envelope/";

export function openSoapWriter(target: SapTarget & { readonly kind: "soap" }, session: Session): SapWriter {
  const url = makeAddress(target).here();
  const where = placeOf(target.url);
  /** Whether the last answer gave its request id back. */
  let echoes: boolean | undefined;
  return {
    async write(rows, request) {
      const items = rows
        .map(
          (row) =>
            `<item>${Object.entries(row.fields)
              .map(([name, value]) => `<${name}>${escapeXml(abapText(value))}</${name}>`)
              .join("")}</item>`,
        )
        .join("");
      const guard = target.repeatable !== false ? `<${target.guard}>${request.requestId}</${target.guard}>` : "";
      const body =
        `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="${soapNamespace}"><soap:Body>` +
        `<rfc:${elementName(target.function)} xmlns:rfc="${rfcNamespace}">${guard}<${target.table}>${items}</${target.table}><${target.returns}/></rfc:${elementName(target.function)}>` +
        `</soap:Body></soap:Envelope>`;
      const answer = await session.send(
        url,
        {
          method: "POST",
          repeatable: false,
          isFinal: (got) => got.status === 500 && /<(?:[\w-]+:)?Fault[\s>]/.test(got.text),
          headers: { "content-type": "text/xml; charset=utf-8", accept: "text/xml", SOAPAction: `"${rfcNamespace}:${target.function}"` },
          body,
        },
        request.signal,
      );
      const read = readSoap(answer.text, { returns: target.returns, echo: target.echo });
      if (read?.fault !== undefined || answer.status >= 300) {
        throw new StockroomError(
          "input",
          "SAP_REFUSED",
          `Expected ${target.function} at ${where} to take a batch but it answered ${read?.fault ?? `status ${answer.status}`}. Check the function module's name and parameters.`,
          { facts: { status: answer.status } },
        );
      }
      // What was cut off may have held the refusals.
      if (read === undefined || answer.isCut) throw unsureAnswer(where, "its answer broke off or is no SOAP");
      if (!read.hasReturns) throw unsureAnswer(where, `its answer has no ${target.returns}, so it does not say what became of the rows`);
      echoes = read.echo === request.requestId;
      return answersOf(
        rows.map((row) => row.seq),
        read.returns,
      );
    },
    knowsRepeats: async () => target.repeatable === true || (target.repeatable !== false && echoes === true),
    close: async () => {},
  };
}

/** ABAP names may hold slashes (/NAMESPACE/NAME); XML writes them as `_-`. */
function elementName(name: string): string {
  return name.replaceAll("/", "_-");
}

function abapText(value: FieldValue): string {
  if (typeof value === "object") return new Date(value.date).toISOString().slice(0, 10);
  if (typeof value === "boolean") return value ? "X" : "";
  return String(value);
}

function escapeXml(text: string): string {
  return text
    .replace(/[<>&"']/g, (char) => `&#${char.charCodeAt(0)};`)
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD");
}

interface Returned {
  readonly row: number;
  readonly message: BapiMessage;
}

export interface SoapAnswer {
  readonly returns: readonly Returned[];
  /** Whether the table of messages was there at all. */
  readonly hasReturns: boolean;
  readonly echo: string | undefined;
  readonly fault: string | undefined;
}

/** Reads the BAPIRET2 rows and the fault of an answer; `undefined` when it is no whole XML. Entities and DTDs are not followed (saxes knows none). */
export function readSoap(text: string, names: { readonly returns: string; readonly echo: string }): SoapAnswer | undefined {
  const { returns } = names;
  const found: Returned[] = [];
  let hasReturns = false;
  let echo: string | undefined;
  let fault: string | undefined;
  const path: string[] = [];
  let item: Record<string, string> | undefined;
  let chars = "";
  const parser = new SaxesParser({ xmlns: false });
  const local = (name: string): string => name.slice(name.indexOf(":") + 1);
  parser.on("opentag", (tag) => {
    const name = local(tag.name);
    if (name === returns) hasReturns = true;
    if (name === "item" && path.at(-1) === returns) item = {};
    path.push(name);
    chars = "";
  });
  parser.on("text", (part) => (chars += part));
  parser.on("cdata", (part) => (chars += part));
  parser.on("closetag", (tag) => {
    const name = local(tag.name);
    path.pop();
    if (name === "faultstring") fault = chars.trim();
    if (name === names.echo && item === undefined) echo = chars.trim();
    if (item !== undefined) {
      if (name === "item" && path.at(-1) === returns) {
        found.push({
          row: Number(item["ROW"] ?? "0"),
          message: {
            type: item["TYPE"] ?? "",
            id: [item["ID"] ?? "", item["NUMBER"] ?? ""].filter((one) => one !== "").join("/"),
            text: item["MESSAGE"] ?? "",
            field: item["FIELD"] ?? "",
          },
        });
        item = undefined;
      } else item[name] = chars.trim();
    }
    chars = "";
  });
  try {
    parser.write(text).close();
  } catch {
    return undefined;
  }
  return { returns: found, hasReturns, echo, fault };
}

/** A row without a message was taken; a message without a row holds for all of them. */
function answersOf(seqs: readonly number[], returns: readonly Returned[]): readonly Answer[] {
  const general = returns.filter((one) => !(Number.isInteger(one.row) && one.row >= 1 && one.row <= seqs.length)).map((one) => one.message);
  return seqs.map((seq, index) => {
    const messages = [...returns.filter((one) => one.row === index + 1).map((one) => one.message), ...general];
    return { seq, taken: !messages.some((message) => ["E", "A", "X"].includes(message.type.toUpperCase())), messages };
  });
}
