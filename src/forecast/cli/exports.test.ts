import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exportFiles } from "../../../test/kit/strangers.ts";
import { fileBody } from "../../platform/formats/index.ts";
import { applyPlan } from "../workflows/intake/apply.ts";
import { type Intake, lookAtFile, tellIntake } from "./intake.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "exports-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { signal } = new AbortController();
const put = (name: string, bytes: Buffer | string): string => {
  const at = path.join(folder, name);
  writeFileSync(at, bytes);
  return at;
};

async function targetOf(
  at: string,
  { taken }: Intake,
): Promise<{ readonly rows: readonly (readonly string[])[]; readonly bad: readonly unknown[] }> {
  const rows: (readonly string[])[] = [];
  const bad: unknown[] = [];
  const options = { ...taken.filter, hints: taken.hints, onBadRow: (row: unknown) => bad.push(row) };
  const table = await applyPlan({ name: at, open: () => fileBody(at) }, taken.plan, "target", options);
  for await (const batch of table.batches) rows.push(...batch.rows);
  return { rows, bad };
}

test.each(exportFiles().map((file) => [file.export, file] as const))(
  "%s: known by its columns, and read as its profile says",
  async (_, file) => {
    const at = put(file.name, file.bytes);
    const intake = await lookAtFile(at, {}, signal);
    expect(intake.profile.export?.name).toBe(file.export);
    expect(intake.proposal).toMatchObject({ questions: [], plan: file.plan });
    const told = tellIntake(intake).join("\n");
    expect(told).toContain(`--export ${file.export}`);
    const { rows, bad } = await targetOf(at, intake);
    expect(bad).toEqual([]);
    for (const row of rows) expect(row[1]).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect({ rows: rows.length, uncounted: intake.profile.uncounted.rows }).toEqual({ rows: file.rows, uncounted: file.uncounted });
    expect(told.includes(`${file.uncounted} rows that do not count`)).toBe(file.uncounted > 0);
    // As it stands, without the profile: the rows that do not count are there again.
    const plain = await lookAtFile(at, { export: "none" }, signal);
    expect(plain.profile.export).toBeUndefined();
    expect(plain.profile.rows).toBe(intake.profile.rows + intake.profile.uncounted.rows);
  },
);

test("the further lines of an order that does not count do not count either", async () => {
  const header = "Name,Financial Status,Created at,Cancelled at,Lineitem quantity,Lineitem name";
  const lines = [
    "#1,paid,2024-01-01 10:00:01 +0100,,1,Mug",
    "#1,,,,2,Bowl",
    "#2,refunded,2024-01-02 10:00:01 +0100,,4,Mug",
    "#2,,,,8,Bowl",
    "#3,paid,2024-01-03 10:00:01 +0100,2024-01-04 10:00:00 +0100,16,Mug",
    "#3,,,,32,Bowl",
    "#4,partially_refunded,2024-01-05 10:00:01 +0100,,64,Mug",
  ];
  const at = put("orders.csv", [header, ...lines, ""].join("\n"));
  const sold = async (flags: Record<string, string>): Promise<readonly (string | undefined)[]> =>
    (await targetOf(at, await lookAtFile(at, flags, signal))).rows.map((row) => row[2]);
  expect(await sold({})).toEqual(["1", "2", "64"]);
  // What a person says of a column stands in the place of what the profile says of it.
  expect(await sold({ where: "Financial Status=refunded" })).toEqual(["4", "8"]);
  expect(await sold({ where: 'Financial Status!="voided"' })).toEqual(["1", "2", "4", "8", "64"]);
});

test("a name that is none is told with all there are", async () => {
  const at = put("plain.csv", "date,item,qty\n2024-01-01,A,1\n2024-01-02,A,2\n");
  await expect(lookAtFile(at, { export: "shopify" }, signal)).rejects.toMatchObject({
    code: "USAGE",
    message: expect.stringContaining("shopify-orders, shopify-products") as unknown,
  });
});
