// Caller: who stands behind a request, from the sign-in to the rows that say who did it.
//
// Owns: the value, and that it goes with the work of a request. Does not own: how somebody signs in (identity part), who may do what (roles.ts).
//   C1. Work that a route does runs `asCaller`: what records a use or an event finds who it is for, and no route can forget to say so.
//   C2. Somebody who signed in speaks under that name alone. Without users (this machine, the server's one token) the caller says a name.

import { AsyncLocalStorage } from "node:async_hooks";
import type { FastifyRequest } from "fastify";
import { StockroomError } from "../errors.ts";
import type { Role } from "./roles.ts";

/** Who a request comes from. */
export interface Caller {
  /** Stable: `password:anna`, `oidc:...`, `machine:...`; `local` or `server-token` for nobody in particular. */
  readonly id: string;
  /** Absent: nobody in particular. */
  readonly name?: string;
  readonly roles: readonly Role[];
  readonly via: "local" | "server-token" | "token" | "session";
  /** Of the session: proves that a form is one of its pages'. */
  readonly session?: { readonly id: string; readonly expiresAt: string };
}

declare module "fastify" {
  interface FastifyRequest {
    /** Set before any handler of a route that needs a role. */
    caller?: Caller;
  }
}

const storage = new AsyncLocalStorage<Caller | undefined>();

/** Does `work` for a caller. */
export const asCaller = <T>(caller: Caller | undefined, work: () => T): T => storage.run(caller, work);

/** For whom the work at hand is done; undefined for the app's own. */
export const currentCaller = (): Caller | undefined => storage.getStore();

/** The name that stands beside what the caller did. */
export const callerOf = (request: FastifyRequest): string => request.caller?.name ?? "a caller over HTTP";

/**
 * Whose word it is: that of the sign-in, or without one the name that was given. Throws `denied` `NAME_NOT_YOURS` when somebody who signed in gives
 * another's name.
 */
export function speakerOf(caller: Caller | undefined, given: string | undefined): string | undefined {
  const name = caller?.name;
  const said = given?.trim();
  if (name === undefined) return given;
  if (said === undefined || said === "" || said === name) return name;
  throw new StockroomError(
    "denied",
    "NAME_NOT_YOURS",
    `Expected no other name than that of the sign-in, ${name}, but received "${said.slice(0, 100)}". Leave it out.`,
  );
}
