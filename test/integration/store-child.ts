// A process of its own on a test's store: `node store-child.ts URL FOLDER VERB ARGS...`. Told by STOCKROOM_FAULT where to die.

import { createHash } from "node:crypto";
import process from "node:process";
import type { Body } from "../../src/platform/bytes.ts";
import { makeManualClock } from "../../src/platform/time.ts";
import { makeInbox } from "../../src/platform/objects/inbox.ts";
import { writeThrough } from "../../src/platform/objects/handles.ts";
import { clerk, openDeps } from "./store-kit.ts";

const [url = "", folder = "", command = "", key = "", ...rest] = process.argv.slice(2);
const clock = makeManualClock(Date.parse("2026-10-01T00:00:00Z"));
const { store, vault, database, log } = await openDeps(url, folder, clock);
const megabyte = 1 << 20;

/** Bytes that do not repeat from chunk to chunk, made as they are pulled. */
async function* made(megabytes: number, seed: number): Body {
  for (let i = 0; i < megabytes; i++) yield Buffer.alloc(megabyte, createHash("sha256").update(`${seed}/${i}`).digest());
}

async function* stuck(): Body {
  yield* made(3, 1);
  process.stdout.write("half written\n");
  // Until killed; the timer keeps the process alive.
  await new Promise((resolve) => setTimeout(resolve, 3_600_000));
}

switch (command) {
  case "put":
    await store.put(clerk, key, Buffer.from(rest[0] ?? ""));
    break;
  case "put-two": {
    const staged = [];
    for (const name of ["one", "two"])
      staged.push(await writeThrough(await store.writeHandle(clerk, `${key}${name}`), made(1, name.length)));
    await store.commit(clerk, staged);
    break;
  }
  case "put-stuck":
    await store.put(clerk, key, stuck());
    break;
  case "put-many":
    for (let i = 0; i < Number(rest[0]); i++) await store.put(clerk, key, Buffer.from(`${rest[1]}/${i}`));
    break;
  case "remove-and-reconcile":
    await store.remove(clerk, key);
    await store.reconcile();
    break;
  case "reconcile":
    clock.advance(Number(rest[0]));
    await store.reconcile();
    break;
  case "inbox": {
    const inbox = await makeInbox({ folder: key, store, actor: clerk, clock, log, unchangedMs: 10 });
    await inbox.scan();
    clock.advance(10);
    await inbox.scan();
    break;
  }
  case "rotate":
    for (let i = 0; i < Number(rest[0]); i++) await vault.rotate("sales");
    break;
  case "stream": {
    const megabytes = Number(rest[0]);
    await store.put(clerk, key, made(megabytes, 1));
    const digest = createHash("sha256");
    const { entry, body } = await store.get(clerk, key);
    for await (const chunk of body) digest.update(chunk);
    if (digest.digest("hex") !== entry.sha256) throw new Error("what came back is not what was put");
    process.stdout.write(`${process.resourceUsage().maxRSS}\n`);
    break;
  }
  default:
    throw new Error(`no verb ${command}`);
}
await store.close();
await database.close();
