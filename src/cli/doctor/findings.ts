// Findings: what doctor says of one thing it looked at.

import { describeError } from "../../platform/errors.ts";

export interface Finding {
  readonly what: string;
  readonly state: "ok" | "warn" | "fail";
  readonly words: string;
}

export const ok = (what: string, words: string): Finding => ({ what, state: "ok", words });
export const warn = (what: string, words: string): Finding => ({ what, state: "warn", words });
export const fail = (what: string, words: string): Finding => ({ what, state: "fail", words });

/** Findings of one subject; that it could not be looked at is a finding, and keeps the others from nothing. */
export async function lookInto(what: string, look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [fail(what, `could not be looked at: ${describeError(error).message}`)];
  }
}
