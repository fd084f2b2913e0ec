// Who looks, and what they may do. What a role may not do is not shown as a button; the server refuses it anyway.

import { may, type Role } from "../../../src/platform/web/roles.ts";
import { useAsk } from "./query.ts";
import type { AnswerOf } from "./client.ts";

export interface Me {
  readonly known: AnswerOf<"GET /api/me"> | undefined;
  /** Whether the caller has the role, or one that holds it. False until it is known. */
  may(needs: Role): boolean;
}

export function useMe(): Me {
  const { value } = useAsk("GET /api/me", undefined, { freshMs: 60_000 });
  return { known: value, may: (needs) => value !== undefined && may(value.roles, needs) };
}
