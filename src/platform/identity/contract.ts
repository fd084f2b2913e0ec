// Identity: who is who, and how somebody proves it: by a password, by a provider (OIDC), by a token, by the session that follows.
//
// Owns: the password file, people that a provider made known, sessions, API tokens, attempts. Does not own: what a role may do (web/roles.ts), which
// route needs which (the declarations), cookies and pages (server).
//   I1. What opens a session or is a token is random, of 256 bits, and only its digest is kept.
//   I2. Roles are looked up with every request, never kept in a session: who loses a role or is removed has lost it everywhere at once.
//   I3. A token never holds more than whoever it belongs to holds now.
//   I4. A refusal to sign in says nothing of which part was wrong.

import type { Caller } from "../web/caller.ts";
import type { Role } from "../web/roles.ts";
import type { ApiToken, Tokens } from "./tokens.ts";
import type { Session, Sessions } from "./sessions.ts";
import type { Users } from "./users.ts";

/** What a request brought to prove who sends it. */
export interface Credentials {
  /** Of `Authorization: Bearer`. */
  readonly bearer?: string | undefined;
  /** Of the session's cookie. */
  readonly session?: string | undefined;
  /** False: asked again for what began before; a session is not used by it. Default true. */
  readonly isUse?: boolean;
}

/** Where somebody signs in from. */
export interface Visitor {
  readonly address: string;
  /** As the browser calls itself. */
  readonly agent: string;
  /** The session it comes with, which ends. */
  readonly session?: string | undefined;
}

/** A sign-in that worked: what the cookie holds, shown to nobody else. */
export interface SignedIn {
  readonly secret: string;
  readonly caller: Caller;
  readonly expiresAt: string;
}

/** A person that a provider vouches for. */
export interface Vouched {
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  readonly roles: readonly Role[];
}

export interface Identity {
  /** Whether nobody needs to sign in: this machine alone, without users, provider or token. */
  isOpen(): boolean;
  /** In which ways somebody can sign in here. */
  ways(): { readonly password: boolean; readonly provider: string | undefined; readonly token: boolean };
  /** Who it is; undefined when what came proves nothing. */
  identify(credentials: Credentials): Promise<Caller | undefined>;
  /** Throws `denied` `SIGN_IN_FAILED`, `SIGN_IN_TOO_MANY`, `busy` `SIGN_IN_BUSY`. */
  signInByPassword(name: string, password: string, visitor: Visitor): Promise<SignedIn>;
  /** By the server's token or an API token. Throws as the other. */
  signInByToken(token: string, visitor: Visitor): Promise<SignedIn>;
  /** Throws `denied` `SIGN_IN_NO_ROLE` without a role, `SIGN_IN_NAME_TAKEN` when the name is another's. */
  signInVouched(person: Vouched, visitor: Visitor): Promise<SignedIn>;
  signOut(session: string): Promise<void>;
  /** Sets the caller's own password. Throws `denied` `SIGN_IN_FAILED` when the current one does not fit, `input` `PASSWORD_WEAK`. */
  changeOwnPassword(caller: Caller, current: string, password: string, address: string): Promise<void>;
  /** A keyed digest as text, for forms. */
  mac(purpose: string, text: string): string;
  readonly users: Users;
  readonly tokens: Tokens;
  readonly sessions: Sessions;
}

export type { ApiToken, Session };
