// Sign-in and sign-out for people: plain pages and forms, without any script.
//
//   P1. A form of ours proves that it is: by its token, by the browser's word on where it comes from (guard).
//   P2. The way to a provider begins by a link and ends in the browser that began it.

import { randomBytes, timingSafeEqual } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { describeError, isStockroomError, meanings, StockroomError } from "../../platform/errors.ts";
import { tooMany } from "../../platform/identity/attempts.ts";
import type { SignedIn, Visitor } from "../../platform/identity/contract.ts";
import { flowMs } from "../../platform/identity/oidc.ts";
import type { Caller } from "../../platform/web/caller.ts";
import { readFields } from "../../platform/web/fields.ts";
import { cookieOf, takeForms } from "../../platform/web/forms.ts";
import { framed, pageHeaders } from "../../platform/web/frame.ts";
import { href, html, type Html } from "../../platform/web/html.ts";
import { servePage } from "../../platform/web/route.ts";
import { safeNext, type Entrance } from "./entrance.ts";

export const signInPath = "/sign-in";
const callbackPath = "/sign-in/callback";
const doc = "docs/how-to/sign-in.md";
const formCookie = "stockroom_sign_in";
const flowCookie = "stockroom_flow";

const nextQuery = z.strictObject({ next: z.string().max(4_000).optional() });
const signInForm = z.strictObject({
  form: z.string().max(200),
  next: z.string().max(4_000).optional(),
  name: z.string().max(1_000).optional(),
  password: z.string().max(4_000).optional(),
  key: z.string().max(1_000).optional(),
});
const signOutForm = z.strictObject({ form: z.string().max(200) });

/** Mounts /sign-in and what lies below it, and /sign-out. */
export async function mountSignIn(server: FastifyInstance, entrance: Entrance): Promise<void> {
  await server.register(async (scope) => {
    takeForms(scope);
    mountForms(scope, entrance);
    mountProvider(scope, entrance);
  });
}

function mountForms(scope: FastifyInstance, entrance: Entrance): void {
  const { identity } = entrance;
  const shown = showing(entrance);
  servePage(
    scope,
    { method: "GET", path: signInPath, needs: "anyone" },
    shown(async (request, reply) => {
      const { next } = readFields("query", nextQuery, request.query, doc);
      const caller = await entrance.findCaller(request.raw);
      return await send(reply, caller === undefined ? formsOf(entrance, request, reply, next) : accountOf(entrance, caller));
    }),
  );
  servePage(
    scope,
    { method: "POST", path: signInPath, needs: "anyone" },
    shown(async (request, reply) => {
      const { form, next, name = "", password = "", key } = readFields("form", signInForm, request.body, doc);
      checkForm(entrance, form, "sign-in", cookieOf(request.raw, formCookie));
      const visitor = visitorOf(entrance, request);
      const signedIn =
        key === undefined ? await identity.signInByPassword(name, password, visitor) : await identity.signInByToken(key.trim(), visitor);
      return await enter(entrance, request, reply, signedIn, next);
    }),
  );
  servePage(
    scope,
    { method: "POST", path: "/sign-out", needs: "anyone" },
    shown(async (request, reply) => {
      const { form } = readFields("form", signOutForm, request.body, doc);
      const session = entrance.sessionOf(request.raw);
      const caller = session === undefined ? undefined : await identity.identify({ session });
      if (session !== undefined && caller !== undefined) {
        checkForm(entrance, form, "sign-out", caller.session?.id);
        await identity.signOut(session);
      }
      return await reply
        .headers(pageHeaders)
        .header("set-cookie", entrance.cookieFor(request.raw, undefined))
        .header("clear-site-data", '"cache"')
        .redirect(signInPath, 303);
    }),
  );
}

function mountProvider(scope: FastifyInstance, entrance: Entrance): void {
  const shown = showing(entrance);
  const get = () => {
    if (entrance.provider !== undefined) return entrance.provider;
    throw new StockroomError(
      "missing",
      "SIGN_IN_NO_PROVIDER",
      `Expected a provider in the settings (auth.oidc) but there is none. See ${doc}.`,
    );
  };
  const callbackOf = (request: FastifyRequest, query = ""): URL => new URL(`${callbackPath}${query}`, entrance.see(request.raw).origin);
  const flowCookieOf = (request: FastifyRequest, flow: string, seconds: number): string =>
    `${flowCookie}=${flow}; Path=/sign-in; Max-Age=${seconds}; HttpOnly; SameSite=Lax${entrance.see(request.raw).isSecure ? "; Secure" : ""}`;
  servePage(
    scope,
    { method: "GET", path: "/sign-in/provider", needs: "anyone", hasHead: false },
    shown(async (request, reply) => {
      const { next } = readFields("query", nextQuery, request.query, doc);
      const { to, flow } = await get().begin(callbackOf(request), safeNext(next));
      return await reply
        .headers(pageHeaders)
        .header("set-cookie", flowCookieOf(request, flow, flowMs / 1_000))
        .redirect(to.href, 303);
    }),
  );
  servePage(
    scope,
    { method: "GET", path: callbackPath, needs: "anyone", hasHead: false },
    shown(async (request, reply) => {
      // Whatever comes of it, this way is at its end.
      reply.header("set-cookie", flowCookieOf(request, "", 0));
      const query = request.url.slice(request.url.indexOf("?") + 1);
      const callback = callbackOf(request, request.url.includes("?") ? `?${query}` : "");
      const { person, next } = await get().finish(callback, cookieOf(request.raw, flowCookie));
      return await enter(entrance, request, reply, await entrance.identity.signInVouched(person, visitorOf(entrance, request)), next);
    }),
  );
}

const visitorOf = (entrance: Entrance, { raw, headers }: FastifyRequest): Visitor => ({
  address: entrance.see(raw).address,
  agent: headers["user-agent"] ?? "",
  session: entrance.sessionOf(raw),
});

async function enter(
  entrance: Entrance,
  request: FastifyRequest,
  reply: FastifyReply,
  signedIn: SignedIn,
  next: string | undefined,
): Promise<FastifyReply> {
  return await reply.headers(pageHeaders).header("set-cookie", entrance.cookieFor(request.raw, signedIn)).redirect(safeNext(next), 303);
}

/** Shows what went wrong beside the forms; a fault is the server's to answer and to log. */
const showing =
  (entrance: Entrance) =>
  (handle: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    try {
      return await handle(request, reply);
    } catch (error) {
      if (!isStockroomError(error) || error.kind === "fault") throw error;
      const { message, code, facts } = describeError(error);
      const wait = facts["retryAfterSeconds"];
      if (typeof wait === "number") reply.header("retry-after", String(wait));
      const { next } = nextQuery.partial().safeParse({ next: nextOf(request) }).data ?? {};
      const note = html`<p class="note bad" role="alert">${message} <span class="dim">Code ${code}.</span></p>`;
      const status = code === "SIGN_IN_FAILED" ? 401 : code === tooMany ? 429 : meanings[error.kind].status;
      return await send(reply.code(status), html`${note}${formsOf(entrance, request, reply, next)}`);
    }
  };

function nextOf({ query, body }: FastifyRequest): string | undefined {
  for (const from of [body, query]) {
    const next: unknown = typeof from === "object" && from !== null ? Reflect.get(from, "next") : undefined;
    if (typeof next === "string") return next;
  }
  return undefined;
}

const send = async (reply: FastifyReply, body: Html): Promise<FastifyReply> =>
  await reply.headers(pageHeaders).send(framed("Sign in", signInPath, [{ path: "/", name: "Stockroom" }], body));

/** A form's token, of what the browser alone has. */
const formToken = ({ identity }: Entrance, form: "sign-in" | "sign-out", of: string): string => identity.mac(`form ${form}`, of);

/** Throws `denied` `FORM_TOKEN`. */
function checkForm(entrance: Entrance, given: string, form: "sign-in" | "sign-out", of: string | undefined): void {
  const wanted = Buffer.from(formToken(entrance, form, of ?? randomBytes(16).toString("hex")));
  const came = Buffer.from(given);
  if (of !== undefined && came.length === wanted.length && timingSafeEqual(came, wanted)) return;
  throw new StockroomError(
    "denied",
    "FORM_TOKEN",
    "Expected a form of this browser's page but its token does not fit. Fill in this one; cookies must be allowed.",
  );
}

function formsOf(entrance: Entrance, request: FastifyRequest, reply: FastifyReply, next: string | undefined): Html {
  const { password, provider, token } = entrance.identity.ways();
  const known = cookieOf(request.raw, formCookie);
  const of = known !== undefined && /^[\w-]{32}$/.test(known) ? known : randomBytes(24).toString("base64url");
  if (of !== known) {
    const secure = entrance.see(request.raw).isSecure ? "; Secure" : "";
    reply.header("set-cookie", `${formCookie}=${of}; Path=/sign-in; HttpOnly; SameSite=Lax${secure}`);
  }
  const to = safeNext(next);
  const hidden = html`<input type="hidden" name="form" value="${formToken(entrance, "sign-in", of)}" /><input
      type="hidden"
      name="next"
      value="${to}"
    />`;
  return html`${provider !== undefined && html`<p><a href="${href("/sign-in/provider", { next: to })}">Sign in by ${provider}</a></p>`}
  ${
    password &&
    html`<h2>By name and password</h2>
      <form method="post" action="/sign-in">
        ${hidden}
        <label>Name<input name="name" required maxlength="100" autocomplete="username" autocapitalize="none" /></label>
        <label>Password<input name="password" type="password" required maxlength="512" autocomplete="current-password" /></label>
        <button class="first">Sign in</button>
      </form>`
  }
  ${
    token &&
    html`<h2>By a token</h2>
      <form method="post" action="/sign-in">
        ${hidden}
        <label>Token<input name="key" type="password" required maxlength="500" autocomplete="off" /></label>
        <button>Sign in</button>
      </form>`
  }`;
}

function accountOf(entrance: Entrance, caller: Caller): Html {
  if (caller.session === undefined) {
    return html`<p>
      ${caller.via === "local" ? "Nobody needs to sign in: this machine alone reaches the server, and there are no users." : "A token comes with every request."}
    </p>`;
  }
  return html`<p>
      Signed in as <strong><bdi>${caller.name ?? "the server's token"}</bdi></strong> (${caller.roles.join(", ")}).
    </p>
    <form method="post" action="/sign-out">
      <input type="hidden" name="form" value="${formToken(entrance, "sign-out", caller.session.id)}" />
      <button class="first">Sign out</button>
    </form>`;
}
