// Examine: everything doctor looks at, in order.

import { stat } from "node:fs/promises";
import process from "node:process";
import { formatProblem } from "../../platform/config/index.ts";
import type { BaseSettings } from "../../platform/config/index.ts";
import { describeError } from "../../platform/errors.ts";
import { makeLog } from "../../platform/log.ts";
import { peekDatabase, type Peek } from "../../platform/database/index.ts";
import type { Tools } from "../tools.ts";
import { databaseFindings, storeFindings } from "./database.ts";
import { fail, lookInto, ok, warn, type Finding } from "./findings.ts";
import { diskFindings, homeFindings, serverFindings } from "./places.ts";

/** What it finds of the settings, the places and, while that runs, the database. Throws nothing that belongs to one of them. */
export async function examine(tools: Pick<Tools, "checkConfig">): Promise<readonly Finding[]> {
  const findings = [nodeFinding()];
  const check = await tools.checkConfig();
  if (check.kind === "bad") return [...findings, ...check.problems.map((problem) => fail("settings", formatProblem(problem)))];
  const { values, warnings, file } = check.config;
  const settings: BaseSettings = values;
  findings.push(ok("settings", file === undefined ? "no file; defaults and environment" : `read from ${file}`));
  findings.push(...warnings.map((warning) => warn("settings", warning)));
  findings.push(...(await lookInto("home", () => homeFindings(settings))));
  findings.push(...(await lookInto("disk", () => diskFindings(settings))));
  findings.push(...(await lookInto("server", () => serverFindings(settings))));
  if ((await stat(settings.home).catch(() => undefined)) === undefined && settings.database.url === undefined) return findings;
  findings.push(...(await lookInto("database", () => withDatabase(settings))));
  return findings;
}

async function withDatabase(settings: BaseSettings): Promise<readonly Finding[]> {
  let peek: Peek;
  try {
    peek = await peekDatabase({ url: settings.database.url, home: settings.home, log: makeLog({ level: "silent" }) });
  } catch (error) {
    return [
      fail("database", describeError(error).message),
      ...(await keyFileFindings(settings)),
      ...(await storeFindings(settings, undefined)),
    ];
  }
  if (peek.kind !== "open") {
    const words =
      peek.kind === "absent"
        ? "not made yet; the first start does"
        : "does not run, so what it knows was not looked at; start it with: stockroom up";
    return [warn("database", words), ...(await keyFileFindings(settings)), ...(await storeFindings(settings, undefined))];
  }
  const { keepOf, knownMigrations, recordZones } = await import("../../app.ts");
  try {
    return await databaseFindings(settings, peek, knownMigrations, { keep: keepOf(settings), recordZones });
  } finally {
    await peek.close();
  }
}

/** Without the database, only whether it is there and ours alone. */
async function keyFileFindings({ vault: { keyFile } }: BaseSettings): Promise<readonly Finding[]> {
  const keys = await stat(keyFile).catch(() => undefined);
  if (keys === undefined) return [warn("key file", `${keyFile} is not there`)];
  const isOpen = process.platform !== "win32" && (keys.mode & 0o077) !== 0;
  return [
    isOpen
      ? fail("key file", `${keyFile} can be read by others; run: chmod 600 ${keyFile}`)
      : ok("key file", `${keyFile}; is it in your backup?`),
  ];
}

function nodeFinding(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const words = `${process.versions.node} on ${process.platform} ${process.arch}`;
  return major > 20 || (major === 20 && minor >= 19) ? ok("node", words) : fail("node", `${words}; install 20.19 or newer`);
}
