// Fields: a mapping as HTTP answers it and commands list it, alike for every module.

import { z } from "zod";
import { printBlock } from "../intake/said.ts";
import type { KeptMapping } from "./mappings.ts";

export const mappingFields = {
  sender: z.string(),
  prefix: z.string(),
  by: z.enum(["proposal", "settings", "answer"]),
  key: z.string(),
  version: z.string(),
  keptAt: z.string(),
  /** In the words of settings. */
  intake: z.record(z.string(), z.unknown()),
};

export const shownMapping = ({ sender, prefix, by, key, version, keptAt }: KeptMapping, intake: object) => ({
  sender,
  prefix,
  by,
  key,
  version,
  keptAt,
  intake: { ...intake },
});

export type ShownMapping = z.output<z.ZodObject<typeof mappingFields>>;

/** A row of a command's table. */
export const mappingRow = ({ sender, prefix, by, key, keptAt }: Omit<ShownMapping, "intake">, intake: object) => ({
  sender,
  prefix,
  "accepted by": by,
  "read as": printBlock(intake)
    .slice(1)
    .map((line) => line.trim())
    .join(" "),
  "newest file": key,
  kept: keptAt,
});
