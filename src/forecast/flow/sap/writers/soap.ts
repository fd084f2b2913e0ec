// The RFC writer over SOAP: one call of a remote-enabled function module for each batch, through /sap/bc/soap/rfc.
//
// SOAP knows no repeats. The function module is handed the request id in its guard parameter and must keep it; a repeated id must give
// the first answer again. Without such a parameter set `repeatable: false`.

import { SaxesParser } from "saxes";
import { StockroomError } from "../../../../base/errors.ts";
import { placeOf, type Session } from "../session.ts";
import type { SapTarget } from "../settings.ts";
import type { BapiMessage } from "../wire.ts";
import type { Answer, FieldValue, SapWriter } from "./contract.ts";

const rfcNamespace = "urn:sap-com:document:sap:rfc:functions";
const soapNamespace = "http://schemas.xmlsoap.org/soap/envelope/";

export function openSoapWriter(target: SapTarget & { readonly kind: "soap" }, session: Session): SapWriter {
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
      const guard = target.repeatable ? `<${target.guard}>${request.requestId}</${target.guard}>` : "";
      const body =
        `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="${soapNamespace}"><soap:Body>` +
        `<rfc:${elementName(target.function)} xmlns:rfc="${rfcNamespace}">${guard}<${target.table}>${items}</${target.table}><${target.returns}/></rfc:${elementName(target.function)}>` +
        `</soap:Body></soap:Envelope>`;
      const answer = await session.send(
        target.url,
        {
          method: "POST",
          repeatable: target.repeatable,
          isFinal: (got) => got.status === 500 && /<(?:[\w-]+:)?Fault[\s>]/.test(got.text),
          headers: { "content-type": "text/xml; charset=utf-8", accept: "text/xml", SOAPAction: `"${rfcNamespace}:${target.function}"` },
          body,
        },
        request.signal,
      );
      const read = readSoap(answer.text, target.returns);
      if (answer.status >= 300 || read.fault !== undefined) {
        throw new StockroomError(
          "input",
          "SAP_REFUSED",
          `Expected ${target.function} at ${placeOf(target.url)} to take a batch but it answered ${read.fault ?? `status ${answer.status}`}. Check the function module's name and parameters.`,
          { facts: { status: answer.status } },
        );
      }
      return answersOf(
        rows.map((row) => row.seq),
        read.returns,
      );
    },
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

/** Reads the BAPIRET2 rows and the fault of an answer; entities and DTDs are not followed (saxes knows none). */
export function readSoap(text: string, returns: string): { readonly returns: readonly Returned[]; readonly fault: string | undefined } {
  const found: Returned[] = [];
  let fault: string | undefined;
  const path: string[] = [];
  let item: Record<string, string> | undefined;
  let chars = "";
  const parser = new SaxesParser({ xmlns: false });
  const local = (name: string): string => name.slice(name.indexOf(":") + 1);
  parser.on("opentag", (tag) => {
    const name = local(tag.name);
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
  } catch (cause) {
    throw new StockroomError(
      "fault",
      "SAP_SOAP_ANSWER",
      "Expected a SOAP answer but it is no XML. Check that the address leads to /sap/bc/soap/rfc.",
      { cause },
    );
  }
  return { returns: found, fault };
}

/** A row without a message was taken; a message without a row holds for all of them. */
function answersOf(seqs: readonly number[], returns: readonly Returned[]): readonly Answer[] {
  const general = returns.filter((one) => one.row < 1 || one.row > seqs.length).map((one) => one.message);
  return seqs.map((seq, index) => {
    const messages = [...returns.filter((one) => one.row === index + 1).map((one) => one.message), ...general];
    return { seq, taken: !messages.some((message) => message.type === "E" || message.type === "A"), messages };
  });
}
