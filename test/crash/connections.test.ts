// The picture server as it is started, and more callers than it has use for: silent ones, half-said ones, and those who never end. All on loopback.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, beforeAll, expect, it } from "vitest";

const bin = path.resolve(import.meta.dirname, "../../bin/stockroom");
let folder: string;
let server: ChildProcess;
let port: number;
const sockets: Socket[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "stockroom-connections-"));
  mkdirSync(path.join(folder, "originals"));
  server = spawn(process.execPath, [bin, "up", "images", "--source", "photos=./originals", "--port", "0"], {
    cwd: folder,
    env: { PATH: process.env["PATH"], HOME: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  port = await new Promise<number>((resolve, reject) => {
    let said = "";
    for (const stream of [server.stdout, server.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        const found = /served at http:\S+:(\d+) from/.exec(said)?.[1];
        if (found !== undefined) resolve(Number(found));
      });
    }
    server.once("exit", () => reject(new Error(`Expected a server but it said: ${said}`)));
  });
});

afterAll(() => {
  for (const socket of sockets) socket.destroy();
  server.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** Callers who say `text` and no more; `gone` tells how many were let go. */
async function callers(many: number, text: string): Promise<{ readonly gone: () => number }> {
  let gone = 0;
  const some = Array.from({ length: many }, () => {
    const socket = connect(port, "127.0.0.1");
    sockets.push(socket);
    // What the server says on parting is read, else the end behind it is never seen.
    socket.resume();
    socket.on("error", () => undefined).once("close", () => (gone += 1));
    return socket;
  });
  await Promise.all(some.map((socket) => once(socket, "connect")));
  if (text !== "") for (const socket of some) socket.write(text);
  return { gone: () => gone };
}

const health = async (): Promise<number> => {
  const answer = await fetch(`http://127.0.0.1:${port}/health`, {
    headers: { connection: "close" },
    signal: AbortSignal.timeout(10_000),
  });
  return answer.status;
};

const half = "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: ";

it("answers beside 1,100 silent callers and 2,500 half-sent headers, and lets all of them go", async () => {
  const silent = await callers(1_100, "");
  expect(await health()).toBe(200);
  const begun = await callers(2_500, half);
  expect(await health()).toBe(200);
  // After ten seconds; the bound is for a machine that does other things as well.
  await expect.poll(() => silent.gone() + begun.gone(), { timeout: 60_000, interval: 100 }).toBe(3_600);
  expect(await health()).toBe(200);
});

it("ends at a Ctrl-C though callers are stuck in the middle of a word", async () => {
  await callers(20, half);
  await callers(20, "");
  await callers(20, "POST /a.jpg HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nabc");
  expect(await health()).toBe(200);
  const end = once(server, "exit");
  server.kill("SIGINT");
  expect(await end).toEqual([0, null]);
});
