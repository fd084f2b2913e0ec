// People: which zones the roles of people open, beside what the part that works for them may do.
//
//   Somebody who asks over HTTP needs both: the part's grant (`operator`, `review`, `plan`, ...) and the grant of one of the roles they have. The
//   latter stand among the grants as `person:viewer`, `person:planner`, ...; unless taken away, they hold.

import { StockroomError } from "../errors.ts";
import type { Caller } from "../web/caller.ts";
import { roles } from "../web/roles.ts";
import type { Grant } from "./contract.ts";

const prefix = "person:";

/** As grants name the roles of people. */
const personRole = (role: string): string => `${prefix}${role}`;

/** What they hold unless somebody takes it away. */
export const peopleGrants = (zones: readonly string[]): readonly Grant[] =>
  roles.flatMap((role) =>
    zones.flatMap((zone) => (["read", "write"] as const).map((access): Grant => ({ role: personRole(role), zone, access }))),
  );

/** As whom a caller asks; undefined: nobody asks, the app works by itself. */
export const personRolesOf = (caller: Caller | undefined): readonly string[] | undefined => caller?.roles.map(personRole);

/** Throws `input` `VAULT_ROLE_UNKNOWN` for a role of people that there is not. */
export function checkPersonRole(role: string): void {
  const known = roles.map(personRole);
  if (!role.startsWith(prefix) || known.includes(role)) return;
  throw new StockroomError("input", "VAULT_ROLE_UNKNOWN", `Expected one of ${known.join(", ")} but received "${role}". Correct it.`, {
    facts: { role },
  });
}
