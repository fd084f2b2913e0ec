// backup, restore: database and objects into one folder and back. Keys travel apart: a backup that held them would be as good as open.
//
//   K1. Database first, objects after: what the database names was stored before, and stays until the sweep of a later start.
//   K2. Both ways a folder appears whole, under its name, or not at all.

import { constants } from "node:fs";
import { cp, mkdir, readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { defineCommand } from "../../platform/command/contract.ts";
import type { BaseSettings } from "../../platform/config/index.ts";
import { StockroomError } from "../../platform/errors.ts";
import { renameDurably, syncTree } from "../../platform/files/index.ts";
import { folderOf } from "../../platform/objects/drivers/open.ts";
import type { Tools } from "../tools.ts";

export const backupCommand = (tools: Tools) =>
  defineCommand({
    meta: {
      name: "backup",
      description: `Copy database and objects into a new folder, while everyone works on
Example: stockroom backup ../backups/2026-10-31
The key file is not in it. Keep a copy of it elsewhere: without it nobody can open what was backed up, you included.`,
    },
    args: { folder: { type: "positional", required: true, description: "A folder that is not there yet" } },
    run: async ({ args }) => {
      const { backupDatabase } = await import("../../platform/database/index.ts");
      const target = path.resolve(tools.cwd, args.folder);
      if (await exists(target)) throw there(target, "BACKUP_EXISTS", "Choose another name");
      const { database, settings } = await tools.open();
      const aside = `${target}.partial`;
      await rm(aside, { recursive: true, force: true });
      await mkdir(aside, { recursive: true, mode: 0o700 });
      try {
        tools.print.say("copying the database");
        const { takenAt } = await backupDatabase(database, path.join(aside, "database"), tools.signal);
        tools.print.say("copying the objects, sealed as they are");
        await copyObjects(folderOf(settings.objects), path.join(aside, "objects"), tools.signal);
        await renameDurably(aside, target);
        tools.print.line(`backed up: ${target} (as of ${takenAt})`);
        tools.print.say(`The key file ${settings.vault.keyFile} is not in it; keep a copy of it apart.`);
      } catch (error) {
        await rm(aside, { recursive: true, force: true });
        throw error;
      }
    },
  });

export const restoreCommand = (tools: Tools) =>
  defineCommand({
    meta: {
      name: "restore",
      description: `Put a backup into a home that has neither database nor objects
Example: stockroom restore ../backups/2026-10-31 --home ./restored
Put the key file of that time or a later one in its place first; then start as ever.
Elsewhere than the original lay it starts quiet: no schedules, notices or deliveries, until \`stockroom home adopt\`.`,
    },
    args: { folder: { type: "positional", required: true, description: "What `stockroom backup` made" } },
    run: async ({ args }) => {
      const { markRestored, restoreDatabase } = await import("../../platform/database/index.ts");
      const { makeLog } = await import("../../platform/log.ts");
      const source = path.resolve(tools.cwd, args.folder);
      const check = await tools.checkConfig();
      if (check.kind === "bad") {
        throw new StockroomError(
          "input",
          "CONFIG_INVALID",
          "Expected settings without mistakes but found some. See: stockroom config check",
        );
      }
      const { home, objects, vault, database }: BaseSettings = check.config.values;
      if (database.url !== undefined) {
        throw new StockroomError(
          "input",
          "RESTORE_ELSEWHERE",
          "Expected the embedded database but DATABASE_URL names another. Restore that one with the tools of its installation.",
        );
      }
      if (!(await exists(path.join(source, "objects")))) {
        throw new StockroomError(
          "input",
          "BACKUP_UNREADABLE",
          `Expected the folders database and objects in ${source} but they are not there. Name what \`stockroom backup\` made.`,
        );
      }
      const folder = folderOf(objects);
      if (((await readdir(folder).catch(() => [])) satisfies string[]).length > 0) {
        throw there(folder, "RESTORE_OVER_DATA", "Restore into another home (--home), or move that folder away");
      }
      const aside = `${folder}.partial`;
      await rm(aside, { recursive: true, force: true });
      try {
        tools.print.say("copying the objects");
        await mkdir(home, { recursive: true, mode: 0o700 });
        await copyObjects(path.join(source, "objects"), aside, tools.signal);
        tools.print.say("copying the database, checking every byte");
        await restoreDatabase(path.join(source, "database"), home, makeLog({ level: "warn", format: "pretty" }));
        await rm(folder, { recursive: true, force: true });
        await renameDurably(aside, folder);
        await markRestored(home);
      } catch (error) {
        await rm(aside, { recursive: true, force: true });
        throw error;
      }
      tools.print.line(`restored into ${home}`);
      if (!(await exists(vault.keyFile)))
        tools.print.say(`Before you start: put the key file back at ${vault.keyFile}. Without it nothing can be opened.`);
    },
  });

/** Copies the store's folder as it is; clones blocks where the file system can. */
async function copyObjects(from: string, to: string, signal: AbortSignal): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  if (!(await exists(from))) return;
  await cp(from, to, {
    recursive: true,
    preserveTimestamps: true,
    mode: constants.COPYFILE_FICLONE,
    filter: (file) => {
      signal.throwIfAborted();
      return path.relative(from, file).split(path.sep)[0] !== "staging";
    },
  });
  await syncTree(to);
}

const exists = async (file: string): Promise<boolean> => (await stat(file).catch(() => undefined)) !== undefined;

function there(folder: string, code: string, advice: string): StockroomError {
  return new StockroomError("conflict", code, `Expected ${folder} not to be there but it is. ${advice}.`, { facts: { folder } });
}
