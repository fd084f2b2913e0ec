// What waits for a person, worst first: one list, made of what every module has open. Home shows it; the rail shows its count.

import { useAnswer, type Asked } from "./query.ts";
import { client } from "./client.ts";
import { useMe, type Me } from "./me.ts";
import { usePlace } from "./place.ts";
import { to } from "./url.ts";

export interface Wait {
  readonly id: string;
  /** Worst first: 3 has stopped something, 2 needs a decision, 1 is work to be done. */
  readonly weight: 1 | 2 | 3;
  readonly kind: "dead letter" | "question" | "alarm" | "held promotion" | "ERP import" | "review";
  readonly title: string;
  readonly why: string;
  readonly at?: string | undefined;
  readonly href: string;
  /** How many single things it stands for. */
  readonly count: number;
}

/** Finds what waits in one place. */
type Finder = {
  readonly module?: string;
  readonly needs: "viewer" | "reviewer";
  readonly find: (signal: AbortSignal) => Promise<readonly Wait[]>;
};

const mostShown = 50;

const finders: readonly Finder[] = [
  {
    needs: "viewer",
    find: async (signal) => {
      const { letters } = await client.call("GET /api/dead", { query: { state: "waiting", limit: mostShown }, signal });
      return letters.map(({ id, title, error, at }) => ({
        id: `dead ${id}`,
        weight: 3,
        kind: "dead letter",
        title,
        why: `${error.code}: ${error.message}`,
        at,
        href: to("/dead", { id }),
        count: 1,
      }));
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
        ...groups.flatMap(({ name, state, why }): Wait[] =>
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
      const { imports } = await client.call("GET /api/forecast/imports", { query: { limit: mostShown }, signal });
      return imports.flatMap(({ id, target, group, state, failed, unsure, startedAt }): Wait[] =>
        state === "unsure" || state === "partly"
          ? [
              {
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
              },
            ]
          : [],
      );
    },
  },
];

async function findAll(me: Me, modules: readonly string[], signal: AbortSignal): Promise<readonly Wait[]> {
  const asked = finders.filter(({ module, needs }) => me.may(needs) && (module === undefined || modules.includes(module)));
  const found = await Promise.all(asked.map(async ({ find }) => await find(signal)));
  return found.flat().toSorted((a, b) => b.weight - a.weight || (b.at ?? "").localeCompare(a.at ?? ""));
}

export function useWaiting(): Asked<readonly Wait[]> & { readonly total: number } {
  const me = useMe();
  const { modules } = usePlace();
  const asked = useAnswer(
    ["waiting", me.known?.roles ?? [], modules, { live: ["runs", "events"] }],
    async (signal) => await findAll(me, modules, signal),
    {
      when: me.known !== undefined && modules.length > 0,
    },
  );
  return { ...asked, total: (asked.value ?? []).reduce((sum, { count }) => sum + count, 0) };
}
