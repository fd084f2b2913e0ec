// Where one is: the installation that gave out the console, and which of its modules are open.

import { useAsk } from "./query.ts";

export interface Place {
  readonly modules: readonly string[];
  readonly version: string;
}

export function usePlace(): Place {
  const { value } = useAsk("GET /api/home", undefined, { freshMs: 60_000 });
  return { modules: value?.modules ?? [], version: value?.version ?? "" };
}
