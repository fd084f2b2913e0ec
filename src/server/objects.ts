// Objects over HTTP: bytes in and out as streams, never whole in memory.
//
//   O1. 201 means committed: the row and its event are there. An upload that breaks off leaves nothing.
//   O2. A download that fails on the way ends in a broken connection, never in an end that looks clean.
//   O3. What was stored is handed out as a download, never run as a page of ours.

import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { Body } from "../platform/bytes.ts";
import { StockroomError } from "../platform/errors.ts";
import { senderLabel, senderRemark } from "../platform/mappings/senders.ts";
import type { ObjectEntry } from "../platform/objects/contract.ts";
import type { Actor } from "../platform/vault/contract.ts";
import { serve, type Asked } from "../platform/web/route.ts";
import type { StoredObject } from "./api.ts";
import { getObject, headObject, listObjects, listVersions, putObject, removeObject } from "./contract.ts";
import type { ServerDeps, ServerSettings } from "./deps.ts";
import { receive } from "./upload.ts";

/** Whom the vault sees behind HTTP; what it may do is a matter of grants like any other role's. */
export const operatorOverHttp = (command: string): Actor => ({ role: "operator", purpose: `http ${command}` });

/** How the traffic of objects is counted. */
export interface Traffic {
  received(bytes: number): void;
  sent(bytes: number): void;
}

/** Mounts the object routes. In a scope of its own, because here a body is a stream whatever its type says. */
export async function mountObjects(server: FastifyInstance, deps: ServerDeps, settings: ServerSettings, traffic: Traffic): Promise<void> {
  const { objects } = deps;
  serve(server, listObjects, async ({ query: { prefix, after, cursor, limit } }) => {
    const found = await objects.list(prefix, { limit: limit + 1, after: cursor ?? after });
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return found.length > limit && last !== undefined ? { objects: page, next: last.key } : { objects: page };
  });

  serve(server, listVersions, async ({ query: { key } }) => ({ objects: await objects.versions(key) }));

  await server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _body, done) => done(null));

    const put = async ({ params, query: { sender }, request, reply }: Asked<typeof putObject>): Promise<StoredObject> => {
      const key = keyOf(params["*"]);
      const before = await objects.head(key);
      const stop = new AbortController();
      let received = 0;
      const body = receive(request.raw, stop, (bytes) => {
        received += bytes;
      });
      try {
        checkLength(request.headers["content-length"], settings.uploadMaxBytes);
        const entry = await objects.put(operatorOverHttp("PUT"), key, body, {
          maxBytes: settings.uploadMaxBytes,
          signal: stop.signal,
          contentType: request.headers["content-type"],
          labels: senderLabel(sender),
        });
        const hint = (await deps.hintOf?.(key)) ?? senderRemark(entry, sender);
        if (hint !== undefined) reply.header("x-stockroom-hint", encodeHeader(hint));
        reply.code(before?.version === entry.version ? 200 : 201);
        const understood = await deps.understoodOf?.(key);
        return { ...shown(entry), ...(hint === undefined ? {} : { hint }), ...(understood === undefined ? {} : { understood }) };
      } catch (error) {
        // What is left of the body is not ours to read: answer, then hang up.
        reply.header("connection", "close");
        throw error;
      } finally {
        stop.abort();
        traffic.received(received);
      }
    };
    serve(scope, putObject, put, { bodyLimit: Number.MAX_SAFE_INTEGER });

    const get = async ({ params, query: { version }, request, reply }: Asked<typeof getObject>): Promise<FastifyReply> => {
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort());
      const key = keyOf(params["*"]);
      const known = await objects.head(key, version);
      if (known !== undefined && request.headers["if-none-match"] === etagOf(known)) return await reply.code(304).send();
      const { entry, body } = await objects.get(operatorOverHttp("GET"), key, { version, signal: gone.signal });
      describe(reply, entry);
      return await reply.send(Readable.from(await begun(body, traffic), { objectMode: false }));
    };
    // HEAD has a route of its own: it opens nothing.
    serve(scope, getObject, get, { exposeHeadRoute: false });

    serve(scope, headObject, async ({ params, query: { version }, reply }) => {
      const key = keyOf(params["*"]);
      const entry = await objects.head(key, version);
      if (entry === undefined) throw missing(key);
      describe(reply, entry);
      return await reply.send();
    });

    serve(scope, removeObject, async ({ params }) => await objects.remove(operatorOverHttp("DELETE"), keyOf(params["*"])));
  });
}

function keyOf(key: string): string {
  if (key !== "") return key;
  throw new StockroomError("input", "OBJECT_KEY_BAD", "Expected /objects/KEY but the key is empty. Name the object.");
}

function missing(key: string): StockroomError {
  return new StockroomError(
    "missing",
    "OBJECT_MISSING",
    `Expected an object ${key} but there is none. List what is there: GET /objects?prefix=`,
    {
      facts: { key },
    },
  );
}

const shown = ({ key, version, bytes, sha256, contentType, storedAt }: ObjectEntry): StoredObject => ({
  key,
  version,
  bytes,
  sha256,
  contentType,
  storedAt,
});

/** Keys may have any letters, headers may not: what is not plain is percent-encoded. */
const encodeHeader = (text: string): string => text.replaceAll(/[^ -~]+/gu, (letters) => encodeURIComponent(letters));

const etagOf = (entry: ObjectEntry): string => `"${entry.sha256}"`;

function describe(reply: { headers(values: Record<string, string | number>): unknown }, entry: ObjectEntry): void {
  reply.headers({
    "content-type": entry.contentType,
    "content-length": entry.bytes,
    "content-disposition": "attachment",
    "content-security-policy": "sandbox; default-src 'none'",
    etag: etagOf(entry),
    "last-modified": new Date(entry.storedAt).toUTCString(),
    "x-stockroom-version": entry.version,
  });
}

function checkLength(header: string | undefined, maxBytes: number): void {
  const bytes = Number(header ?? 0);
  if (bytes <= maxBytes) return;
  throw new StockroomError(
    "input",
    "OBJECT_TOO_LARGE",
    `Expected at most ${maxBytes} bytes but ${bytes} were announced. Split the file, or raise the upload limit in the settings.`,
    { facts: { bytes, maxBytes } },
  );
}

/** Reads the first piece before any header is out, so that an object that cannot be opened is still answered as an error. */
async function begun(body: Body, traffic: Traffic): Promise<Body> {
  const source = body[Symbol.asyncIterator]();
  const first = await source.next();
  return (async function* () {
    try {
      for (let next = first; next.done !== true; next = await source.next()) {
        traffic.sent(next.value.byteLength);
        yield next.value;
      }
    } finally {
      await source.return?.();
    }
  })();
}
