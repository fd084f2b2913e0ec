// What waits for a person, worst first: one list, made of what every module has open. Home shows it; the rail shows its count.

import { useAnswer, type Asked } from "./query.ts";
import { client } from "./client.ts";
import { useMe, type Me } from "./me.ts";
import { usePlace } from "./place.ts";
import { to } from "./url.ts";
import { folded, worstFirst, type Wait } from "./waits.ts";

/** Finds what waits in one place. */
type Finder = {
  readonly module?: string;
  readonly needs: "viewer" | "reviewer";
  readonly find: (signal: AbortSignal) => Promise<readonly Wait[]>;
};

const mostShown = 50;
/** As many as are counted. */
const mostCounted = 200;

const finders: readonly Finder[] = [
  {
    needs: "viewer",
    find: async (signal) => {
      const { letters, next } = await client.call("GET /api/dead", { query: { state: "waiting", limit: mostCounted }, signal });
      const waits = letters.map(({ id, runId, title, error, at }): Wait => ({
        id: `dead ${id}`,
        weight: 3,
        kind: "dead letter",
        title,
        why: `${error.code}: ${error.message}`,
        at,
        href: to("/dead", { id }),
        count: 1,
        run: runId,
      }));
      return folded(waits, mostShown, next === undefined, { id: "dead rest", href: to("/dead"), noun: "dead letters" });
    },
  },
  {
    module: "classify",
    needs: "viewer",
    find: async (signal) => {
      const { held } = await client.call("GET /api/classify/champions", { signal });
      return held.map(({ verdict, line, reason, at }) => ({
        id: `held ${verdict}`,
        weight: 2,
        kind: "held promotion",
        title: `A new model of ${line} waits for a word`,
        why: reason,
        at,
        href: to(`/lines/${encodeURIComponent(line)}`),
        count: 1,
      }));
    },
  },
  {
    module: "classify",
    needs: "reviewer",
    find: async (signal) => {
      const { counts } = await client.call("GET /api/classify/review/counts", { signal });
      const lines = new Map<string, number>();
      for (const { line, state, count } of counts) if (state === "waiting") lines.set(line, (lines.get(line) ?? 0) + count);
      return [...lines].map(([line, count]) => ({
        id: `review ${line}`,
        weight: 1,
        kind: "review",
        title: `${count} ${count === 1 ? "item" : "items"} of ${line} to review`,
        why: "The model was not sure enough, or the draw chose them.",
        href: to("/review", { line }),
        count,
      }));
    },
  },
  {
    module: "forecast",
    needs: "viewer",
    find: async (signal) => {
      const { groups } = await client.call("GET /api/forecast/groups", { signal });
      const monitored = await Promise.all(
        groups.map(async ({ name }) => ({
          name,
          of: (await client.call("GET /api/forecast/monitor", { query: { group: name, limit: 1 }, signal })).imports[0],
        })),
      );
      return [
        ...groups.flatMap(({ name, state, why, runId }): Wait[] =>
          state === "waiting" || state === "failed"
            ? [
                {
                  id: `group ${name}`,
                  weight: state === "failed" ? 3 : 2,
                  kind: "question",
                  title: `${name}: ${state === "failed" ? "its forecast failed" : "it waits"}`,
                  why: why ?? "",
                  href: to(`/forecasts/${encodeURIComponent(name)}`),
                  count: 1,
                  run: runId,
                },
              ]
            : [],
        ),
        ...monitored.flatMap(({ name, of }): Wait[] =>
          of?.summary.verdict === "alarm"
            ? [
                {
                  id: `alarm ${of.id}`,
                  weight: 2,
                  kind: "alarm",
                  title: `${name}: the last forecast was worse than it promised`,
                  why: of.summary.reason,
                  at: of.at,
                  href: to(`/forecasts/${encodeURIComponent(name)}`, { tab: "exceptions" }),
                  count: 1,
                },
              ]
            : [],
        ),
      ];
    },
  },
  {
    module: "forecast",
    needs: "viewer",
    find: async (signal) => {
      const found = await Promise.all(
        (["unsure", "partly"] as const).map(async (state) => {
          const { imports, next } = await client.call("GET /api/forecast/imports", { query: { state, limit: mostCounted }, signal });
          const waits = imports.map(({ id, target, group, failed, unsure, startedAt }): Wait => ({
            id: `import ${id}`,
            weight: state === "unsure" ? 3 : 2,
            kind: "ERP import",
            title:
              state === "unsure"
                ? `${unsure} rows of ${group}: nobody knows whether ${target} has them`
                : `${target} refused ${failed} rows of ${group}`,
            why: "",
            at: startedAt,
            href: to("/imports", { id }),
            count: 1,
          }));
          return folded(waits, mostShown, next === undefined, { id: `imports ${state}`, href: to("/imports", { state }), noun: "imports" });
        }),
      );
      return found.flat();
    },
  },
];

async function findAll(me: Me, modules: readonly string[], signal: AbortSignal): Promise<readonly Wait[]> {
  const asked = finders.filter(({ module, needs }) => me.may(needs) && (module === undefined || modules.includes(module)));
  const found = await Promise.all(asked.map(async ({ find }) => await find(signal)));
  return worstFirst(found.flat());
}

export function useWaiting(): Asked<readonly Wait[]> {
  const me = useMe();
  const { modules } = usePlace();
  return useAnswer(
    ["waiting", me.known?.roles ?? [], modules, { live: ["runs", "events"] }],
    async (signal) => await findAll(me, modules, signal),
    {
      when: me.known !== undefined && modules.length > 0,
    },
  );
}
