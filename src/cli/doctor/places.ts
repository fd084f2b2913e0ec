// Places: what doctor finds without the database: home, disks, the port.

import { bytesText } from "../../platform/figures.ts";
import { access, constants, stat } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";
import type { BaseSettings } from "../../platform/config/index.ts";
import { describeError } from "../../platform/errors.ts";
import { freeSpaceOf } from "../../platform/objects/disk.ts";
import { folderOf } from "../../platform/objects/drivers/open.ts";
import { readHomeId } from "../../platform/database/index.ts";
import { fail, ok, warn, type Finding } from "./findings.ts";

/** Room in which it is time to act, as a multiple of the room in which the app is not ready. */
const soon = 4;

/** The folders in which the app writes. */
export const foldersOf = ({ home, objects, vault }: Pick<BaseSettings, "home" | "objects" | "vault">): readonly string[] => [
  home,
  path.join(home, "postgres"),
  folderOf(objects),
  path.dirname(vault.keyFile),
];

export async function homeFindings({ home }: BaseSettings): Promise<readonly Finding[]> {
  const found = await stat(home).catch(() => undefined);
  if (found === undefined) return [warn("home", `${home} is not there yet; the first command that needs it makes it`)];
  if (!found.isDirectory()) return [fail("home", `${home} is no folder; name another with --home`)];
  const writable = await access(home, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  return [writable ? ok("home", path.resolve(home)) : fail("home", `${home} cannot be written by this user; correct its owner`)];
}

export async function diskFindings(settings: BaseSettings): Promise<readonly Finding[]> {
  const least = settings.disk.minFree;
  return (await freeSpaceOf(foldersOf(settings))).map(({ folder, free, size, outOfFiles }) => {
    const words = `${bytesText(free)} of ${bytesText(size)} free under ${folder}`;
    if (outOfFiles) return fail("disk", `no further file fits under ${folder}, whatever its size; remove some`);
    if (free < least) return fail("disk", `${words}; below ${bytesText(least)} (disk.minFree) the server is not ready: make room`);
    return free < least * soon ? warn("disk", `${words}; make room soon`) : ok("disk", words);
  });
}

/** Where the server of these settings is asked on its own machine: one that listens everywhere, on the loopback address. */
export function addressHere({ host, port }: Pick<BaseSettings["server"], "host" | "port">): {
  readonly host: string;
  readonly url: string;
} {
  const here = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return { host: here, url: `http://${here.includes(":") ? `[${here}]` : here}:${port}` };
}

/** Who answers at the address the settings name: this home's server, another one, or something else. */
export async function serverFindings({ server, home }: BaseSettings): Promise<readonly Finding[]> {
  if (server.port === 0) return [ok("server", "takes any free port (server.port 0)")];
  const { host, url: at } = addressHere(server);
  if (!(await isTaken(host, server.port))) return [warn("server", `nothing answers at ${at}; start it with: stockroom up`)];
  const other = fail("server", `another program has ${at}; stop it, or set another server.port`);
  let health: unknown;
  try {
    const response = await fetch(`${at}/health`, { signal: AbortSignal.timeout(3_000), redirect: "manual" });
    health = await response.json();
  } catch (error) {
    const late = describeError(error).code === "TimeoutError" || (error instanceof Error && error.name === "TimeoutError");
    return [late ? fail("server", `${at} takes connections but does not answer`) : other];
  }
  if (typeof health !== "object" || health === null || !("ready" in health)) return [other];
  if ("working" in health) return [fail("server", `${at} is a Stockroom that serves pictures alone; set another server.port`)];
  if (!("version" in health) || !("parts" in health)) return [other];
  const theirs = "home" in health ? health.home : undefined;
  const ours = await readHomeId(home).catch(() => undefined);
  if (theirs === undefined || theirs !== ours) {
    return [
      fail(
        "server",
        `${at} is the server of another Stockroom (home ${typeof theirs === "string" ? theirs : "unknown"}); set another server.port`,
      ),
    ];
  }
  if (health.ready === true) return [ok("server", `${at} is this home's and ready`)];
  return [fail("server", `${at} is this home's but not ready: ${ill(health.parts)}`)];
}

function ill(parts: unknown): string {
  const entries: [string, unknown][] = typeof parts === "object" && parts !== null ? Object.entries(parts) : [];
  return entries.flatMap(([name, part]) => (isIll(part) ? [`${name} ${part.code}`] : [])).join(", ");
}

const isIll = (part: unknown): part is { readonly ok: false; readonly code: string } =>
  typeof part === "object" && part !== null && "ok" in part && part.ok === false && "code" in part && typeof part.code === "string";

function isTaken(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 3_000 });
    const end = (taken: boolean): void => {
      socket.destroy();
      resolve(taken);
    };
    socket
      .once("connect", () => end(true))
      .once("error", () => end(false))
      .once("timeout", () => end(false));
  });
}
