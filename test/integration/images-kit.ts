// What the picture tests share: a server on a free port over sources of the test's own, and raw requests that nothing tidies up on the way.

import { Agent, request as ask } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { crc32, deflateSync } from "node:zlib";
import { makeLog } from "../../src/platform/log.ts";
import { servePictures } from "../../src/images/http/serve.ts";
import { openImages } from "../../src/images/service/handler.ts";
import type { OpenImages } from "../../src/images/service/handler.ts";
import type { ImageHandlerOptions } from "../../src/images/library.ts";

export interface TestPictures {
  readonly url: string;
  readonly images: OpenImages;
  /** Sends the path exactly as it is written, and a flat list of header names and values as well. */
  get(target: string, headers?: Record<string, string> | readonly string[], method?: string): Promise<Got>;
  close(): Promise<void>;
}

export interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly ms: number;
}

export async function startPictures(options: ImageHandlerOptions): Promise<TestPictures> {
  const images = await openImages({ log: makeLog({ level: "silent" }), ...options });
  const server = await servePictures({
    service: images.service,
    ownPages: true,
    metrics: images.settings.metrics,
    host: "127.0.0.1",
    port: 0,
  });
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const { hostname, port } = new URL(server.url);
  return {
    url: server.url,
    images,
    get: (target, headers = {}, method = "GET") =>
      new Promise((resolve, reject) => {
        const begin = performance.now();
        ask({ hostname, port, path: target, headers, method, agent }, (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(chunks),
              ms: performance.now() - begin,
            }),
          );
        })
          .on("error", reject)
          .end();
      }),
    close: async () => {
      agent.destroy();
      await server.close();
      await images.close();
    },
  };
}

/** Serves what a map holds, counting the reads. */
export function mapSources(entries: Readonly<Record<string, Uint8Array>>): ImageHandlerOptions["sources"] & { reads: number } {
  const sources = {
    reads: 0,
    read: async (_bucket: string, key: string) => {
      sources.reads += 1;
      const body = Object.hasOwn(entries, key) ? entries[key] : undefined;
      return body === undefined ? undefined : { body, version: "1" };
    },
  };
  return sources;
}

function chunk(name: string, data: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.byteLength);
  head.write(name, 4, "latin1");
  const body = Buffer.concat([head.subarray(4), data]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([head.subarray(0, 4), body, sum]);
}

/** A black PNG of one bit a pixel: a few hundred bytes for a thousand million pixels' promise. `rows` fewer than `height` makes it a broken one. */
export function blackPng(width: number, height: number, rows = height, extra: readonly Buffer[] = []): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([1, 0, 0, 0, 0], 8);
  const pixels = Buffer.alloc(rows * (1 + Math.ceil(width / 8)));
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", header),
    ...extra,
    chunk("IDAT", deflateSync(pixels)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** A compressed text beside the pixels that unpacks to `bytes`. */
export const textBomb = (bytes: number): Buffer =>
  chunk("zTXt", Buffer.concat([Buffer.from("a\0\0", "latin1"), deflateSync(Buffer.alloc(bytes))]));

/** A GIF of one pixel and `frames` frames. */
export function longGif(frames: number): Buffer {
  const frame = Buffer.from("21f90400010000002c0000000001000100000202440100", "hex");
  return Buffer.concat([
    Buffer.from("47494638396101000100800000000000ffffff", "hex"),
    ...Array.from({ length: frames }, () => frame),
    Buffer.from("3b", "hex"),
  ]);
}
