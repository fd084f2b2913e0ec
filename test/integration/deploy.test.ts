// What reads the metrics (deploy/) asks for numbers there are, under labels they have; the rules fire when they should, as promtool tries them.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

const root = path.resolve(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(path.join(root, file), "utf8");

/** Names and labels, from the reference that is made of what is registered. */
const known = new Map(
  [...read("docs/reference/metrics.md").matchAll(/^\| `(stockroom_\w+)` \|.*\| ([^|]*) \|$/gm)].map(([, name = "", labels = ""]) => [
    name,
    new Set([...labels.matchAll(/`(\w+)`/g)].map(([, label = ""]) => label)),
  ]),
);
const usual = new Set(["le", "job", "instance"]);

/** What a query asks for that there is not. */
function unknownIn(query: string): string[] {
  return [...query.matchAll(/\b(stockroom_\w+)(?:\{([^}]*)\})?/g)].flatMap(([, asked = "", matchers = ""]) => {
    const labels = known.get(asked) ?? known.get(asked.replace(/_(?:bucket|count|sum)$/, ""));
    if (labels === undefined) return [asked];
    return [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].flatMap(([, label = ""]) =>
      labels.has(label) || usual.has(label) ? [] : [`${asked}{${label}}`],
    );
  });
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

const hasPromtool = (): boolean => {
  try {
    execFileSync("promtool", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

describe("the dashboard and the alerts", () => {
  const { panels }: { panels: Panel[] } = JSON.parse(read("deploy/grafana/stockroom.json"));
  const { groups }: { groups: { rules: { alert: string; expr: string; annotations: { summary?: string } }[] }[] } = parse(
    read("deploy/prometheus/alerts.yaml"),
  );
  const rules = groups.flatMap((group) => group.rules);

  test("ask for numbers there are, by labels they have", () => {
    expect(known.size).toBeGreaterThan(25);
    expect(unknownIn('rate(stockroom_nothing[5m]) + stockroom_runs{colour="red"}')).toEqual([
      "stockroom_nothing",
      "stockroom_runs{colour}",
    ]);
    const queries = [...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)), ...rules.map(({ expr }) => expr)];
    expect(queries.length).toBeGreaterThan(40);
    expect(queries.flatMap(unknownIn)).toEqual([]);
  });

  test("have panels of their own places, and alerts of their own names that say what is wrong", () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const tiles = panels.map(({ gridPos: { x, y, w, h } }) => ({ x, y, w, h }));
    for (const [at, a] of tiles.entries()) {
      expect(a.x + a.w).toBeLessThanOrEqual(24);
      for (const b of tiles.slice(at + 1)) expect(a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h).toBe(false);
    }
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { annotations } of rules) expect(annotations.summary).toMatch(/\S/);
  });

  test.skipIf(!hasPromtool())("are taken by Prometheus, and the rules fire as they should (skipped without promtool)", () => {
    const folder = path.join(root, "deploy/prometheus");
    const run = (...args: string[]): string => execFileSync("promtool", args, { cwd: folder, encoding: "utf8", stdio: "pipe" });
    expect(run("check", "config", "prometheus.yml")).toContain("13 rules found");
    expect(run("test", "rules", "alerts.test.yaml")).toContain("SUCCESS");
  });
});
