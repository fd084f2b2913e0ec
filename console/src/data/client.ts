// The one client of the console: the server that gave it out, asked as whoever is signed in. Types come from the server's declarations.

import { makeClient, StockroomError, type Answer, type Call, type RouteName, type Routes } from "../../../src/client/index.ts";

export { isStockroomError, makeClient, StockroomError } from "../../../src/client/index.ts";
export type { Answer, Call, PagedRoute, RouteName, Routes, Told } from "../../../src/client/index.ts";

/** Who is no longer signed in goes to the sign-in and comes back to the same page. */
export const askAsSignedIn: typeof fetch = async (input, init) => {
  const answer = await fetch(input, init);
  if (answer.status === 401) {
    const next = `${location.pathname}${location.search}`;
    location.assign(`/sign-in?${new URLSearchParams({ next }).toString()}`);
  }
  return answer;
};

export const client = makeClient({ url: location.origin, fetch: askAsSignedIn });

/** What `client.call` takes and gives, for code that has the route's name as a value. */
export type CallOf<Name extends RouteName> = Call<Routes[Name]>;
export type AnswerOf<Name extends RouteName> = Answer<Routes[Name]>;

/** An error's own words; of a stranger's what can be said of it. */
export function sayError(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof StockroomError) return { code: error.code, message: error.message };
  return {
    code: "CONSOLE_FAILED",
    message: `Expected the console to work but it failed: ${error instanceof Error ? error.message : String(error)}. Load the page again.`,
  };
}
