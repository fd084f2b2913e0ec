// What every edit and format costs beside what the table says (engine/pictures/costs.ts), and the worst single URL of each kind.
//
//     node bench/images/costs.ts [--quick]
//
// Each URL is asked of a fresh process with a whole picture service in it. Measured: CPU time (user + system) of that process and of those it starts,
// from the request to the answer, and the most memory the one of them held that made the picture. CPU time, not wall time: the machine may be busy.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import sharp, { type Sharp } from "sharp";
import { makePhoto } from "../../src/images/engine/pictures/fixtures/photos.ts";
import { createImageHandler } from "../../src/images/library.ts";
import { type Cell, machine, writeResult } from "../machine.ts";

interface Question {
  readonly key: string;
  readonly target: string;
  readonly folder: string;
  readonly compat: "open" | "strict";
}

interface Taken {
  readonly status: number;
  readonly code: string;
  readonly bytes: number;
  readonly notes: string;
  readonly cpuMs: number;
  readonly megabytes: number;
}

const ticksMs = 10;

/** CPU and peak memory of the processes this one started, by the kernel's own count. */
function childrenNow(): Map<string, { cpuMs: number; megabytes: number }> {
  const found = new Map<string, { cpuMs: number; megabytes: number }>();
  for (const task of readdirSync("/proc/self/task")) {
    for (const pid of readFileSync(`/proc/self/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean)) {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
        const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
        found.set(pid, { cpuMs: (Number(stat[11]) + Number(stat[12])) * ticksMs, megabytes: Number(peak) / 1024 });
      } catch {
        // It ended between the list and the look.
      }
    }
  }
  return found;
}

/** One URL in this very process. */
async function one({ target, folder, compat }: Question): Promise<Taken> {
  const handler = await createImageHandler({ sources: { photos: folder }, compat, limits: { deadlineMs: "60 s" } });
  // What a process needs once (the library, its threads) is not the URL's.
  await handler(new Request("http://localhost/20x20/small.jpg"));
  const children = new Map<string, { cpuMs: number; megabytes: number }>();
  const look = (): void => {
    for (const [pid, now] of childrenNow()) children.set(pid, now);
  };
  const timer = setInterval(look, 20);
  const begin = process.cpuUsage();
  const answer = await handler(new Request(`http://localhost${target}`));
  const body = await answer.arrayBuffer();
  const { user, system } = process.cpuUsage(begin);
  look();
  clearInterval(timer);
  // Not maxRSS, which a process inherits from the one that started it.
  const own = Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0") / 1024;
  const all = [...children.values()];
  await handler.close();
  return {
    status: answer.status,
    code: answer.status === 200 ? "" : ((JSON.parse(Buffer.from(body).toString()) as { code: string }).code ?? ""),
    bytes: body.byteLength,
    notes: answer.headers.get("x-picture-notes") ?? "",
    cpuMs: (user + system) / 1000 + all.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    megabytes: Math.max(own, ...all.map(({ megabytes }) => megabytes)),
  };
}

if (process.argv[2] === "--one") {
  process.stdout.write(JSON.stringify(await one(JSON.parse(process.argv[3] ?? "{}") as Question)));
  process.exit(0);
}

const quick = process.argv.includes("--quick");
const folder = mkdtempSync(path.join(tmpdir(), "bench-costs-"));
mkdirSync(folder, { recursive: true });
const run = promisify(execFile);

async function take(
  key: string,
  edits: object,
  more: { outputFormat?: string; compat?: "open" | "strict"; path?: string } = {},
): Promise<Taken> {
  const { compat = "open", path: plain, ...rest } = more;
  const target = plain ?? `/${Buffer.from(JSON.stringify({ key, edits, ...rest })).toString("base64")}`;
  const question: Question = { key, target, folder, compat };
  const { stdout } = await run(process.execPath, [import.meta.filename, "--one", JSON.stringify(question)], { maxBuffer: 1e8 });
  return JSON.parse(stdout) as Taken;
}

async function makeOriginals(): Promise<void> {
  const write = async (name: string, picture: Sharp): Promise<void> => writeFileSync(path.join(folder, name), await picture.toBuffer());
  const flat = (width: number, height: number): Sharp =>
    sharp({ create: { width, height, channels: 3, background: "#789" }, limitInputPixels: false });
  const one = await makePhoto(1_200, 834, 3);
  const four = await makePhoto(2_400, 1_667, 3);
  await write("small.jpg", flat(60, 40).jpeg());
  await write("1.png", one.clone().png({ compressionLevel: 1 }));
  await write("4.png", four.clone().png({ compressionLevel: 1 }));
  await write("4.jpg", four.clone().jpeg({ quality: 90 }));
  const noise = { type: "gaussian", mean: 128, sigma: 60 } as const;
  await write(
    "noise.png",
    sharp({ create: { width: 1_200, height: 834, channels: 3, background: "#000", noise } }).png({ compressionLevel: 1 }),
  );
  for (const [name, width, height] of [
    ["12", 4_000, 3_000],
    ["48", 8_000, 6_000],
  ] as const) {
    const large = await four.clone().resize(width, height, { fit: "fill" }).raw().toBuffer();
    const open = (): Sharp => sharp(large, { raw: { width, height, channels: 3 }, limitInputPixels: false });
    await write(`${name}.jpg`, open().jpeg({ quality: 85 }));
    await write(`${name}p.jpg`, open().jpeg({ quality: 85, progressive: true }));
    await write(`${name}turned.jpg`, open().withMetadata({ orientation: 6 }).jpeg({ quality: 85 }));
    await write(`${name}.png`, open().png({ compressionLevel: 1 }));
    await write(`${name}i.png`, open().png({ compressionLevel: 1, progressive: true }));
    await write(`${name}.webp`, open().webp({ effort: 0 }));
    await write(`${name}.tif`, open().tiff({ compression: "lzw" }));
  }
  await write("12.avif", four.clone().resize(4_000, 3_000, { fit: "fill" }).avif({ effort: 0 }));
  await write("49.avif", flat(8_160, 6_000).avif({ effort: 0 }));
  const frames = await Promise.all(
    Array.from({ length: 60 }, (_, at) =>
      four
        .clone()
        .extract({ left: at * 8, top: at * 4, width: 400, height: 300 })
        .raw()
        .toBuffer(),
    ),
  );
  const strip = sharp(Buffer.concat(frames), { raw: { width: 400, height: 300 * 60, channels: 3, pageHeight: 300 } });
  await write("clip.gif", strip.clone().gif({ effort: 1 }));
  await write("clip.webp", strip.clone().webp({ effort: 0 }));
  const filters = Array.from({ length: 4 }, (_, n) => `<filter id="f${n}"><feGaussianBlur stdDeviation="90"/></filter>`).join("");
  const svg = (inner: string): string => `<svg xmlns="http://www.w3.org/2000/svg" width="2900" height="2900">${inner}</svg>`;
  const rects = Array.from(
    { length: 3_000 },
    (_, n) => `<rect x="${n % 50}" width="2800" height="2800" fill="#${(n % 9).toString().repeat(3)}"/>`,
  );
  writeFileSync(path.join(folder, "blend.svg"), svg(`<style>rect{mix-blend-mode:multiply;opacity:.9}</style>${rects.join("")}`));
  writeFileSync(
    path.join(folder, "filters.svg"),
    svg(`${filters}${rects.slice(0, 4).join("").replaceAll("<rect", '<rect filter="url(#f0)"')}`),
  );
  writeFileSync(path.join(folder, "rects.svg"), svg(rects.join("")));
  const star = `<path d="M${Array.from({ length: 20_000 }, (_, n) => `${(n * 1_471) % 2_900} ${(n * 773) % 2_900}`).join("L")}Z"/>`;
  writeFileSync(path.join(folder, "star.svg"), svg(star.repeat(3)));
}

const ones = (side: number): number[] => Array.from({ length: side * side }, (_, n) => (n % 3) + 0.5);
await makeOriginals();

// ---- the table: one edit or format at a time

const perEdit: readonly (readonly [string, object, string?])[] = [
  ["none", { resize: { width: 1_199 } }],
  ["sharpen 2", { sharpen: { sigma: 2 } }],
  ["sharpen 10", { sharpen: { sigma: 10 } }],
  ["median 3", { median: 3 }],
  ["median 51", { median: 51 }],
  ["blur 5", { blur: 5 }],
  ["blur 150", { blur: 150 }],
  ["blur 20, float", { blur: { sigma: 20, precision: "float" } }],
  ["convolve 11 x 11", { convolve: { width: 11, height: 11, kernel: ones(11) } }],
  ["convolve 25 x 25", { convolve: { width: 25, height: 25, kernel: ones(25) } }],
  ["clahe 3 x 3", { clahe: { width: 3, height: 3 } }],
  ["clahe 100 x 100", { clahe: { width: 100, height: 100 } }],
  ["normalise", { normalise: true }],
  ["modulate", { modulate: { saturation: 2, hue: 30 } }],
  ["tint", { tint: { r: 200, g: 90, b: 20 } }],
  ["toColourspace cmyk", { toColourspace: "cmyk" }],
  ["rotate 90", { rotate: 90 }],
  ["rotate 45", { rotate: 45 }],
  ["affine", { affine: [1, 0.3, 0.1, 0.7] }],
  ["trim", { trim: {} }],
  ["roundCrop", { roundCrop: true }],
  ["overlayWith", { overlayWith: { bucket: "photos", key: "small.jpg" } }],
  ["boolean", { boolean: { bucket: "photos", key: "small.jpg", operator: "or" } }],
  ["jpeg mozjpeg", { jpeg: { mozjpeg: true } }, "jpeg"],
  ["png", { png: {} }, "png"],
  ["png adaptive, level 9", { png: { adaptiveFiltering: true, compressionLevel: 9 } }, "png"],
  ["png palette", { png: { palette: true } }, "png"],
  ["webp", { webp: {} }, "webp"],
  ["webp lossless", { webp: { lossless: true } }, "webp"],
  ["webp near-lossless, effort 6", { webp: { nearLossless: true, effort: 6 } }, "webp"],
  ["gif", { gif: {} }, "gif"],
  ["gif, effort 10", { gif: { effort: 10 } }, "gif"],
  ["avif", { avif: {} }, "avif"],
  ["avif, effort 4, 12 bits", { avif: { effort: 4, bitdepth: 12 } }, "avif"],
  ["avif lossless", { avif: { lossless: true } }, "avif"],
  ["tiff deflate", { tiff: { compression: "deflate" } }, "tiff"],
];
const columns = ["asked for", "original", "pixels", "status", "CPU ms", "memory of the maker, MB", "bytes", "said"];
const shown = (name: string, key: string, pixels: string, { status, code, cpuMs, megabytes, bytes, notes }: Taken): Cell[] => [
  name,
  key,
  pixels,
  status === 200 ? "200" : `${status} ${code}`,
  Math.round(cpuMs),
  Math.round(megabytes),
  bytes,
  notes,
];
const table: Cell[][] = [];
for (const [name, edits, outputFormat = "jpeg"] of perEdit) {
  for (const [key, pixels] of quick
    ? ([["1.png", "1 MP"]] as const)
    : ([
        ["1.png", "1 MP"],
        ["4.png", "4 MP"],
      ] as const)) {
    const taken = await take(key, edits, { outputFormat });
    table.push(shown(name, key, pixels, taken));
    console.log(table.at(-1)?.join(" | "));
  }
}

// ---- the worst of each kind

const worst: readonly (readonly [string, string, string, object, { outputFormat?: string; compat?: "open" | "strict"; path?: string }?])[] =
  [
    ["object-form blur", "48.jpg", "48 MP", { blur: { sigma: 150, precision: "float" } }],
    ["object-form blur that fits", "4.jpg", "4 MP", { blur: { sigma: 25, precision: "float" } }],
    ["blur 150", "12.jpg", "12 MP", { blur: 150 }],
    ["convolve 51 x 51", "1.png", "1 MP", { convolve: { width: 51, height: 51, kernel: ones(51) } }],
    ["median", "12.jpg", "12 MP", { median: 51 }],
    ["median at 8 MP", "12.jpg", "8 MP", { resize: { width: 3_265 }, median: 3 }],
    ["clahe", "12.jpg", "12 MP", { clahe: { width: 100, height: 100 } }],
    ["lossless WebP", "12.jpg", "12 MP", {}, { outputFormat: "webp", path: "/filters:format(webp)/12.jpg" }],
    ["lossless WebP, 4 MP", "4.jpg", "4 MP", { webp: { lossless: true, effort: 6 } }, { outputFormat: "webp" }],
    ["lossless WebP of noise", "noise.png", "1 MP", { webp: { lossless: true, effort: 6 } }, { outputFormat: "webp" }],
    ["near-lossless WebP", "4.jpg", "4 MP", { webp: { nearLossless: true, effort: 6, quality: 60 } }, { outputFormat: "webp" }],
    ["GIF of a photo", "4.jpg", "4 MP", { gif: { effort: 10 } }, { outputFormat: "gif" }],
    ["GIF of a photo, strict", "4.jpg", "4 MP", {}, { outputFormat: "gif", compat: "strict" }],
    ["a clip of 60 frames", "clip.gif", "60 x 0.12 MP", { resize: { width: 380 } }],
    ["a clip of 60 frames, small", "clip.gif", "60 x 0.05 MP", { resize: { width: 250 } }],
    ["a clip as WebP", "clip.gif", "60 x 0.12 MP", { resize: { width: 380 } }, { outputFormat: "webp" }],
    ["a clip turned", "clip.webp", "60 x 0.12 MP", { rotate: 90 }],
    ["PNG palette", "4.jpg", "4 MP", { png: { palette: true, effort: 10 } }, { outputFormat: "png" }],
    ["PNG, 12 MP", "12.jpg", "12 MP", { png: { adaptiveFiltering: true, compressionLevel: 9 } }, { outputFormat: "png" }],
    ["12-bit AVIF", "4.jpg", "4 MP", { avif: { bitdepth: 12, effort: 9 } }, { outputFormat: "avif" }],
    [
      "12-bit AVIF, best quality, strict",
      "4.jpg",
      "4 MP",
      { avif: { bitdepth: 12, effort: 9, quality: 100 } },
      { outputFormat: "avif", compat: "strict" },
    ],
    ["AVIF of 12 MP", "12.jpg", "12 MP", {}, { outputFormat: "avif" }],
    ["upscaling to 48 MP", "1.png", "48 MP", { resize: { width: 8_000, height: 6_000, fit: "fill" } }],
    ["upscaling to 25 MP", "1.png", "25 MP", { resize: { width: 6_000, height: 4_170, fit: "fill" } }],
    ["affine", "1.png", "36 MP", { affine: [6, 0, 0, 6] }],
    ["rotate 45 of 12 MP", "12.jpg", "24 MP", { rotate: 45 }],
    ["an AVIF of 49 MP", "49.avif", "49 MP", { resize: { width: 100 } }],
    ["an AVIF of 12 MP, small", "12.avif", "12 MP", { resize: { width: 800 } }],
    ["max_bytes on 48 MP", "48.jpg", "48 MP", {}, { path: "/filters:max_bytes(100000)/48.jpg" }],
    ["max_bytes on 12 MP", "12.jpg", "12 MP", {}, { path: "/filters:max_bytes(100000)/12.jpg" }],
    ["overlay on 48 MP", "48.jpg", "48 MP", { overlayWith: { bucket: "photos", key: "small.jpg" } }],
    ["overlay on 12 MP", "12.jpg", "12 MP", { overlayWith: { bucket: "photos", key: "12.png", wRatio: 90 } }],
    ["boolean on 48 MP", "48.jpg", "48 MP", { boolean: { bucket: "photos", key: "48.png", operator: "and" } }],
    ["boolean on 12 MP", "12.jpg", "12 MP", { boolean: { bucket: "photos", key: "12.png", operator: "and" } }],
    ["trim of 12 MP", "12.jpg", "12 MP", { trim: {}, resize: { width: 800 } }],
    ["trim of 4 MP", "4.jpg", "4 MP", { trim: {}, resize: { width: 800 } }],
    ["round corners on 12 MP", "12.jpg", "12 MP", { roundCrop: true }],
    ["smart crop of 48 MP", "48.jpg", "48 MP", { smartCrop: true, resize: { width: 300 } }],
    ["a turned original of 48 MP", "48turned.jpg", "48 MP", { resize: { width: 800 } }],
    ["turned by 90 at 48 MP", "48.jpg", "48 MP", { rotate: 90 }],
    ["a progressive JPEG of 48 MP", "48p.jpg", "48 MP", { resize: { width: 800 } }],
    ["an interlaced PNG of 48 MP", "48i.png", "48 MP", { resize: { width: 800 } }],
    ["a WebP of 48 MP", "48.webp", "48 MP", { resize: { width: 799 }, gamma: 2 }],
    ["a TIFF of 48 MP", "48.tif", "48 MP", { resize: { width: 800 } }],
    [
      "everything at once",
      "12.jpg",
      "3 MP",
      { resize: { width: 2_000 }, sharpen: { sigma: 5 }, modulate: { hue: 30 }, normalise: true, median: 5 },
    ],
    ["layers through a style", "blend.svg", "8 MP", { resize: { width: 2_900 } }],
    ["filters", "filters.svg", "8 MP", { resize: { width: 2_900 } }],
    ["3,000 large rectangles", "rects.svg", "8 MP", { resize: { width: 2_900 } }],
    ["a path that crosses itself", "star.svg", "8 MP", { resize: { width: 2_900 } }],
  ];
const worstRows: Cell[][] = [];
for (const [name, key, pixels, edits, more = {}] of worst) {
  const taken = await take(key, edits, more);
  const met = taken.cpuMs <= 3_000 && taken.megabytes <= 500;
  worstRows.push([...shown(name, key, pixels, taken), met ? "met" : "missed"]);
  console.log(worstRows.at(-1)?.join(" | "));
}
rmSync(folder, { recursive: true });

const text = writeResult("images-costs", {
  title: "Pictures: what one URL costs",
  about:
    `sharp ${sharp.versions.sharp} on libvips ${sharp.versions.vips}. Every URL is asked once of a fresh process with a whole picture service (folder source, memory cache). ` +
    "CPU is user + system of the service and of the processes it starts, their own start included (about 0.3 s where a picture is made apart); memory is the peak resident size of the process that made the picture, " +
    "Node and the library (about 90 MB) included. The bound is 3 s and 500 MB.",
  command: "node bench/images/costs.ts",
  tables: [
    { caption: "One edit or format at a time", columns, rows: table },
    { caption: "The worst single URL of each kind", columns: [...columns, "bound"], rows: worstRows },
  ],
  notes: [
    "A refusal (400 ImageEdits::TooCostly, InstantiationError) comes before a pixel is decoded; `less-effort` and `first-frame` are what X-Picture-Notes says.",
  ],
  notMeasured: [
    "Real photographs: generated ones stand in.",
    "Other machines than this one, and wall time: other work ran on the same cores.",
  ],
  facts: { table, worst: worstRows },
  machine: machine([]),
});
console.log(text.length > 0 ? "written" : "");
