// Houses and workers whose launcher is killed: nothing of them is left, neither the process nor its database.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { expect, it } from "vitest";

const bin = path.resolve(import.meta.dirname, "../../bin/stockroom");

/** Processes whose command line has the words, by their ids. */
function processesWith(words: string): number[] {
  const ids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return ids.filter((id) => commandOf(id).includes(words)).map(Number);
}

function commandOf(id: string): string {
  try {
    return readFileSync(`/proc/${id}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

it.runIf(process.platform === "linux").each([
  ["up", "up --port 0"],
  ["worker", "worker"],
])("%s goes with a launcher that is killed", async (_name, words) => {
  const folder = mkdtempSync(path.join(tmpdir(), "stockroom-launched-"));
  const home = path.join(folder, "home");
  // As bin/launch.mjs does it under an older Node: a parent that says who it is.
  const command = `STOCKROOM_LAUNCHER=$$ "${process.execPath}" "${bin}" ${words} --home "${home}"; true`;
  const launcher = spawn("/bin/sh", ["-c", command], {
    cwd: folder,
    env: { PATH: process.env["PATH"], HOME: folder },
    stdio: "ignore",
  });
  try {
    const pidFile = path.join(home, "postgres/data/postmaster.pid");
    await expect.poll(() => existsSync(pidFile) && readFileSync(pidFile, "utf8"), { timeout: 120_000 }).toMatch(/\bready\b/);
    const database = Number(readFileSync(pidFile, "utf8").split("\n")[0]);
    expect(commandOf(String(database))).toContain("postgres");
    launcher.kill("SIGKILL");
    await expect.poll(() => processesWith(home), { timeout: 60_000 }).toEqual([]);
    await expect.poll(() => commandOf(String(database)), { timeout: 60_000 }).toBe("");
  } finally {
    launcher.kill("SIGKILL");
    for (const id of processesWith(home)) process.kill(id, "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
});
