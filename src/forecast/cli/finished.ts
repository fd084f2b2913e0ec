// A finished forecast as it lies in a folder: what it was asked, its panel, its forecasts, its models.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { StockroomError } from "../../platform/errors.ts";
import { fileBody } from "../../platform/formats/index.ts";
import { readRows, type FinishedForecast } from "../workflows/planning/finished.ts";
import { unpackFitted } from "../workflows/run/pieces.ts";
import { readRequest, settingsOf, type ReadFile } from "./request.ts";
import type { RunRecord } from "./run.ts";

/** Reads `run.json`. Throws `missing` `RUN_MISSING`, `input` `RUN_UNREADABLE`. */
export async function readRecord(folder: string): Promise<RunRecord> {
  const file = path.join(folder, "run.json");
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new StockroomError(
      "missing",
      "RUN_MISSING",
      `Expected a finished run in ${folder} but there is no run.json. Make it with \`stockroom forecast run\`, or check the path.`,
      { facts: { folder }, cause },
    );
  });
  const parsed = parseJson(text);
  if (isRecord(parsed)) return parsed;
  throw new StockroomError("input", "RUN_UNREADABLE", `Expected ${file} to be what a run wrote but it is not. Run it again.`, {
    facts: { file },
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is RunRecord =>
  typeof value === "object" && value !== null && "request" in value && "files" in value && "summary" in value && "key" in value;

/** A run's folder as what questions are put to, and what `run.json` says. */
export interface FolderForecast extends FinishedForecast {
  readonly record: RunRecord;
}

/**
 * Opens the folder of a finished run. Throws `missing` `RUN_MISSING`, `input` `RUN_UNREADABLE`.
 *
 * `panel` reads the inputs once more and throws `conflict` `RUN_INPUTS_CHANGED` when a file is not what it was: the models would not fit it.
 * `model` throws `missing` `RUN_MODEL_MISSING`, `rows` `input` `RUN_UNREADABLE`.
 */
export async function openFinished(folder: string, signal: AbortSignal): Promise<FolderForecast> {
  const record = await readRecord(folder);
  return {
    record,
    settings: settingsOf(record.request),
    panel: async () => {
      for (const file of record.files) await checkInput(folder, file, signal);
      return (await readRequest(record.request, folder, { signal })).inputs.panel;
    },
    model: async () => {
      const plan = await readModelFile(folder, "plan.bin");
      if (plan !== undefined) return { plan, global: await readModelFile(folder, "global.bin") };
      throw new StockroomError(
        "missing",
        "RUN_MODEL_MISSING",
        `Expected the models of the run in ${folder}/model but they are gone. Run it again.`,
        { facts: { folder } },
      );
    },
    globalModel: async () => {
      const bytes = await readModelFile(folder, "global.bin");
      return bytes === undefined ? undefined : unpackFitted(bytes);
    },
    // Planners' words live in the installation: here the system's forecast is the one in use.
    rows: async () => {
      const file = path.join(folder, "forecast.csv");
      const broken = (name: string, detail: string): StockroomError =>
        new StockroomError("input", "RUN_UNREADABLE", `Expected ${name} to be what the run wrote but ${detail}. Run it again.`, {
          facts: { file: name },
        });
      return await readRows(fileBody(file, signal), file, { signal, broken });
    },
  };
}

async function checkInput(folder: string, { kind, file, sha256 }: ReadFile, signal: AbortSignal): Promise<void> {
  const place = path.resolve(folder, file);
  const hash = createHash("sha256");
  for await (const chunk of fileBody(place, signal)) hash.update(chunk);
  if (hash.digest("hex") === sha256) return;
  throw new StockroomError(
    "conflict",
    "RUN_INPUTS_CHANGED",
    `Expected the ${kind} file ${path.relative("", place)} to be the one that was forecast but it has changed. Run the forecast again.`,
    { facts: { file, kind } },
  );
}

async function readModelFile(folder: string, name: string): Promise<Uint8Array | undefined> {
  return await readFile(path.join(folder, "model", name)).catch((thrown: unknown) => {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return undefined;
    throw thrown;
  });
}
