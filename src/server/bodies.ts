// Bodies: JSON as it is read, and requests that two readers could read in two ways.
//
//   B1. A body means one thing: one encoding (UTF-8, not packed), no name twice in an object, no half of a character.
//   B2. What came and is not looked at is refused, not passed over: a body with GET, a second Authorization.

import type { FastifyInstance, FastifyRequest } from "fastify";
import { StockroomError } from "../platform/errors.ts";

const bad = (code: "BODY_BAD" | "BODY_TYPE" | "REQUEST_BAD", message: string): StockroomError => new StockroomError("input", code, message);

/** Makes `server` read JSON so, and refuse what could be read otherwise by somebody before us. */
export function readBodies(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser("error", "error");
  const decoder = new TextDecoder("utf-8", { fatal: true });
  server.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body: Buffer, done) => {
    let text: string;
    try {
      text = decoder.decode(body);
    } catch {
      done(bad("BODY_BAD", "Expected a body in UTF-8 but some of its bytes are none. Send the JSON encoded as UTF-8."), undefined);
      return;
    }
    void parse(request, text, (error, value) => {
      const flaw = error === null ? findFlaw(text) : undefined;
      done(flaw === undefined ? error : bad("BODY_BAD", flaw), value);
    });
  });
  server.addHook("onRequest", async (request) => checkFraming(request));
}

function checkFraming({ method, headers, raw }: FastifyRequest): void {
  for (const name of ["authorization", "content-type"]) {
    if (countOf(raw.rawHeaders, name) > 1) {
      throw bad("REQUEST_BAD", `Expected one header ${name} but several came. Send one, and look at what stands between.`);
    }
  }
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  if (!hasBody) return;
  if (method === "GET" || method === "HEAD") {
    throw bad("BODY_BAD", `Expected no body with ${method} but one came. Say what is wanted in the query of the URL.`);
  }
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== "identity") {
    throw bad(
      "BODY_TYPE",
      `Expected a body that is not packed but its content-encoding is ${JSON.stringify(encoding.slice(0, 40))}. Send the bytes as they are, without that header.`,
    );
  }
  const type = headers["content-type"] ?? "";
  const charset = /^application\/json\b.*;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(type)?.[1]?.toLowerCase();
  if (charset !== undefined && charset !== "utf-8" && charset !== "utf8") {
    throw bad("BODY_TYPE", `Expected JSON in UTF-8 but its charset is ${JSON.stringify(charset.slice(0, 40))}. Encode it as UTF-8.`);
  }
}

function countOf(rawHeaders: readonly string[], name: string): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) if (rawHeaders[at]?.toLowerCase() === name) count += 1;
  return count;
}

/** What JSON that parses can still have: a name twice in one object (the last would win), a half of a character. Reads the text once. */
function findFlaw(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  let isName = false;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === "{" || letter === "[") {
      isName = letter === "{";
      open.push(isName ? new Set() : undefined);
    } else if (letter === "}" || letter === "]") open.pop();
    else if (letter === ",") isName = open.at(-1) !== undefined;
    else if (letter === ":") isName = false;
    else if (letter === '"') {
      const begin = at;
      let isEscaped = false;
      for (at++; text[at] !== '"'; at++) {
        if (text[at] !== "\\") continue;
        isEscaped = true;
        at++;
      }
      const names = isName ? open.at(-1) : undefined;
      if (names === undefined && !isEscaped) continue;
      const value = isEscaped ? String(JSON.parse(text.slice(begin, at + 1))) : text.slice(begin + 1, at);
      if (!value.isWellFormed())
        return "Expected text of whole characters but some \\u escape is half of one. Send the character itself in UTF-8.";
      if (names?.has(value) === true)
        return `Expected each name once but ${JSON.stringify(value.slice(0, 80))} comes twice. Leave one out.`;
      names?.add(value);
    }
  }
  return undefined;
}
