// Health: whether the process lives, and whether each part it needs answers.
//
//   H1. `live` asks nothing of anyone: a slow database must not get a healthy process killed.
//   H2. `ready` is 503 while any part fails or takes longer than two seconds; it names the part and the code, never an address or a message.

import type { FastifyInstance } from "fastify";
import { describeError, StockroomError } from "../platform/errors.ts";
import { serve } from "../platform/web/route.ts";
import type { Health } from "./api.ts";
import { getHealth, getLive, getReady } from "./contract.ts";
import type { Probe } from "./deps.ts";

const probeMs = 2_000;

export function mountHealth(
  server: FastifyInstance,
  probes: Readonly<Record<string, Probe>>,
  about: Pick<Health, "version" | "home">,
): void {
  serve(server, getLive, () => ({ live: true, version: about.version }));
  for (const route of [getHealth, getReady]) {
    serve(server, route, async ({ reply }) => {
      const health = await askAll(probes, about);
      reply.code(health.ready ? 200 : 503);
      return health;
    });
  }
}

async function askAll(probes: Readonly<Record<string, Probe>>, about: Pick<Health, "version" | "home">): Promise<Health> {
  const answers = await Promise.all(
    Object.entries(probes).map(async ([name, probe]) => {
      const begin = performance.now();
      const code = await ask(probe);
      const ms = Math.round(performance.now() - begin);
      return [name, code === undefined ? { ok: true, ms } : { ok: false, ms, code }] as const;
    }),
  );
  return { ready: answers.every(([, answer]) => answer.ok), ...about, parts: Object.fromEntries(answers) };
}

async function ask(probe: Probe): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new StockroomError("busy", "PROBE_LATE", `Expected an answer within ${probeMs} ms.`)), probeMs);
  });
  try {
    await Promise.race([probe(), late]);
    return undefined;
  } catch (error) {
    return describeError(error).code;
  } finally {
    clearTimeout(timer);
  }
}
