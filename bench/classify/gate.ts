// How often the gate promotes an equal challenger, and how soon it finds a better one: 1,000 or more simulated months per setting.
//
//   node bench/classify/gate.ts            writes bench/results/classify-gate.md and .json
//
// A month: codes as frequent as in Open Repair (the most frequent 8 %, the rarest 0.1 % of 40; or the first 6 or 14 of them), each with its own
// difficulty, two models whose answers agree more often than chance would have it, as those of two trainings on nearly the same data do.
// Not measured: models whose errors depend on each other over time, and drift between test and production.

import { mkdirSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { makeRandom } from "../../src/platform/random.ts";
import { judgeChallenger } from "../../src/classify/engine/gate.ts";
import type { Bout } from "../../src/classify/engine/gate.ts";
import { concludeVerdict, judgeHolding } from "../../src/classify/engine/holding.ts";

const POWER_MONTHS = 60;
const GROUND_MONTHS = 200;
const LEADS = [0.005, 0.01, 0.02, 0.03];

interface Setting {
  readonly name: string;
  readonly items: number;
  readonly codes: number;
  /** Share of items on which both models share their luck. */
  readonly shared: number;
  readonly months: number;
}

const settings: readonly Setting[] = [
  { name: "20 items, 4 codes (a tiny country)", items: 20, codes: 4, shared: 0.6, months: 1000 },
  { name: "100 items, 6 codes", items: 100, codes: 6, shared: 0.6, months: 1000 },
  { name: "600 items, 6 codes (a small line)", items: 600, codes: 6, shared: 0.7, months: 1000 },
  { name: "600 items, 40 codes", items: 600, codes: 40, shared: 0.7, months: 1000 },
  { name: "3,000 items, 14 codes", items: 3000, codes: 14, shared: 0.7, months: 1000 },
  { name: "5,000 items, 40 codes (a large line)", items: 5000, codes: 40, shared: 0.7, months: 1000 },
  { name: "17,429 items, 40 codes (all of Open Repair's test)", items: 17_429, codes: 40, shared: 0.7, months: 1000 },
];

/** One month's answers of both models. The challenger is right with a chance higher by `lead`. */
function simulate(setting: Setting, lead: number, seed: number): Bout {
  const random = makeRandom(seed).fork(`${setting.name}/${lead}`);
  const { items, codes, shared } = setting;
  const upTo: number[] = [];
  let sum = 0;
  for (let c = 0; c < codes; c++) upTo.push((sum += Math.exp(-0.11 * c)));
  const pick = (): number => {
    const at = random.next() * sum;
    return Math.max(
      0,
      upTo.findIndex((end) => at < end),
    );
  };
  const truth = new Int32Array(items);
  const challenger = new Int32Array(items);
  const champion = new Int32Array(items);
  for (let i = 0; i < items; i++) {
    const code = pick();
    truth[i] = code;
    const chance = 0.7 + 0.22 * (((code * 7) % 5) / 4);
    const together = random.next() < shared;
    const luck = random.next();
    const mistake = pick();
    const answer = (right: number): number => {
      if ((together ? luck : random.next()) < right) return code;
      const wrong = together ? mistake : pick();
      return wrong === code ? (wrong + 1) % codes : wrong;
    };
    champion[i] = answer(chance);
    challenger[i] = answer(Math.min(1, chance + lead));
  }
  return { truth, challenger, champion, classes: codes };
}

interface Count {
  promoted: number;
  bootstrap: number;
  swap: number;
  mcnemar: number;
  difference: number;
}

function run(setting: Setting, lead: number, months: number): Count {
  const count: Count = { promoted: 0, bootstrap: 0, swap: 0, mcnemar: 0, difference: 0 };
  for (let month = 0; month < months; month++) {
    const verdict = judgeChallenger(simulate(setting, lead, month), { resamples: 1000, seed: month });
    const { mcnemar, difference } = verdict;
    if (verdict.promoted) count.promoted += 1 / months;
    if (difference > 0 && verdict.pBootstrap <= verdict.alpha) count.bootstrap += 1 / months;
    if (difference > 0 && verdict.pSwap <= verdict.alpha) count.swap += 1 / months;
    if (mcnemar.onlyChallenger > mcnemar.onlyOpponent && mcnemar.midP / 2 <= verdict.alpha) count.mcnemar += 1 / months;
    count.difference += difference / months;
  }
  return count;
}

/** A line's kept test items and the new file's, and what the new file's labels are like. */
interface Ground {
  readonly name: string;
  readonly kept: number;
  readonly fresh: number;
  /** The challenger is right more often by this much. */
  readonly lead: number;
  /** Share of the challenger's answers that follow labels swapped between the two most frequent codes; on the new items they are true. */
  readonly swapped: number;
}

const grounds: readonly Ground[] = [
  { name: "equal", kept: 300, fresh: 300, lead: 0, swapped: 0 },
  { name: "better by 5 points", kept: 300, fresh: 300, lead: 0.05, swapped: 0 },
  { name: "better by 10 points", kept: 300, fresh: 300, lead: 0.1, swapped: 0 },
  { name: "two labels swapped in a file as large as all before", kept: 300, fresh: 300, lead: 0, swapped: 0.5 },
  { name: "two labels swapped in a file three times as large", kept: 300, fresh: 900, lead: 0, swapped: 0.75 },
  { name: "the same, 60 kept items", kept: 60, fresh: 180, lead: 0, swapped: 0.75 },
  { name: "the same, a file that replaces all others", kept: 300, fresh: 900, lead: 0, swapped: 1 },
];

/** One month: what the gate alone says on all items, and what comes of it with the kept items' own verdict. */
function runGround(ground: Ground): { readonly alone: number; readonly promoted: number; readonly held: number } {
  const swap = (code: number): number => (code === 0 ? 1 : code === 1 ? 0 : code);
  const count = { alone: 0, promoted: 0, held: 0 };
  for (let month = 0; month < GROUND_MONTHS; month++) {
    const items = ground.kept + ground.fresh;
    const bout = simulate({ name: ground.name, items, codes: 6, shared: 0.7, months: 0 }, ground.lead, month);
    const random = makeRandom(month).fork("swapped");
    const truth = Array.from(bout.truth, (code, row) => (ground.swapped > 0 && row >= ground.kept ? swap(code) : code));
    const challenger = Array.from(bout.challenger, (code) => (random.next() < ground.swapped ? swap(code) : code));
    const champion = Array.from(bout.champion ?? []);
    const part = (to: number) => ({
      truth: truth.slice(0, to),
      challenger: challenger.slice(0, to),
      champion: champion.slice(0, to),
      classes: bout.classes,
    });
    const options = { resamples: 500, seed: month };
    const verdict = judgeChallenger(part(items), options);
    const outcome = concludeVerdict(verdict, judgeHolding(part(ground.kept), options), []);
    if (verdict.promoted) count.alone += 1 / GROUND_MONTHS;
    if (outcome.promoted) count.promoted += 1 / GROUND_MONTHS;
    if (outcome.decision === "held") count.held += 1 / GROUND_MONTHS;
  }
  return count;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const started = process.cpuUsage();
const results = settings.map((setting) => {
  const equal = run(setting, 0, setting.months);
  const better = LEADS.map((lead) => ({ lead, ...run(setting, lead, POWER_MONTHS) }));
  console.log(setting.name, percent(equal.promoted), better.map((one) => percent(one.promoted)).join("  "));
  return { setting, equal, better };
});
const grounded = grounds.map((ground) => {
  const row = { ground, ...runGround(ground) };
  console.log(ground.name, percent(row.alone), percent(row.promoted), percent(row.held));
  return row;
});
const large = simulate(settings.at(-1)!, 0.01, 1);
const before = process.cpuUsage();
for (let i = 0; i < 10; i++) judgeChallenger(large);
const one = process.cpuUsage(before);
const used = process.cpuUsage(started);
const verdictMs = (one.user + one.system) / 10_000;
const worst = Math.max(...results.map((result) => result.equal.promoted));
const cpu = os.cpus()[0]?.model ?? "unknown";

const table = results.map(
  ({ setting, equal, better }) =>
    `| ${setting.name} | ${setting.months} | ${percent(equal.promoted)} | ${better.map((row) => percent(row.promoted)).join(" | ")} |`,
);
const tests = results.map(
  ({ setting, equal }) =>
    `| ${setting.name} | ${percent(equal.promoted)} | ${percent(equal.bootstrap)} | ${percent(equal.swap)} | ${percent(equal.mcnemar)} |`,
);
const text = `# The gate: equal and better challengers

\`node bench/classify/gate.ts\`, Node ${process.version}, ${cpu}. Champion right on about 81 % of items; one-sided alpha 0.05; 1,000 resamples.

An equal challenger was promoted in at most **${percent(worst)}** of simulated months, whatever the size of the test (target: at most 5 %).
A verdict on ${settings.at(-1)!.items.toLocaleString("en")} items of 40 codes with 2,000 resamples takes ${verdictMs.toFixed(0)} ms of CPU; all months together ${((used.user + used.system) / 1e6).toFixed(0)} s.

## How often a challenger is promoted, by how much more often it is right

| test set | months | equal | ${LEADS.map((lead) => `+${100 * lead} points`).join(" | ")} |
| --- | --- | --- | ${LEADS.map(() => "---").join(" | ")} |
${table.join("\n")}

The columns of better challengers are ${POWER_MONTHS} months each: a small test cannot see a small lead, and says so instead of promoting.

## An equal challenger, by test

| test set | gate (both tests on macro-F1) | bootstrap alone | swap test alone | McNemar mid-p on accuracy |
| --- | --- | --- | --- | --- |
${tests.join("\n")}

The bootstrap alone promotes too often where codes are rare or items few; the swap test is exact there, and both together stay below 5 % everywhere.

## The champion's own ground

A line's kept test items and those of a new file, 6 codes, ${GROUND_MONTHS} months each. "The gate alone" judges on all items together, as the first of the two
conditions does; a promotion also needs that the challenger is not worse on the kept ones, else it is held for a person.

| challenger | kept items | new items | the gate alone | promoted | held |
| --- | --- | --- | --- | --- | --- |
${grounded.map(({ ground, alone, promoted, held }) => `| ${ground.name} | ${ground.kept} | ${ground.fresh} | ${percent(alone)} | ${percent(promoted)} | ${percent(held)} |`).join("\n")}

Not measured: jumps against a line's history; test sets drawn differently from production, models whose luck depends on former months, many challengers tried on one test set.
`;
const folder = path.resolve(import.meta.dirname, "../results");
mkdirSync(folder, { recursive: true });
writeFileSync(path.join(folder, "classify-gate.md"), text);
writeFileSync(
  path.join(folder, "classify-gate.json"),
  `${JSON.stringify({ node: process.version, cpu, powerMonths: POWER_MONTHS, worst, verdictMs, results, grounded }, null, 2)}\n`,
);
