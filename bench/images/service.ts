// The picture server over HTTP beside ipx, nginx's image filter, raw sharp and a bare Node server, on the same generated files.
//
//   node bench/images/service.ts [rounds=3] [mixed=100000]
//
// Measured: CPU milliseconds (user + system) of the server's own process a request; the client's are not in it. Rivals alternate with ours,
// round by round, so that a busy machine is as busy for both. Every original is another file, so that nothing is answered from a cache.

import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request as ask } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import sharp from "sharp";
import { cpuSeconds, machine, writeResult } from "../machine.ts";

const root = path.resolve(import.meta.dirname, "../..");
const rounds = Number(process.argv[2] ?? 3);
const mixed = Number(process.argv[3] ?? 100_000);
const folder = mkdtempSync(path.join(tmpdir(), "bench-images-"));
const children: ChildProcess[] = [];
const agent = new Agent({ keepAlive: true, maxSockets: 32 });

interface Got {
  readonly status: number;
  readonly bytes: number;
  readonly etag: string;
  readonly ms: number;
}

const get = (url: string, headers: Record<string, string> = {}): Promise<Got> =>
  new Promise((resolve, reject) => {
    const begin = performance.now();
    ask(url, { agent, headers }, (response) => {
      let bytes = 0;
      response.on("data", (piece: Buffer) => (bytes += piece.byteLength));
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, bytes, etag: response.headers.etag ?? "", ms: performance.now() - begin }),
      );
    })
      .on("error", reject)
      .end();
  });

/** Sends all of it, `width` at a time; throws when one is not answered as expected. */
async function send(count: number, width: number, one: (n: number) => Promise<Got>, expected: readonly number[] = [200]): Promise<Got[]> {
  const all: Got[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const got = await one(next++);
      if (!expected.includes(got.status)) throw new Error(`Expected ${expected.join(" or ")} but ${got.status} came.`);
      all.push(got);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return all;
}

async function start(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<{ url: string; pid: number }> {
  const child = spawn(command, args, { cwd: folder, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  const url = await new Promise<string>((resolve, reject) => {
    let text = "";
    const look = (piece: Buffer): void => {
      text += piece.toString();
      const found = /(http:\/\/127\.0\.0\.1:\d+)/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    child.once("exit", () => reject(new Error(`Expected a server but ${command} ended: ${text}`)));
  });
  return { url, pid: child.pid ?? 0 };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** nginx with its image filter on `photos`, or undefined where it is not installed. */
async function startNginx(photos: string): Promise<{ url: string; pid: number } | undefined> {
  const filter = "/usr/lib/nginx/modules/ngx_http_image_filter_module.so";
  if (!existsSync(filter) || spawnSync("nginx", ["-v"]).status !== 0) return undefined;
  const port = await freePort();
  const home = path.join(folder, "nginx");
  mkdirSync(home);
  const sizes = [
    ["w800", "image_filter resize 800 -;"],
    ["fit512", "image_filter resize 512 512;"],
  ].map(([name, line]) => `location /${name}/ { alias ${photos}/; image_filter_buffer 60M; image_filter_jpeg_quality 80; ${line} }`);
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${home}/${name};`).join(" ");
  writeFileSync(
    path.join(home, "nginx.conf"),
    `load_module ${filter};\nuser root;\nworker_processes 2;\npid ${home}/pid;\nerror_log ${home}/error.log;\nevents {}\nhttp { access_log off; ${temp} server { listen 127.0.0.1:${port}; ${sizes.join("\n")} } }\n`,
  );
  const child = spawn("nginx", ["-c", path.join(home, "nginx.conf"), "-g", "daemon off;"], { stdio: "ignore" });
  children.push(child);
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 200; tries++) {
    if (
      await get(`${url}/`).then(
        () => true,
        () => false,
      )
    )
      return { url, pid: child.pid ?? 0 };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return undefined;
}

/** Noise over soft shapes, about as heavy to read and write as a photo. */
async function photo(width: number, height: number): Promise<Buffer> {
  const shapes = Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><defs><linearGradient id="g" x2="1" y2="1"><stop stop-color="#27496d"/><stop offset="1" stop-color="#e8b86d"/></linearGradient></defs><rect width="100%" height="100%" fill="url(#g)"/>${Array.from({ length: 60 }, (_, n) => `<circle cx="${(n * 761) % width}" cy="${(n * 1237) % height}" r="${50 + ((n * 97) % 300)}" fill="hsl(${(n * 47) % 360} 60% 50% / .5)"/>`).join("")}</svg>`,
  );
  const noise = await sharp({
    create: { width, height, channels: 3, background: "#808080", noise: { type: "gaussian", mean: 128, sigma: 22 } },
  })
    .blur(0.7)
    .png({ compressionLevel: 1 })
    .toBuffer();
  return await sharp(shapes)
    .composite([{ input: noise, blend: "soft-light" }])
    .flatten()
    .jpeg({ quality: 88 })
    .toBuffer();
}

function shelve(name: string, bytes: Buffer, copies: number): string {
  const shelf = path.join(folder, name);
  mkdirSync(shelf);
  writeFileSync(path.join(shelf, "0.jpg"), bytes);
  for (let n = 1; n < copies; n++) linkSync(path.join(shelf, "0.jpg"), path.join(shelf, `${n}.jpg`));
  return shelf;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** CPU milliseconds a request of each server, alternating: the median over rounds. */
async function compare(
  servers: readonly { readonly name: string; readonly pid: number; one(n: number): Promise<Got> }[],
  count: number,
  width: number,
  expected?: readonly number[],
  warm = 10,
): Promise<Map<string, { cpuMs: number; bytes: number; perSecond: number }>> {
  const samples = new Map(servers.map(({ name }) => [name, [] as { cpuMs: number; bytes: number; perSecond: number }[]]));
  let at = 0;
  // Compiled code is what is compared.
  for (const server of servers) await send(warm, width, async (n) => await server.one(count * rounds + n), expected);
  for (let round = 0; round < rounds; round++) {
    for (const server of servers) {
      const { name, pid } = server;
      const before = cpuSeconds(pid);
      const begin = performance.now();
      const got = await send(count, width, async (n) => await server.one(at + n), expected);
      samples.get(name)?.push({
        cpuMs: ((cpuSeconds(pid) - before) * 1000) / count,
        bytes: mean(got.map(({ bytes }) => bytes)),
        perSecond: (count * 1000) / (performance.now() - begin),
      });
    }
    at += count;
  }
  return new Map(
    [...samples].map(([name, all]) => [
      name,
      { cpuMs: median(all.map(({ cpuMs }) => cpuMs)), bytes: all[0]?.bytes ?? 0, perSecond: median(all.map(({ perSecond }) => perSecond)) },
    ]),
  );
}

function rawSharp(shelf: string, width: number, format: string, count: number): number {
  const runs = Array.from({ length: rounds }, () =>
    Number(
      spawnSync(process.execPath, [path.join(root, "bench/images/rivals.ts"), "sharp", shelf, String(width), format, String(count)], {
        encoding: "utf8",
      }).stdout,
    ),
  );
  return median(runs);
}

const rss = (pid: number): number => Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) / 1024;
const bin = path.join(root, "bin/stockroom");
const rival = (...args: string[]): Promise<{ url: string; pid: number }> =>
  start(process.execPath, [path.join(root, "bench/images/rivals.ts"), ...args]);

try {
  const perRound = 16;
  const copies = perRound * rounds + 16;
  const twelve = shelve("twelve", await photo(4000, 3000), copies);
  const two = shelve("two", await photo(2048, 1365), copies);
  const small = shelve("small", await photo(640, 480), 200);
  writeFileSync(path.join(folder, "stockroom.yaml"), "images:\n  cache: { memoryMaxBytes: 32 MiB }\n");
  const openAt = performance.now();
  const ours = await start(bin, [
    "up",
    "images",
    "--port",
    "0",
    "--source",
    `twelve=${twelve}`,
    "--source",
    `two=${two}`,
    "--source",
    `small=${small}`,
  ]);
  const openMs = performance.now() - openAt;
  const ipx = await rival("ipx", folder);
  const nginx = await startNginx(folder);

  // ---- uncached pictures
  const shapes = [
    {
      name: "12 MP JPEG -> 800 px JPEG",
      shelf: twelve,
      bucket: "twelve",
      ours: "800x0",
      ipx: "w_800",
      nginx: "w800",
      width: 800,
      format: "jpeg",
      count: perRound,
    },
    {
      name: "12 MP JPEG -> 800 px WebP",
      shelf: twelve,
      bucket: "twelve",
      ours: "800x0/filters:format(webp)",
      ipx: "w_800,f_webp",
      nginx: undefined,
      width: 800,
      format: "webp",
      count: perRound,
    },
    {
      name: "12 MP JPEG -> 800 px AVIF",
      shelf: twelve,
      bucket: "twelve",
      ours: "800x0/filters:format(avif)",
      ipx: "w_800,f_avif",
      nginx: undefined,
      width: 800,
      format: "avif",
      count: 4,
    },
    {
      name: "2K JPEG, fit 512, JPEG",
      shelf: two,
      bucket: "two",
      ours: "fit-in/512x512",
      ipx: "s_512x512,fit_inside",
      nginx: "fit512",
      width: 512,
      format: "jpeg",
      count: perRound,
    },
  ] as const;
  const rows: (string | number)[][] = [];
  let turn = 0;
  for (const shape of shapes) {
    const file = (n: number): string => `${n % copies}.jpg`;
    // A name of its own for every request: what is asked of ours twice would be answered from its cache.
    const own = (n: number): Promise<Got> => get(`${ours.url}/${shape.ours}/s3:${shape.bucket}/${file(n)}`);
    const servers = [
      { name: "ours", pid: ours.pid, one: own },
      { name: "ipx", pid: ipx.pid, one: (n: number) => get(`${ipx.url}/${shape.ipx}/${shape.bucket}/${file(n)}`) },
      ...(nginx === undefined || shape.nginx === undefined
        ? []
        : [{ name: "nginx", pid: nginx.pid, one: (n: number) => get(`${nginx.url}/${shape.nginx}/${shape.bucket}/${file(n)}`) }]),
    ];
    const found = await compare(servers, shape.count, 2);
    const raw = rawSharp(shape.shelf, shape.width, shape.format, shape.count);
    const [a, b, c] = ["ours", "ipx", "nginx"].map((name) => found.get(name));
    rows.push([
      shape.name,
      raw,
      a?.cpuMs ?? 0,
      (a?.cpuMs ?? 0) / raw,
      b?.cpuMs ?? 0,
      (b?.cpuMs ?? 0) / (a?.cpuMs ?? 1),
      c?.cpuMs ?? "-",
      c === undefined ? "-" : c.cpuMs / (a?.cpuMs ?? 1),
      Math.round(a?.bytes ?? 0),
      Math.round(b?.bytes ?? 0),
    ]);
    turn += 1;
    console.error(`${turn}/${shapes.length} ${shape.name}`);
  }

  // ---- cache hits and validators
  const target = `${ours.url}/600x0/filters:quality(99)/s3:two/0.jpg`;
  const { bytes, etag } = await get(target);
  const bare = await rival("bare", String(bytes));
  const hits = await compare(
    [
      { name: "ours", pid: ours.pid, one: () => get(target) },
      { name: "bare", pid: bare.pid, one: () => get(`${bare.url}/x`) },
    ],
    6_000,
    16,
    [200],
    4_000,
  );
  const same = await compare(
    [
      { name: "ours", pid: ours.pid, one: () => get(target, { "if-none-match": etag }) },
      { name: "bare", pid: bare.pid, one: () => get(`${bare.url}/x`, { "if-none-match": etag }) },
    ],
    6_000,
    16,
    [304],
    4_000,
  );
  const hitRows = [
    [`hit of ${Math.round(bytes / 1000)} kB`, hits],
    ["304", same],
  ].map(([name, found]) => {
    const map = found as Awaited<ReturnType<typeof compare>>;
    const [a, b] = [map.get("ours"), map.get("bare")];
    return [
      name as string,
      (a?.cpuMs ?? 0) * 1000,
      (b?.cpuMs ?? 0) * 1000,
      (b?.cpuMs ?? 0) / (a?.cpuMs ?? 1),
      a?.perSecond ?? 0,
      b?.perSecond ?? 0,
      (a?.perSecond ?? 0) / (b?.perSecond ?? 1),
    ];
  });

  // ---- a burst of AVIF of 12 megapixels
  const burst = await Promise.all(
    Array.from({ length: 50 }, (_, n) => get(`${ours.url}/${700 + n}x0/filters:format(avif)/s3:twelve/${n % copies}.jpg`)),
  );
  const late = burst.filter(({ ms }) => ms > 30_000).length;
  const refused = burst.filter(({ status }) => status !== 200).length;

  // ---- memory over mixed requests: mostly hits, validators, new pictures of many sizes and formats, errors
  const memory: number[] = [rss(ours.pid)];
  const blocks = 10;
  for (let block = 0; block < blocks; block++) {
    await send(
      mixed / blocks,
      16,
      async (n) => {
        const all = block * (mixed / blocks) + n;
        if (all % 25 === 0)
          return await get(
            `${ours.url}/${40 + ((all / 25) % 300)}x0/filters:format(${["jpeg", "webp", "png"][(all / 25) % 3] ?? "jpeg"})/s3:small/${(all * 7) % 200}.jpg`,
          );
        if (all % 97 === 0) return await get(`${ours.url}/none${all}.jpg`);
        if (all % 3 === 0) return await get(target, { "if-none-match": etag });
        return await get(`${ours.url}/${60 + (all % 40)}x0/s3:small/${all % 20}.jpg`);
      },
      [200, 304, 404],
    );
    memory.push(rss(ours.pid));
    console.error(`memory ${block + 1}/${blocks}: ${memory.at(-1)?.toFixed(0)} MiB`);
  }
  const hwm = Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync(`/proc/${ours.pid}/status`, "latin1"))?.[1] ?? 0) / 1024;

  console.log(
    writeResult("images-service", {
      title: "Pictures over HTTP",
      about: `Generated photos (noise over soft shapes) of 12 and 2.8 megapixels, a file of its own for every request, ${perRound} requests a round (AVIF: 4), 2 at once, ${rounds} rounds, rivals alternating; medians. CPU is that of the server's process with its threads. The access log is on, as by default, written to a pipe. ipx runs on the sharp it brings and writes AVIF with the encoder's own default effort; ours and the raw figure take effort 0 for this size. nginx resizes with GD.`,
      command: `node bench/images/service.ts ${rounds} ${mixed}`,
      tables: [
        {
          caption: "Uncached, CPU ms a picture",
          columns: ["shape", "raw sharp", "ours", "ours / raw", "ipx", "ipx / ours", "nginx", "nginx / ours", "bytes ours", "bytes ipx"],
          rows,
        },
        {
          caption: "Cached, CPU microseconds a request",
          columns: ["request", "ours", "bare node:http", "bare / ours (CPU)", "ours, requests/s", "bare, requests/s", "ours / bare (rate)"],
          rows: hitRows,
        },
        {
          caption: "Others",
          columns: ["what", "value"],
          rows: [
            ["process start to serving, ms", Math.round(openMs)],
            ["50 AVIF of 12 MP at once: past the deadline of 30 s", late],
            ["50 AVIF of 12 MP at once: refused", refused],
            ["50 AVIF of 12 MP at once: slowest answer, ms", Math.round(Math.max(...burst.map(({ ms }) => ms)))],
            [
              `RSS after 0, ${[...Array(blocks).keys()].map((n) => `${n + 1}0 %`).join(", ")} of ${mixed} mixed requests, MiB`,
              memory.map((value) => value.toFixed(0)).join(", "),
            ],
            ["largest RSS of the server's life, MiB", Math.round(hwm)],
          ],
        },
      ],
      notes: [
        "The target for a cached answer is 90 % of a bare server's rate. What the service itself does for a hit takes under a microsecond of CPU (measured in process); the rest of the difference is the access log's line, two clock readings and the metrics in the listener around it (a listener without them measured like the bare server). Tried: headers made once a second instead of for each answer, no framework, no accessor on a fresh object (it cost a tenth of a hit), lines of the log in batches; a larger young generation and a collector without threads changed nothing.",
        "A 304 costs at most 20 microseconds more than the bare server's own.",
        "On a busy machine the columns of one row differ by up to a tenth from run to run; memory does not.",
      ],
      notMeasured: [
        "the classic handler, thumbor and imgproxy: none of them can be had from npm or Debian here",
        "slow or distant sources: the files lie in the page cache",
        "TLS, HTTP/2 and several machines",
        "how the pictures look: bench/images/pictures.ts and the picture suite do",
        "rates of a quiet machine: client and server share its cores, so that rates are lower bounds and the CPU columns are the ones to compare",
      ],
      machine: machine(["nginx", "libnginx-mod-http-image-filter"]),
    }),
  );
} finally {
  agent.destroy();
  for (const child of children) child.kill("SIGTERM");
  rmSync(folder, { recursive: true, force: true });
}
