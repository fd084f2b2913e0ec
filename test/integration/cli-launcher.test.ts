// What launched a server and is killed leaves none behind; what was put into the background on purpose stays.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, expect, it } from "vitest";

const bin = path.resolve(import.meta.dirname, "../../bin/stockroom");
const temp = realpathSync(mkdtempSync(path.join(tmpdir(), "stockroom-launcher-")));
mkdirSync(path.join(temp, "originals"));
const command = `"${process.execPath}" "${bin}" up images --source photos=./originals --port 0`;
const env = {
  PATH: [path.dirname(process.execPath), process.env["PATH"]].join(path.delimiter),
  HOME: temp,
  npm_config_update_notifier: "false",
  npm_config_offline: "true",
};
const started: ChildProcess[] = [];

afterAll(() => {
  for (const child of started) child.kill("SIGKILL");
  rmSync(temp, { recursive: true, force: true });
});

/** Starts a launcher and gives it with the address of the server it launched. */
async function launch(file: string, args: readonly string[]): Promise<{ readonly launcher: ChildProcess; readonly url: string }> {
  const launcher = spawn(file, args, { cwd: temp, env, stdio: ["ignore", "pipe", "pipe"] });
  started.push(launcher);
  let said = "";
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [launcher.stdout, launcher.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        const found = /served at (http:\S+) from/.exec(said)?.[1];
        if (found !== undefined) resolve(found);
      });
    }
    launcher.stderr.on("end", () => reject(new Error(`Expected a server but it said: ${said}`)));
  });
  return { launcher, url };
}

const answers = async (url: string): Promise<boolean> =>
  await fetch(`${url}/health`).then(
    async (answer) => (await answer.arrayBuffer()).byteLength >= 0,
    () => false,
  );

it("goes with a launcher that is killed", async () => {
  // As bin/launch.mjs does it under an older Node: a parent that says who it is.
  const { launcher, url } = await launch("/bin/sh", ["-c", `STOCKROOM_LAUNCHER=$$ ${command}; true`]);
  expect(await answers(url)).toBe(true);
  launcher.kill("SIGKILL");
  await expect.poll(() => answers(url), { timeout: 20_000 }).toBe(false);
});

it("goes with an npm that is killed, though its shell lives on", async () => {
  writeFileSync(path.join(temp, "package.json"), JSON.stringify({ name: "shop", private: true, scripts: { serve: `true && ${command}` } }));
  const { launcher, url } = await launch("npm", ["run", "--silent", "serve"]);
  expect(await answers(url)).toBe(true);
  launcher.kill("SIGKILL");
  await expect.poll(() => answers(url), { timeout: 20_000 }).toBe(false);
});

it("stays when the shell that put it into the background ends", async () => {
  const { launcher, url } = await launch("/bin/sh", ["-c", `${command} & echo $! > background.pid`]);
  if (launcher.exitCode === null && launcher.signalCode === null) await once(launcher, "exit");
  const pid = Number(readFileSync(path.join(temp, "background.pid"), "utf8"));
  try {
    // Longer than a killed launcher needs to be noticed.
    const begin = performance.now();
    while (performance.now() - begin < 2_000) expect(await answers(url)).toBe(true);
  } finally {
    process.kill(pid, "SIGKILL");
  }
});
