// Completion: which sales a period has, and the news that they are coded.
//
//   F4. A period is announced as coded once for each set of inferences, by whoever makes the last one (store/inferences.ts I2).

import { appendEvent } from "../../platform/database/outbox.ts";
import { insertAudit } from "../store/audit.ts";
import { fingerprintOf, insertCompletion, lockPeriod, readCompletion, type Completion } from "../store/inferences.ts";
import { prefixes, readKey, type ObjectRef } from "../store/keys.ts";
import { listLines } from "../store/lines.ts";
import { timeOf, type ClassifyDeps } from "./deps.ts";

/** The current sales of a period. */
export async function listSales(
  deps: Pick<ClassifyDeps, "objects">,
  period: string,
): Promise<readonly (ObjectRef & { readonly country: string })[]> {
  return (await deps.objects.list(`${prefixes.sales}${period}/`, { limit: 100_000 })).flatMap((entry) => {
    const place = readKey(entry.key);
    return place.kind === "sales" ? [{ country: place.country, key: entry.key, version: entry.version }] : [];
  });
}

/** Announces that a country's period is coded, and that a whole period is, once no line has a sales file left to code. Harmless to repeat. */
export async function completePeriod(deps: ClassifyDeps, period: string, country: string): Promise<void> {
  const sales = await listSales(deps, period);
  await deps.database.transaction(async (tx) => {
    await lockPeriod(tx, period, "*");
    const everyLine = await listLines(tx);
    const lines = everyLine.filter((line) => line.champion !== undefined);
    const read = async (name: string) =>
      await readCompletion(
        tx,
        period,
        name,
        sales.filter((object) => object.country === name),
        lines.filter((line) => line.country === name).map((line) => line.line),
      );
    const mine = await read(country);
    if (mine.missing.length > 0 || mine.inferences.length === 0) return;
    const at = timeOf(deps);
    const fingerprint = fingerprintOf(mine.inferences);
    const keepWhole = async (name: string, print: string): Promise<boolean> => {
      if (!(await insertCompletion(tx, period, name, print, at))) return false;
      const where = { period, country: name, fingerprint: print };
      await insertAudit(tx, deps.vault, { at, kind: "completion", record: where, written: [{ table: "classify_completion", where }] });
      return true;
    };
    if (!(await keepWhole(country, fingerprint))) return;
    await appendEvent(tx, {
      kind: "classify.period.coded",
      subject: `${period}/${country}`,
      data: { period, country, fingerprint },
      dedupe: `coded/${period}/${country}/${fingerprint}`,
    });
    // Every country that has lines, with all of them: one whose sales have not come, or whose line has no champion yet, is not coded.
    const countries = [...new Set(everyLine.map((line) => line.country))];
    const all: Completion[] = [];
    for (const name of countries) all.push(await read(name));
    const isWhole = (completion: Completion): boolean => completion.sales.length > 0 && completion.missing.length === 0;
    if (lines.length === everyLine.length && all.every(isWhole)) {
      const inferences = all.flatMap((completion) => completion.inferences);
      const whole = fingerprintOf(inferences);
      if (await keepWhole("*", whole)) {
        await deps.postNotice(tx, {
          topic: "stakeholders",
          id: `classify.period/${period}/${whole}`,
          severity: "info",
          title: `${period}: every country is coded`,
          body: `${countries.length} countries, ${new Set(inferences.map((row) => row.line)).size} lines. See \`stockroom classify reports show --period ${period}\`.`,
          facts: { period, countries: countries.length, lines: new Set(inferences.map((row) => row.line)).size },
        });
      }
    }
  });
}
