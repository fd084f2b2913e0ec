// The servers that bench/images/service.ts measures, each a process of its own: ipx, a bare node:http server, raw sharp. Not run by hand.
//
//   node bench/images/rivals.ts ipx FOLDER | bare BYTES | sharp FOLDER WIDTH FORMAT COUNT
//
// A server prints its URL; `sharp` prints the CPU milliseconds a picture.

import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import sharp from "sharp";

const [what = "", first = "", ...rest] = process.argv.slice(2);

function listen(listener: RequestListener): void {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
}

if (what === "ipx") {
  const { createIPX, createIPXNodeServer, ipxFSStorage } = await import("ipx");
  const handler = createIPXNodeServer(createIPX({ storage: ipxFSStorage({ dir: first }), maxAge: 60 }));
  listen((request, response) => handler(request, response));
} else if (what === "bare") {
  const body = Buffer.alloc(Number(first), 7);
  // As many headers as ours has, so that what differs is the work.
  const headers = {
    "x-content-type-options": "nosniff",
    "content-type": "image/jpeg",
    "content-length": String(body.byteLength),
    "cache-control": "max-age=31536000,public",
    etag: 'W/"98e0e8ed97734b395a93fea6"',
    "last-modified": "Mon, 23 Nov 2026 14:35:32 GMT",
    "cache-status": "Stockroom; hit; ttl=59",
  };
  const { "content-length": _length, "content-type": _type, ...short } = headers;
  listen((request, response) => {
    if (request.headers["if-none-match"] === undefined) response.writeHead(200, headers).end(body);
    else response.writeHead(304, short).end();
  });
} else {
  const [width = "800", format = "jpeg", count = "10"] = rest;
  sharp.cache(false);
  sharp.concurrency(1);
  const files = readdirSync(first).map((name) => path.join(first, name));
  const one = async (n: number): Promise<void> => {
    const bytes = readFileSync(files[n % files.length] ?? "");
    const made = sharp(bytes).resize(Number(width));
    // The effort ours takes for this size, so that the limit is of the same work.
    await (format === "avif" ? made.avif({ effort: 0 }) : format === "webp" ? made.webp() : made.jpeg()).toBuffer();
  };
  await one(0);
  const before = process.cpuUsage();
  let next = 0;
  await Promise.all(
    [0, 1].map(async () => {
      while (next < Number(count)) await one(next++);
    }),
  );
  const used = process.cpuUsage(before);
  console.log(String((used.user + used.system) / 1000 / Number(count)));
}
