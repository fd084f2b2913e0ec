// Model file: reading it, and the flags of all commands that use one on a file of items.

import { readFile } from "node:fs/promises";
import { readNumber } from "../../platform/command/flags.ts";
import { StockroomError } from "../../platform/errors.ts";
import { decodeModel, type Model } from "../engine/model.ts";

export async function readModel(file: string): Promise<Model> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (thrown) {
    throw new StockroomError(
      "missing",
      "FILE_MISSING",
      `Expected a model at ${file} but it cannot be read. Check the path, or make one with \`stockroom classify fit\`.`,
      {
        facts: { file },
        cause: thrown,
      },
    );
  }
  return decodeModel(bytes, file);
}

export const where = {
  type: "string",
  description: "only rows with COLUMN=VALUE (or !=; several values with commas); may be given again",
  valueHint: "COLUMN=VALUE",
} as const;

export const floor = {
  type: "string",
  description: "least probability of an automatic decision; only above the one of the fit does it change anything",
} as const;

export const floorOf = (text: string | undefined): { readonly floor?: number } =>
  text === undefined ? {} : { floor: readNumber("--floor", text, { least: 0, below: 1 }) };
