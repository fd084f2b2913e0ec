// OIDC: sign-in by a provider of the organisation's own: authorization code with PKCE, state and nonce, by openid-client.
//
//   O1. What a browser takes to the provider and back fits once, for ten minutes, in that browser alone.
//   O2. The provider's word is checked by its signature; roles come of its groups as the settings say, and of nothing else.
//   O3. A provider that does not answer stops nobody who signs in otherwise, and no start of the server.

import * as client from "openid-client";
import { isLoopback, type OidcSettings } from "../config/index.ts";
import { describeError, StockroomError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Tx } from "../database/contract.ts";
import type { Clock } from "../time.ts";
import { hostName } from "../web/hosts.ts";
import { roles as allRoles, within, type Role } from "../web/roles.ts";
import type { Vouched } from "./contract.ts";
import { digestOf, makeSecret } from "./secrets.ts";
import { parseName } from "./users.ts";

export const flowMs = 10 * 60_000;
const answerSeconds = 15;

export interface Provider {
  readonly label: string;
  /** Where to send the browser, and what it keeps meanwhile. Throws `busy` `SIGN_IN_PROVIDER_DOWN`. */
  begin(callback: URL, next: string): Promise<{ readonly to: URL; readonly flow: string }>;
  /**
   * Who came back, by the address with which the browser did. Throws `denied` `SIGN_IN_FLOW` when it is not the browser's own way or a late one,
   * `SIGN_IN_PROVIDER_REFUSED`, `SIGN_IN_NO_NAME`, `busy` `SIGN_IN_PROVIDER_DOWN`.
   */
  finish(callback: URL, flow: string | undefined): Promise<{ readonly person: Vouched; readonly next: string }>;
}

export interface ProviderOptions {
  readonly settings: OidcSettings;
  readonly database: Tx;
  readonly clock: Clock;
  readonly log: Log;
}

type Claims = Readonly<Record<string, unknown>>;

/** Makes the way to the provider; asks nothing of it before somebody signs in. */
export function makeProvider({ settings, database, clock, log }: ProviderOptions): Provider {
  let known: Promise<client.Configuration> | undefined;
  const configuration = async (): Promise<client.Configuration> => {
    known ??= discover(settings);
    try {
      return await known;
    } catch (cause) {
      known = undefined;
      log.error("the sign-in provider does not answer", { issuer: settings.issuer, error: cause });
      throw down(cause);
    }
  };
  return {
    label: settings.label,
    begin: async (callback, next) => {
      const provider = await configuration();
      const [flow, state, nonce] = [makeSecret(), client.randomState(), client.randomNonce()];
      const verifier = client.randomPKCECodeVerifier();
      const at = clock.now();
      await database.query(
        `with late as (delete from stockroom.identity_flow where expires_at < $7)
         insert into stockroom.identity_flow (digest, state, nonce, verifier, next, expires_at) values ($1, $2, $3, $4, $5, $6)`,
        [digestOf(flow), state, nonce, verifier, next, new Date(at + flowMs).toISOString(), new Date(at).toISOString()],
      );
      const to = client.buildAuthorizationUrl(provider, {
        redirect_uri: callback.href,
        scope: [...new Set(["openid", ...settings.scopes])].join(" "),
        state,
        nonce,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
      });
      return { to, flow };
    },
    finish: async (callback, flow) => {
      // Taken away whatever comes of it: no way is gone twice.
      const [way] = await database.query<{ state: string; nonce: string; verifier: string; next: string; expires_at: string }>(
        "delete from stockroom.identity_flow where digest = $1 returning state, nonce, verifier, next, expires_at",
        [digestOf(flow ?? "")],
      );
      if (way === undefined || Date.parse(way.expires_at) < clock.now()) throw strayFlow();
      if (callback.searchParams.get("state") !== way.state) throw strayFlow();
      const provider = await configuration();
      const claims = await exchange(provider, callback, way, settings).catch((cause: unknown) => {
        throw refusal(cause, log);
      });
      return { person: vouchedOf(provider, claims, settings), next: way.next };
    },
  };
}

async function discover(settings: OidcSettings): Promise<client.Configuration> {
  const issuer = new URL(settings.issuer);
  const isPlain = issuer.protocol === "http:";
  if (isPlain && !isLoopback(hostName(issuer.host))) {
    throw new StockroomError("input", "OIDC_PLAIN", `Expected a provider with https but auth.oidc.issuer is ${issuer.origin}. Correct it.`);
  }
  return await client.discovery(
    issuer,
    settings.clientId,
    undefined,
    settings.clientSecret === undefined ? client.None() : client.ClientSecretBasic(settings.clientSecret),
    {
      // oxlint-disable-next-line typescript/no-deprecated -- marked so to be seen: for a provider on this machine alone
      execute: [client.enableNonRepudiationChecks, ...(isPlain ? [client.allowInsecureRequests] : [])],
      timeout: answerSeconds,
    },
  );
}

/** Trades the code for the provider's word on who it is. */
async function exchange(
  provider: client.Configuration,
  callback: URL,
  way: { readonly state: string; readonly nonce: string; readonly verifier: string },
  settings: OidcSettings,
): Promise<Claims> {
  const answer = await client.authorizationCodeGrant(provider, callback, {
    expectedState: way.state,
    expectedNonce: way.nonce,
    pkceCodeVerifier: way.verifier,
    idTokenExpected: true,
  });
  const claims: Claims = { ...answer.claims() };
  const isWhole = at(claims, settings.groupsClaim) !== undefined && typeof at(claims, settings.nameClaim) === "string";
  const subject = claims["sub"];
  if (isWhole || typeof subject !== "string" || provider.serverMetadata().userinfo_endpoint === undefined) return claims;
  const told = await client.fetchUserInfo(provider, answer.access_token, subject);
  // One claim may stand in both, whole in one of them alone: what the ID token lacks is taken whole from the other.
  const more: Record<string, unknown> = { ...told, ...claims };
  for (const path of [settings.groupsClaim, settings.nameClaim]) {
    const value = at(claims, path) ?? at(told, path);
    if (value !== undefined) more[path] = value;
  }
  return more;
}

/** `realm_access.roles` leads into an object; a claim whose own name has dots goes before. */
function at(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  return path
    .split(".")
    .reduce<unknown>(
      (value, key) => (typeof value === "object" && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined),
      claims,
    );
}

function vouchedOf(provider: client.Configuration, claims: Claims, settings: OidcSettings): Vouched {
  const given = at(claims, settings.nameClaim) ?? (claims["email_verified"] === true ? claims["email"] : undefined);
  const subject = claims["sub"];
  if (typeof given !== "string" || typeof subject !== "string") {
    throw new StockroomError(
      "denied",
      "SIGN_IN_NO_NAME",
      `Expected the provider to tell a name (${settings.nameClaim}) but it told none. An administrator sets auth.oidc.nameClaim.`,
    );
  }
  const groups = at(claims, settings.groupsClaim);
  if (groups === undefined && isLeftOut(claims, settings.groupsClaim)) {
    throw new StockroomError(
      "denied",
      "SIGN_IN_GROUPS_MANY",
      `Expected the provider to tell your groups (${settings.groupsClaim}) but it left them out because they are too many for a token. An administrator lets it send those of this application alone, or roles of the application.`,
    );
  }
  return {
    issuer: provider.serverMetadata().issuer,
    subject,
    name: parseName(given),
    roles: rolesOf(groups, settings),
  };
}

/** Whether a provider says that a claim lies elsewhere (OpenID Connect Core, 5.6.2), as Entra ID does of more than 200 groups. */
function isLeftOut(claims: Claims, path: string): boolean {
  const elsewhere = claims["_claim_names"];
  const isNamed = typeof elsewhere === "object" && elsewhere !== null && Object.hasOwn(elsewhere, path);
  return isNamed || (path === "groups" && claims["hasgroups"] === true);
}

/** What the groups of a claim make of somebody. */
export function rolesOf(claim: unknown, { roles }: Pick<OidcSettings, "roles">): readonly Role[] {
  const groups = typeof claim === "string" ? [claim] : Array.isArray(claim) ? claim : [];
  const found = allRoles.filter((role) => roles[role].some((group) => groups.includes(group)));
  return within(found, found);
}

const strayFlow = (): StockroomError =>
  new StockroomError(
    "denied",
    "SIGN_IN_FLOW",
    "Expected a sign-in that this browser began within the last minutes but this is none. Begin again.",
  );

const down = (cause: unknown): StockroomError =>
  new StockroomError(
    "busy",
    "SIGN_IN_PROVIDER_DOWN",
    "Expected the sign-in provider to answer but it does not. Try again soon; an administrator finds more in the log.",
    { cause },
  );

/** A provider's no, and a no of ours to what it said, are the visitor's to hear; that it cannot be reached is not. */
function refusal(cause: unknown, log: Log): StockroomError {
  const { code, message } = describeError(cause);
  log.warn("sign-in refused", { by: "oidc", code, message });
  const isAnswer =
    cause instanceof client.AuthorizationResponseError ||
    cause instanceof client.ResponseBodyError ||
    cause instanceof client.WWWAuthenticateChallengeError ||
    (cause instanceof client.ClientError && !["OAUTH_TIMEOUT", "OAUTH_ABORT"].includes(code) && code.startsWith("OAUTH_"));
  if (!isAnswer) return down(cause);
  const said = cause instanceof client.AuthorizationResponseError || cause instanceof client.ResponseBodyError ? cause.error : code;
  return new StockroomError(
    "denied",
    "SIGN_IN_PROVIDER_REFUSED",
    `Expected the provider to vouch for you but it did not (${said.replaceAll(/[^\w .-]/g, "").slice(0, 60)}). Begin again.`,
    { cause },
  );
}
