// The golden run: a small panel, forecast by every model and with sums that are reconciled; what each piece holds, as a hash.
//
//   A piece is taken up by whoever comes to the same panel, settings and `programOfRuns`. A program that gives other numbers under the same
//   number would mix its pieces with those of another: this case fails then, and cannot be accepted before the number is raised.

import { createHash, type Hash } from "node:crypto";
import process from "node:process";
import { deserialize } from "node:v8";
import { makePanel, type PlainPanel } from "../../src/forecast/engine/panel/make.ts";
import type { RunSettings } from "../../src/forecast/workflows/run/contract.ts";
import { inlineCompute } from "../../src/forecast/workflows/run/inline.ts";
import { memoryChunks, programOfRuns } from "../../src/forecast/workflows/run/pieces.ts";
import { runForecast } from "../../src/forecast/workflows/run/run.ts";

export interface GoldenInput {
  readonly panel: PlainPanel;
  readonly runs: Readonly<Record<string, RunSettings>>;
}

export interface GoldenRun {
  readonly program: number;
  /** Bits are compared where these are the same: other machines may round otherwise. */
  readonly platform: string;
  /** SHA-256 (hex) by run and piece. */
  readonly pieces: Readonly<Record<string, string>>;
  /** Means by run, series by series, step by step. */
  readonly means: Readonly<Record<string, readonly (readonly number[])[]>>;
}

/** What is hashed is the values of a piece: their bytes depend on the version of Node. */
function addValue(hash: Hash, value: unknown): void {
  if (ArrayBuffer.isView(value)) {
    hash.update(`bytes ${value.byteLength}:`).update(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  } else if (Array.isArray(value)) {
    hash.update(`list ${value.length}:`);
    for (const each of value) addValue(hash, each);
  } else if (value instanceof Map) {
    addValue(hash, [...value]);
  } else if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    hash.update(`record ${entries.length}:`);
    for (const [name, each] of entries) {
      hash.update(`${name}=`);
      addValue(hash, each);
    }
  } else if (typeof value === "number") {
    hash.update("number ").update(Buffer.from(Float64Array.of(value).buffer));
  } else {
    hash.update(`${typeof value} ${String(value)};`);
  }
}

export async function make({ panel: plain, runs }: GoldenInput): Promise<GoldenRun> {
  const panel = makePanel(plain);
  const pieces: Record<string, string> = {};
  const means: Record<string, (readonly number[])[]> = {};
  for (const [run, settings] of Object.entries(runs)) {
    const chunks = memoryChunks();
    const result = await runForecast(panel, settings, { compute: inlineCompute(), chunks });
    const own: (readonly number[])[] = [];
    for await (const { mixed } of result.series()) own.push([...(mixed.forecast?.mean ?? [])]);
    means[run] = own;
    for (const [name, bytes] of chunks.pieces) {
      const hash = createHash("sha256");
      addValue(hash, deserialize(bytes));
      // Without the key, which holds the number of the program.
      const plainName = name.replace(/-[0-9a-f]{40}/, "");
      pieces[`${run}/${plainName in pieces ? `${plainName}+` : plainName}`] = hash.digest("hex");
    }
  }
  const platform = `${process.arch}, Node ${process.versions.node.split(".")[0]}`;
  return { program: programOfRuns, platform, pieces, means };
}

/** Whether two runs gave the same: bit by bit on the same platform, to nine digits on another. */
function agree(former: GoldenRun, made: GoldenRun): boolean {
  if (former.platform === made.platform) return JSON.stringify([former.pieces, former.means]) === JSON.stringify([made.pieces, made.means]);
  const numbers = ({ means }: GoldenRun): readonly number[] => Object.values(means).flat(2);
  const theirs = numbers(made);
  return numbers(former).every((value, i) => Math.abs(value - (theirs[i] ?? Number.NaN)) <= 1e-6 * Math.max(1, Math.abs(value)));
}

export function refuse(former: GoldenRun, made: GoldenRun): string | undefined {
  if (former.program !== made.program || agree(former, made)) return undefined;
  return `Expected the results of program ${former.program} but they are others: raise programOfRuns in src/forecast/workflows/run/pieces.ts, so that no piece of the former program is taken up; then \`npm run golden -- run --accept\`.`;
}
