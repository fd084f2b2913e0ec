// One exchange with an SAP system over HTTP: a request sent, its answer read whole, and whether it came from the service at all.
//
// Owns: time-out, cookies, the bound of an answer, redirects and pages for people. Does not own: credentials, tokens, repeats (session.ts).
//   X1. A redirect is never followed: the credentials would go with it.

import { StockroomError } from "../../../platform/errors.ts";

export interface SapAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The connection broke before the end of the answer. */
  readonly isCut: boolean;
}

/** Cookies by name, as the system set them. */
export type Cookies = Map<string, string>;

const largestAnswerBytes = 512 * 1024 * 1024;

/** What an exchange is made with. */
export interface ExchangeOptions {
  readonly timeoutMs: number;
  /** Takes what the answer sets; what is sent is a matter of the request's headers. */
  readonly cookies: Cookies;
  readonly signal: AbortSignal;
}

/**
 * Sends one request and reads its answer, of whatever status. Throws what `fetch` throws, `input` `SAP_ANSWER_TOO_LARGE`, and `denied`
 * `SAP_REDIRECT` or `SAP_LOGON_PAGE` for an answer from somewhere else.
 */
export async function exchange(url: string, init: RequestInit, { timeoutMs, cookies, signal }: ExchangeOptions): Promise<SapAnswer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const response = await fetch(url, { ...init, redirect: "manual", signal: AbortSignal.any([signal, timeout]) });
  storeCookies(cookies, response.headers);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let isCut = false;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > largestAnswerBytes) break;
      chunks.push(chunk);
    }
  } catch (error) {
    if (init.method === "GET" || signal.aborted) throw error;
    // What was said before the connection broke is still worth reading: rows it answers are certain.
    isCut = true;
  }
  if (bytes > largestAnswerBytes) {
    throw new StockroomError(
      "input",
      "SAP_ANSWER_TOO_LARGE",
      `Expected an answer of at most ${largestAnswerBytes / 2 ** 20} MiB from ${placeOf(url)} but it is larger. Ask for fewer rows a page (pageRows).`,
    );
  }
  const answer: SapAnswer = { status: response.status, headers: response.headers, text: Buffer.concat(chunks).toString("utf8"), isCut };
  const elsewhere = readElsewhere(url, answer);
  if (elsewhere !== undefined) throw elsewhere;
  return answer;
}

function storeCookies(cookies: Cookies, headers: Headers): void {
  for (const cookie of headers.getSetCookie()) {
    const [pair = ""] = cookie.split(";", 1);
    const at = pair.indexOf("=");
    if (at > 0) cookies.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim());
  }
}

/**
 * An answer that comes from somewhere else than the service: a redirect, or a page for people where data belong.
 *
 * Such a request was not carried out: it did not get as far as the service.
 */
function readElsewhere(url: string, answer: SapAnswer): StockroomError | undefined {
  const where = placeOf(url);
  if (answer.status >= 300 && answer.status < 400 && answer.status !== 304) {
    const location = answer.headers.get("location") ?? "";
    const target = URL.canParse(location, url) ? placeOf(new URL(location, url).href) : "nowhere";
    const isSame = target.replace(/^http:/, "https:").replace(/\/+$/, "") === where.replace(/^http:/, "https:").replace(/\/+$/, "");
    return new StockroomError(
      "denied",
      "SAP_REDIRECT",
      `Expected an answer from ${where} but it sends elsewhere (${answer.status}), to ${target}. ${
        isSame
          ? "Write that address into the settings."
          : "That is usually a logon page: let the user of the credentials log on to this service without single sign-on (basic or OAuth in transaction SICF, or the query saml2=disabled in the address)."
      }`,
      { facts: { where, status: answer.status } },
    );
  }
  const type = answer.headers.get("content-type") ?? "";
  const isHtml = /\bhtml\b/i.test(type) || /^\s*<(?:!doctype html|html)[\s>]/i.test(answer.text.slice(0, 200));
  if (answer.status >= 300 || !isHtml) return undefined;
  const title = /<title[^>]*>([^<]{1,80})/i.exec(answer.text)?.[1]?.trim();
  return new StockroomError(
    "denied",
    "SAP_LOGON_PAGE",
    `Expected data from ${where} but a page for people came${title === undefined || title === "" ? "" : ` ("${title}")`}: usually the logon page. Check the credentials object, the client (\`client\`), and that the service in transaction SICF takes this kind of logon.`,
    { facts: { where } },
  );
}

/** An address for people: without query, user or password. */
export function placeOf(url: string): string {
  const parsed = new URL(url);
  return `${parsed.origin}${parsed.pathname}`;
}
