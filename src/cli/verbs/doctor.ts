// doctor: looks at everything the house stands on and says what to do about each thing that is not well.

import { access, constants, stat, statfs } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { defineCommand } from "citty";
import { formatProblem } from "../../base/config/index.ts";
import type { BaseSettings } from "../../base/config/index.ts";
import { describeError } from "../../base/errors.ts";
import { bytesText, printable, toJson } from "../output.ts";
import { jsonFlag } from "../tools.ts";
import type { House } from "../../house.ts";
import type { Tools } from "../tools.ts";

interface Finding {
  readonly what: string;
  readonly state: "well" | "look" | "ill";
  readonly words: string;
}

const well = (what: string, words: string): Finding => ({ what, state: "well", words });
const look = (what: string, words: string): Finding => ({ what, state: "look", words });
const ill = (what: string, words: string): Finding => ({ what, state: "ill", words });

export const doctorVerb = (tools: Tools) =>
  defineCommand({
    meta: {
      name: "doctor",
      description: `Look at everything and say what to do about what is not well
It changes nothing. Exit code 1 if something is ill.`,
    },
    args: { json: jsonFlag },
    run: async ({ args }) => {
      const findings = await examine(tools);
      if (args.json) tools.output.print(toJson(findings));
      else for (const { what, state, words } of findings) tools.output.print(`${state.padEnd(4)}  ${what.padEnd(12)}  ${printable(words)}`);
      if (findings.some(({ state }) => state === "ill")) tools.exitWith(1);
    },
  });

async function examine(tools: Tools): Promise<readonly Finding[]> {
  const findings = [nodeFinding()];
  const check = await tools.checkConfig();
  if (check.kind === "bad") return [...findings, ...check.problems.map((problem) => ill("settings", formatProblem(problem)))];
  const { values, warnings, file } = check.config;
  findings.push(well("settings", file === undefined ? "no file; defaults and environment" : `read from ${file}`));
  findings.push(...warnings.map((warning) => look("settings", warning)));
  findings.push(...(await folderFindings(values)), await serverFinding(values));
  let house: House;
  try {
    house = await tools.open();
  } catch (error) {
    return [...findings, ill("house", `does not open: ${describeError(error).message}`)];
  }
  return [...findings, ...(await houseFindings(house))];
}

function nodeFinding(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const words = `${process.versions.node} on ${process.platform} ${process.arch}`;
  return major > 20 || (major === 20 && minor >= 19) ? well("node", words) : ill("node", `${words}; install 20.19 or newer`);
}

const lowBytes = 2 ** 30;
const emptyBytes = 100 * 2 ** 20;

async function folderFindings({ home, vault }: BaseSettings): Promise<readonly Finding[]> {
  const found = await stat(home).catch(() => undefined);
  if (found === undefined) return [look("home", `${home} is not there yet; the first command that needs it makes it`)];
  const findings: Finding[] = [];
  const writable = await access(home, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  findings.push(writable ? well("home", path.resolve(home)) : ill("home", `${home} cannot be written by this user; correct its owner`));
  const disk = await statfs(home);
  const free = disk.bavail * disk.bsize;
  const words = `${bytesText(free)} free`;
  findings.push(
    free < emptyBytes
      ? ill("disk", `${words}; make room`)
      : free < lowBytes
        ? look("disk", `${words}; make room soon`)
        : well("disk", words),
  );
  const keys = await stat(vault.keyFile).catch(() => undefined);
  if (keys === undefined) findings.push(look("key file", `${vault.keyFile} is not there yet`));
  else if (process.platform !== "win32" && (keys.mode & 0o077) !== 0) {
    findings.push(ill("key file", `${vault.keyFile} can be read by others; run: chmod 600 ${vault.keyFile}`));
  } else findings.push(well("key file", `${vault.keyFile}; is it in your backup?`));
  return findings;
}

/** Whether an `up` answers at the address the settings name. */
async function serverFinding({ server }: BaseSettings): Promise<Finding> {
  const at = `http://${server.host.includes(":") ? `[${server.host}]` : server.host}:${server.port}`;
  try {
    const response = await fetch(`${at}/health`, { signal: AbortSignal.timeout(3_000), redirect: "manual" });
    const health: unknown = await response.json();
    if (typeof health !== "object" || health === null || !("ready" in health))
      return ill("server", `another program answers at ${at}; set another server.port`);
    return health.ready === true
      ? well("server", `${at} is ready`)
      : ill("server", `${at} answers but is not ready: ${JSON.stringify(health)}`);
  } catch {
    return look("server", `nothing answers at ${at}; start it with: stockroom up`);
  }
}

async function houseFindings({ records, vault, workflows, notices }: House): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const about = records.about();
  const [database] = await records.query<{ version: string; skew: number }>(
    `select current_setting('server_version') as version, extract(epoch from clock_timestamp())::float8 as skew`,
  );
  const place =
    about.kind === "embedded"
      ? `embedded, port ${about.port}, process ${about.pid ?? "?"}`
      : `${about.host}:${about.port}/${about.database}`;
  findings.push(well("database", `PostgreSQL ${database?.version ?? "?"}, ${place}`));
  const skewS = Math.abs((database?.skew ?? 0) - Date.now() / 1000);
  if (skewS > 30) findings.push(look("clock", `the database's clock is ${Math.round(skewS)} s off ours; set both by the network's time`));

  const keys = await vault.keys();
  findings.push(well("keys", `${keys.filter((key) => key.current).length} zones`));
  const refused = (await vault.uses({ limit: 1_000 })).filter((use) => !use.allowed);
  if (refused.length > 0) findings.push(look("grants", `${refused.length} refusals among the last 1,000 uses; see: stockroom keys uses`));

  const [outbox] = await records.query<{ count: number; age: number }>(
    `select count(*)::int as count, coalesce(extract(epoch from clock_timestamp() - min(at)), 0)::float8 as age from stockroom.outbox where relayed_at is null`,
  );
  const age = Math.round(outbox?.age ?? 0);
  findings.push(
    age > 60
      ? look("events", `${outbox?.count ?? 0} wait, the oldest for ${age} s; is a \`stockroom up\` or \`stockroom worker\` running?`)
      : well("events", `${outbox?.count ?? 0} wait`),
  );
  const active = (
    await Promise.all((["queued", "running", "retrying"] as const).map((state) => workflows.list({ state, limit: 1_000 })))
  ).map((runs) => runs.length);
  findings.push(well("runs", `${active[0] ?? 0} queued, ${active[1] ?? 0} running, ${active[2] ?? 0} between tries`));
  const letters = await workflows.deadLetters({ state: "waiting", limit: 1_000 });
  findings.push(
    letters.length > 0 ? look("dead letters", `${letters.length} wait for you; see: stockroom dead`) : well("dead letters", "none"),
  );
  const failed = (await notices.list({ limit: 1_000 })).flatMap(({ deliveries }) => deliveries.filter(({ state }) => state === "failed"));
  if (failed.length > 0) {
    const channels = [...new Set(failed.map(({ channel }) => channel))].join(", ");
    findings.push(look("notices", `${failed.length} of the last deliveries failed (${channels}); see: stockroom notices`));
  }
  return findings;
}
