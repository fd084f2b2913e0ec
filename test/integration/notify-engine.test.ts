// A notice through the real engine: one channel's receiver is gone for good, the other delivers; the letter is redriven after the repair.

import { createServer } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import { postNotice } from "../../src/platform/notify/notify.ts";
import { openTestServer } from "./server-kit.ts";

let status = 410;
const ids: string[] = [];
const receiver = createServer((request, response) => {
  ids.push(String(request.headers["webhook-id"]));
  request.resume().on("end", () => response.writeHead(status).end());
});
let app: Awaited<ReturnType<typeof openTestServer>>;

beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const address = receiver.address();
  const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/`;
  const secret = `whsec_${Buffer.from("sesame").toString("base64")}`;
  app = await openTestServer({}, {}, { channels: { ops: { kind: "webhook", url, secret } }, topics: { "*": ["ops", "log"] } });
});
afterAll(async () => {
  await app.close();
  await new Promise((resolve) => receiver.close(resolve));
});

it("a broken channel ends in the dead letters while the others deliver, and is redriven", async () => {
  const notice = { topic: "mlops", id: "n1", severity: "alarm" as const, title: "Look", body: "", facts: {} };
  await app.database.transaction((tx) => postNotice(tx, notice));
  await app.database.transaction((tx) => postNotice(tx, notice));
  const settled = async () => (await app.workflows.idle()) && (await app.notices.list())[0]?.deliveries.length === 2;
  while (!(await settled())) await new Promise((resolve) => setImmediate(resolve));
  const states = async () => (await app.notices.list())[0]?.deliveries.map(({ channel, state }) => `${channel} ${state}`);
  expect(await states()).toEqual(["log delivered", "ops failed"]);
  const letters = await app.workflows.deadLetters({ state: "waiting" });
  expect(letters.map(({ title, error }) => [title, error.code])).toEqual([["send n1 by ops", "NOTIFY_GONE"]]);
  status = 204;
  const run = await app.workflows.redrive(letters[0]?.id ?? "");
  expect(await app.workflows.outcome(run)).toMatchObject({ kind: "done" });
  expect(await states()).toEqual(["log delivered", "ops delivered"]);
  expect(ids).toHaveLength(2);
  expect(new Set(ids).size).toBe(1);
});
