// Roles: what people and machines may be, and which of them holds which other.
//
//   R1. viewer < reviewer, planner < operator < administrator. Reviewer and planner stand side by side: neither is the other.
//   R2. Somebody may have several; they may do what any of them may.

/** From the least to the most. */
export const roles = ["viewer", "reviewer", "planner", "operator", "administrator"] as const;
export type Role = (typeof roles)[number];

/** What a caller must be. `anyone`: whoever reaches the server, as for the question whether it lives. */
export type Needs = Role | "anyone";

const holds: Readonly<Record<Role, readonly Role[]>> = {
  viewer: ["viewer"],
  reviewer: ["viewer", "reviewer"],
  planner: ["viewer", "planner"],
  operator: ["viewer", "reviewer", "planner", "operator"],
  administrator: roles,
};

/** Whether somebody of these roles may do what needs `needs`. */
export const may = (has: readonly Role[], needs: Needs): boolean => needs === "anyone" || has.some((role) => holds[role].includes(needs));

/** What is in both: the most that somebody of `has` may hand on of `asked`. */
export function within(asked: readonly Role[], has: readonly Role[]): readonly Role[] {
  const both = roles.filter((role) => may(asked, role) && may(has, role));
  // The least that says it: what another of them holds goes without saying.
  return both.filter((role) => !both.some((other) => other !== role && holds[other].includes(role)));
}
