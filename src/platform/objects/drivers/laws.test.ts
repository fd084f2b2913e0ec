// Every driver that settings may name keeps the laws; one that is not tried here does not compile.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { DriverAddress } from "../contract.ts";
import { driverLaws, type DriverUnderTest } from "./driver-laws.ts";
import { openDriver } from "./open.ts";

const places: Readonly<Record<DriverAddress["kind"], () => Promise<DriverUnderTest>>> = {
  folder: async () => {
    const root = await mkdtemp(path.join(os.tmpdir(), "stockroom-driver-"));
    const open = () => openDriver({ kind: "folder", root });
    return {
      driver: open(),
      reopen: open,
      plant: async (name, bytes) => {
        const file = path.join(root, name);
        await mkdir(path.dirname(file), { recursive: true });
        await writeFile(file, bytes);
      },
      clean: () => rm(root, { recursive: true, force: true }),
    };
  },
};
for (const [kind, open] of Object.entries(places)) driverLaws(kind, open);
