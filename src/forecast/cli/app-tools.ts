// What the commands need that speak to an app: the app as a client sees it, and what all of them do alike.

import { mkdir, readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import path from "node:path";
import type { AppCommandTools, Flags } from "../../platform/command/contract.ts";
import { telling } from "../../platform/figures.ts";
import { StockroomError } from "../../platform/errors.ts";
import type { Body } from "../../platform/bytes.ts";
import type { Actor } from "../../platform/vault/contract.ts";
import type { Workflows } from "../../platform/workflow/contract.ts";
import { writeFileAtomically } from "../../platform/files/index.ts";
import type { Asking, RemoteServer } from "../../platform/module.ts";
import type { RoutesOf } from "../../platform/web/remote.ts";
import type { ChildOutcome } from "../../platform/workflow/contract.ts";
import type * as routes from "../http/contract.ts";
import type { ForecastDeps } from "../workflows/deps.ts";
export { checkGroup } from "../workflows/planning/stored.ts";
import type { ObjectRef } from "../store/keys.ts";

/** The app as the commands of this module see it. Closed by the command line when the command ends. */
export interface ForecastApp {
  readonly deps: ForecastDeps;
  readonly workflows: Pick<Workflows, "start" | "startIn" | "outcome" | "cancel" | "deadLetters" | "redrive">;
}

/** A server as these commands ask it. */
export type ForecastServer = RemoteServer<RoutesOf<typeof routes>>;

export type ForecastTools = AppCommandTools<ForecastApp> & Asking<ForecastApp, ForecastServer>;

export const authorArg = {
  type: "string",
  description: "who says so; absent: the user of this shell",
  valueHint: "NAME",
} as const satisfies Flags[string];
export const outArg = {
  type: "string",
  description: "folder to write to; made where it is not there",
  valueHint: "DIR",
} as const satisfies Flags[string];

/** Whom the vault sees when a person reads exports at a shell. */
export const operatorAt = (command: string): Actor => ({ role: "operator", purpose: `cli forecast ${command}` });

/** The author of what is said at a shell. */
export function authorOf(given: string | undefined): string {
  if (given !== undefined) return given;
  try {
    return userInfo().username;
  } catch {
    throw new StockroomError("input", "USAGE", "Expected --author because this shell's user has no name. Give it.");
  }
}

/** Tells of a durable run and, when asked, waits for it; gives its value when it is done and was waited for. Ends with 3 when it failed. */
export async function follow(
  tools: ForecastTools,
  runId: string,
  options: { readonly wait: boolean; readonly json: boolean; readonly more?: Readonly<Record<string, unknown>> },
): Promise<unknown> {
  const { wait, json, more = {} } = options;
  const { print } = tools;
  if (!wait) {
    if (json) print.json({ ...more, run: runId, state: "queued" });
    else
      print.line(
        `queued ${runId}; \`stockroom up\` or \`stockroom worker\` carries it out, \`stockroom runs show '${runId}'\` tells how it goes`,
      );
    return undefined;
  }
  const outcome = await outcomeOf(tools, runId);
  if (json)
    print.json({
      ...more,
      run: runId,
      ...(outcome.kind === "done" ? { state: "done", result: outcome.value } : { state: outcome.kind, ...outcome }),
    });
  else if (outcome.kind === "failed") print.line(`failed ${runId}: ${outcome.error.message} (${outcome.error.code})`);
  else print.line(`${outcome.kind} ${runId}`);
  if (outcome.kind === "done") return outcome.value;
  tools.exitWith(3);
  return undefined;
}

/** Waits until a run has ended. */
export const outcomeOf = async (tools: ForecastTools, runId: string): Promise<ChildOutcome<unknown>> =>
  await tools.ask(
    async ({ workflows }) => await workflows.outcome<unknown>(runId, { signal: tools.signal }),
    async (server) => await server.outcome(runId),
  );

/** Starts a run that was made ready here. */
export const startHere = async ({ workflows }: ForecastApp, { workflow, input, id }: { workflow: string; input: unknown; id: string }) =>
  await workflows.start(workflow, input, { id });

/** Whose exports are written: a forecast, or what was asked of one. */
interface Exporter {
  readonly kind: "runs" | "scenarios";
  readonly id: string;
  readonly exports: Readonly<Record<string, ObjectRef>>;
}

/** Writes exports decrypted into a folder under their names, each whole or not at all. */
export async function download(
  tools: ForecastTools,
  command: string,
  { kind, id, exports }: Exporter,
  folder: string,
): Promise<readonly { readonly name: string; readonly file: string; readonly bytes: number }[]> {
  const written: { name: string; file: string; bytes: number }[] = [];
  for (const [name, ref] of Object.entries(exports)) {
    const { bytes, body } = await tools.ask(
      async ({ deps }) => {
        const { entry, body: own } = await deps.objects.get(operatorAt(command), ref.key, { version: ref.version, signal: tools.signal });
        return { bytes: entry.bytes, body: own };
      },
      async (server) => {
        const answer = await server.call(`GET /api/forecast/${kind}/:id/exports/*`, { params: { id, "*": name } });
        return { bytes: Number(answer.headers.get("content-length")), body: answer.body ?? emptyBody() };
      },
    );
    const file = path.join(folder, path.dirname(name), path.basename(ref.key));
    await mkdir(path.dirname(file), { recursive: true });
    await writeFileAtomically(file, body);
    written.push({ name, file, bytes });
  }
  return written;
}

// oxlint-disable-next-line eslint/require-yield -- a body without a byte
async function* emptyBody(): Body {}

/** Reads a file of `what` ("changes", "settings"). Throws `missing` `FILE_MISSING`. */
export async function readTextFile(file: string, what: string): Promise<string> {
  return await readFile(file, "utf8").catch((cause: unknown) => {
    throw new StockroomError("missing", "FILE_MISSING", `Expected ${what} in ${file} but it cannot be read. Check the path.`, {
      facts: { file },
      cause,
    });
  });
}

/** A figure for a table: four digits are what a planner reads. */
export const figure = (value: unknown): number | undefined => (typeof value === "number" ? telling(value) : undefined);
