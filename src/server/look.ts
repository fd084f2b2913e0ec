// Look: what a file holds and what could be made of it, before it is stored. Nothing is written.
//
//   L1. Bounded: a body of at most `mostBytes` in memory, one look at a time, `lookMs` for it; between blocks others are answered.

import type { FastifyInstance } from "fastify";
import type { Body } from "../platform/bytes.ts";
import { StockroomError } from "../platform/errors.ts";
import { checkEncoding } from "../platform/formats/index.ts";
import { describeFile } from "../platform/intake/describe.ts";
import { type FileProfile, profileFile } from "../platform/intake/profile.ts";
import { serve } from "../platform/web/route.ts";
import { lookAtBody } from "./contract.ts";
import type { ServedModule } from "./server.ts";
import { receive } from "./upload.ts";

const mostBytes = 32 << 20;
const lookMs = 30_000;
const firstRows = 20;

/** Mounts the preview. In a scope of its own, because here a body is a stream whatever its type says. */
export async function mountLook(server: FastifyInstance, modules: readonly ServedModule[]): Promise<void> {
  let isBusy = false;
  await server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _body, done) => done(null));
    serve(
      scope,
      lookAtBody,
      async ({ query, request, reply }) => {
        if (isBusy) {
          throw new StockroomError("busy", "LOOK_BUSY", "Expected no other look at the moment but one goes on. Ask again soon.");
        }
        isBusy = true;
        const stop = new AbortController();
        try {
          const bytes = await gather(receive(request.raw, stop, () => undefined));
          const encoding = query.encoding === undefined ? undefined : checkEncoding(query.encoding);
          const late = AbortSignal.timeout(lookMs);
          const profile = await profileFile(
            { name: query.name, open: () => inBlocks(bytes) },
            { encoding, decimal: query.decimal, signal: late },
          ).catch((error: unknown) => {
            if (!late.aborted) throw error;
            throw new StockroomError(
              "input",
              "LOOK_LATE",
              `Expected to look at the file within ${lookMs / 1_000} s but it takes longer. Store it: its run looks at it.`,
            );
          });
          return await answered(profile, modules);
        } catch (error) {
          // What is left of the body is not ours to read: answer, then hang up.
          reply.header("connection", "close");
          throw error;
        } finally {
          isBusy = false;
          stop.abort();
        }
      },
      { bodyLimit: Number.MAX_SAFE_INTEGER },
    );
  });
}

async function gather(body: Body): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > mostBytes) {
      throw new StockroomError(
        "input",
        "LOOK_TOO_LARGE",
        `Expected at most ${mostBytes >> 20} MB to look at but more came. Send the first part of the file, or look with \`stockroom look FILE\`.`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const blockBytes = 1 << 18;

/** Bytes block by block, with a turn for others between them. */
async function* inBlocks(bytes: Uint8Array): Body {
  for (let at = 0; at < bytes.length; at += blockBytes) {
    await new Promise((resolve) => setImmediate(resolve));
    yield bytes.subarray(at, at + blockBytes);
  }
}

async function answered(profile: FileProfile, modules: readonly ServedModule[]) {
  const advice: Record<string, readonly string[]> = {};
  const proposals: Record<string, unknown> = {};
  for (const { module, isOpen } of modules) {
    if (!isOpen) continue;
    const lines = await module.look?.(profile);
    if (lines !== undefined && lines.length > 0) advice[module.name] = lines;
    const proposal = await module.propose?.(profile);
    if (proposal !== undefined) proposals[module.name] = proposal;
  }
  const { sample, columns, ...facts } = profile;
  return {
    // Plain JSON: styles of dates are known by their names.
    profile: {
      ...facts,
      export: facts.export?.name ?? null,
      columns: columns.map(({ date, ...column }) => ({
        ...column,
        date: date === undefined ? null : { style: date.style.id, rival: date.rival?.id ?? null, reason: date.reason },
      })),
    },
    lines: describeFile(profile),
    first: sample.slice(0, firstRows),
    advice,
    proposals,
  };
}
