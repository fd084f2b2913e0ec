// Console: the web console's built files, given out as they are below /console/.
//
// Owns: reading them, packing, their headers. Does not own: what is in them (console/), what they ask (the routes).
//   N1. The page is for whoever may look (viewer); who is not signed in comes to the sign-in first. Its files hold nothing of the installation.
//   N2. A file's name holds the hash of its bytes: kept for ever by browsers. The page itself is asked for each time.
//   N3. Scripts and styles come from files of ours alone, nothing is asked of another origin, no page of another may frame it.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { StockroomError } from "../platform/errors.ts";
import { framed, pageHeaders } from "../platform/web/frame.ts";
import { html } from "../platform/web/html.ts";
import { servePage } from "../platform/web/route.ts";

/** Where a build leaves them: beside the sources as well as beside `dist`. */
const builtFolder = path.resolve(import.meta.dirname, "../../console/dist");

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join("; ");

interface BuiltFile {
  readonly bytes: Buffer;
  /** Packed when it is first asked for, beside the event loop: what nobody opens costs nothing. */
  readonly packed: () => Promise<Buffer>;
  readonly type: string;
  readonly isHashed: boolean;
}

const brotli = promisify(brotliCompress);
const pack = async (bytes: Buffer): Promise<Buffer> =>
  await brotli(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } });

/** All files of the build, a few hundred kilobytes, by their path below /console/. */
function readBuild(folder: string): ReadonlyMap<string, BuiltFile> {
  if (!existsSync(path.join(folder, "index.html"))) return new Map();
  return new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const file = path.join(entry.parentPath, entry.name);
        const name = path.relative(folder, file).split(path.sep).join("/");
        const bytes = readFileSync(file);
        let packing: Promise<Buffer> | undefined;
        const packed = async (): Promise<Buffer> => await (packing ??= pack(bytes));
        const type = types[path.extname(name)] ?? "application/octet-stream";
        return [name, { bytes, packed, type, isHashed: name.startsWith("assets/") }] as const;
      }),
  );
}

/** Mounts the console. Without a build the page says how to make one. */
export function mountConsole(server: FastifyInstance, folder = builtFolder): void {
  let files: ReadonlyMap<string, BuiltFile> | undefined;
  const built = (): ReadonlyMap<string, BuiltFile> => {
    // Read when first asked, so that a start waits for nothing; one that is made later is found without a restart.
    if (files === undefined || files.size === 0) files = readBuild(folder);
    return files;
  };

  const shell = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const page = built().get("index.html");
    if (page !== undefined) return await send(request, reply, page);
    const body = html`<p class="note">
      The console has not been made yet: run <code>npm run build:console</code> in the project's folder.
    </p>`;
    return await reply
      .code(503)
      .headers(pageHeaders)
      .send(framed("Console", "", [{ path: "/", name: "Stockroom" }], body));
  };
  servePage(
    server,
    { method: "GET", path: "/console", needs: "viewer" },
    async (_request, reply) => await reply.redirect("/console/", 308),
  );
  servePage(server, { method: "GET", path: "/console/", needs: "viewer" }, shell);
  // Places of the console are drawn by its script: each is the same page.
  servePage(server, { method: "GET", path: "/console/*", needs: "viewer" }, shell);
  for (const below of ["/console/assets/*", "/console/icon.svg"] as const) {
    servePage(server, { method: "GET", path: below, needs: "anyone" }, async (request, reply) => {
      const name = (request.url.split("?", 1)[0] ?? "").slice("/console/".length);
      const file = built().get(name);
      if (file !== undefined) return await send(request, reply, file);
      throw new StockroomError(
        "missing",
        "CONSOLE_FILE_MISSING",
        `Expected a file of the console but "${name}" is none of this version. Load the page again.`,
      );
    });
  }
}

async function send(request: FastifyRequest, reply: FastifyReply, { bytes, packed, type, isHashed }: BuiltFile): Promise<FastifyReply> {
  const small = /\bbr\b/.test(request.headers["accept-encoding"] ?? "") ? await packed() : undefined;
  const isPacked = small !== undefined && small.length < bytes.length;
  return await reply
    .headers({
      "content-type": type,
      "content-security-policy": policy,
      "cache-control": isHashed ? "public, max-age=31536000, immutable" : "no-cache",
      "referrer-policy": "same-origin",
      vary: "accept-encoding",
      ...(isPacked ? { "content-encoding": "br" } : {}),
    })
    .send(isPacked ? small : bytes);
}
