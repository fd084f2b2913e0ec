// Methods: what is answered for a method that a path does not take: which ones it takes (RFC 9110: 405 with Allow; OPTIONS; HEAD as GET).

import type { FastifyInstance } from "fastify";

export interface Methods {
  /** The methods of whatever is mounted at this path, in alphabetical order; empty where nothing is. */
  of(path: string): readonly string[];
}

/** Notes what is mounted on `server` from here on. */
export function noteMethods(server: FastifyInstance): Methods {
  const mounted = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>();
  server.addHook("onRoute", ({ method, url }) => {
    const known = mounted.get(url) ?? { pattern: patternOf(url), methods: new Set<string>() };
    for (const each of [method].flat()) known.methods.add(each);
    mounted.set(url, known);
  });
  return {
    of(path) {
      const found = new Set<string>();
      for (const { pattern, methods } of mounted.values()) {
        if (pattern.test(path)) for (const method of methods) found.add(method);
      }
      if (found.size > 0) found.add("OPTIONS");
      return [...found].toSorted();
    },
  };
}

/** `/api/runs/:id` and `/objects/*` as the router takes them. */
const patternOf = (url: string): RegExp =>
  new RegExp(
    `^${url
      .split(/(:[^/]+|\*)/)
      .map((part) => (part === "*" ? ".*" : part.startsWith(":") ? "[^/]+" : part.replaceAll(/[.+?^$()[\]{}|\\]/g, String.raw`\$&`)))
      .join("")}$`,
  );
