// Intake: a file of a group, or the settings of all groups, has been stored; ask for a run of each group it concerns.
//
//   I1. The version of the object is the request's number: later uploads have larger ones, and the same upload asks once.
//   I2. Settings that are wrong anywhere start nothing: everything wrong with them is told at once.

import type { WorkflowDefinition } from "../../../platform/workflow/contract.ts";
import { defaultsKey, prefixes } from "../../store/keys.ts";
import { listGroups, requestGroup, runIdOf } from "../../store/runs.ts";
import { timeOf, type ForecastDeps } from "../deps.ts";
import type { GroupRunInput } from "./group-run.ts";
import { findRecipes, readRecipes } from "./recipes.ts";
import { findUpload, parseUpload } from "./uploads.ts";

export type IntakeInput = { readonly key: string; readonly version: string };

export type IntakeResult = { readonly groups: readonly string[] };

export function makeIntake(deps: ForecastDeps, groupRun: WorkflowDefinition<GroupRunInput>): WorkflowDefinition<IntakeInput, IntakeResult> {
  return {
    name: "forecast.intake",
    queue: "forecast.light",
    title: (input) => `look into ${input.key}`,
    run: async (context, input) => {
      const groups = await context.step("request", async () => {
        const asked =
          input.key === defaultsKey ? await allGroups(deps, context.runId, input) : await concerned(deps, context.runId, input.key);
        await deps.database.transaction(async (tx) => {
          for (const group of asked) await requestGroup(tx, group, input.version, timeOf(deps));
        });
        return asked;
      });
      for (const group of groups) {
        const child: GroupRunInput = { group, request: input.version };
        await context.startChild(groupRun, child, { id: runIdOf(group, input.version) });
      }
      return { groups };
    },
  };
}

/** The group of the file, and those that read its files. */
async function concerned(deps: ForecastDeps, purpose: string, key: string): Promise<readonly string[]> {
  const { group } = parseUpload(key);
  const recipes = await findRecipes(deps, purpose);
  // Without settings that can be read the run waits for them.
  return recipes.kind === "none" ? [group] : recipes.dependents(group);
}

/** Every group there is or may be; what the settings say in vain is told. */
async function allGroups(deps: ForecastDeps, purpose: string, input: IntakeInput): Promise<readonly string[]> {
  const recipes = await readRecipes(deps, purpose, input.version);
  if (recipes.notes.length > 0) {
    await deps.database.transaction(async (tx) => {
      await deps.postNotice(tx, {
        topic: "forecast",
        id: `forecast.defaults/${input.version}`,
        severity: "info",
        title: `${defaultsKey} was read, with ${recipes.notes.length} remarks`,
        body: recipes.notes.join("\n"),
        facts: { key: input.key, version: input.version, remarks: recipes.notes.length },
      });
    });
  }
  const known = (await listGroups(deps.database)).map((group) => group.name);
  const uploaded = (await deps.objects.list(prefixes.train, { limit: 1_000_000 })).flatMap((entry) => findUpload(entry.key)?.group ?? []);
  return [...new Set([...known, ...uploaded, ...recipes.names])].toSorted();
}
