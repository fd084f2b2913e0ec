// Forms: answers that come from a page of ours, sent by the person who looks at it, and from nowhere else.
//
//   F1. A form carries a token that fits the session, without one the browser's cookie, and that only the vault's key makes: another site can neither read nor guess it.
//   F2. Its Origin must be ours as well; every browser sends it with a form.
//   F3. A field nobody knows is refused.

import { randomBytes, timingSafeEqual } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { StockroomError } from "../../../platform/errors.ts";
import type { Vault } from "../../../platform/vault/contract.ts";
import { cookieOf } from "../../../platform/web/forms.ts";

const sessionCookie = "stockroom_form";
const nameCookie = "stockroom_reviewer";
const nameDays = 365;

/** The token for the forms of an answer; gives the browser its cookie when it has none. */
export function formToken(vault: Pick<Vault, "mac">, request: FastifyRequest, reply: FastifyReply): string {
  const signedIn = request.caller?.session?.id;
  if (signedIn !== undefined) return tokenOf(vault, signedIn);
  const known = cookieOf(request, sessionCookie);
  const session = known !== undefined && /^[A-Za-z0-9_-]{32}$/.test(known) ? known : randomBytes(24).toString("base64url");
  if (session !== known) reply.header("set-cookie", `${sessionCookie}=${session}; Path=/classify; HttpOnly; SameSite=Lax`);
  return tokenOf(vault, session);
}

/** Throws `denied` `FORM_ORIGIN` or `FORM_TOKEN` unless the form is one of ours. */
export function checkForm(vault: Pick<Vault, "mac">, request: FastifyRequest, token: string): void {
  const { origin, host = "" } = request.headers;
  if (origin === undefined || !URL.canParse(origin) || new URL(origin).host !== host.toLowerCase()) {
    throw new StockroomError(
      "denied",
      "FORM_ORIGIN",
      "Expected a form of our own page but it does not say so (Origin). Open the page here and send it again; programs use /api/classify.",
    );
  }
  const wanted = Buffer.from(tokenOf(vault, request.caller?.session?.id ?? cookieOf(request, sessionCookie) ?? ""));
  const given = Buffer.from(token);
  if (given.length === wanted.length && timingSafeEqual(given, wanted)) return;
  throw new StockroomError(
    "denied",
    "FORM_TOKEN",
    "Expected a form of this browser's page but its token does not fit. Load the page again.",
  );
}

const tokenOf = (vault: Pick<Vault, "mac">, session: string): string =>
  Buffer.from(vault.mac("classify.form", session)).toString("base64url");

/** The name of the sign-in; without users the one that was given in this browser. */
export function reviewerOf(request: FastifyRequest): string {
  if (request.caller?.name !== undefined) return request.caller.name;
  try {
    return decodeURIComponent(cookieOf(request, nameCookie) ?? "");
  } catch {
    return "";
  }
}

/** Keeps the name for a year. */
export function insertReviewer(reply: FastifyReply, name: string): void {
  reply.header(
    "set-cookie",
    `${nameCookie}=${encodeURIComponent(name)}; Path=/classify; Max-Age=${nameDays * 86_400}; HttpOnly; SameSite=Lax`,
  );
}
