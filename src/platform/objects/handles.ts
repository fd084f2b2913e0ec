// Handles: reading and writing one object from any thread, without vault or database.
//
// A handle is plain data and crosses threads by structured clone. It holds a key: never store or log it.

import { createHash } from "node:crypto";
import type { Body } from "../bytes.ts";
import { StockroomError } from "../errors.ts";
import { faultPoint } from "../faults.ts";
import { openStream, sealStream } from "../vault/seal.ts";
import type { ReadHandle, StagedObject, WriteHandle } from "./contract.ts";
import { openDriver } from "./drivers/open.ts";

/**
 * Streams the plain bytes of an object. Every chunk has been authenticated; the object was whole only if the stream ends without a throw.
 *
 * Throws while streaming: `fault` `OBJECT_TAMPERED`, `fault` `OBJECT_BYTES_MISSING`.
 */
export async function* openHandle(handle: ReadHandle, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  const { entry } = handle;
  let bytes = 0;
  for await (const chunk of openStream(handle.seal, exactly(handle, readSealed(handle, signal)), signal)) {
    bytes += chunk.length;
    yield chunk;
  }
  if (bytes !== entry.bytes) throw tampered(handle, `holds ${bytes} bytes and not ${entry.bytes}`);
}

async function* readSealed(handle: ReadHandle, signal: AbortSignal | undefined): Body {
  try {
    yield* openDriver(handle.driver).read(handle.path, signal === undefined ? {} : { signal });
  } catch (cause) {
    if (!(cause instanceof StockroomError) || cause.code !== "STORE_NO_FILE") throw cause;
    const { key, version } = handle.entry;
    throw new StockroomError(
      "fault",
      "OBJECT_BYTES_MISSING",
      `Expected the bytes of "${key}" (version ${version}) in the store but they are gone. Restore the store's folder from its backup.`,
      { facts: { key, version }, cause },
    );
  }
}

/** The catalogue knows the sealed size, so a file that was cut or lengthened is found without reading on. */
async function* exactly(handle: ReadHandle, sealed: Body): Body {
  let sealedBytes = 0;
  for await (const chunk of sealed) {
    sealedBytes += chunk.length;
    if (sealedBytes > handle.entry.sealedBytes) throw tampered(handle, "is longer than it was stored");
    yield chunk;
  }
  if (sealedBytes < handle.entry.sealedBytes) throw tampered(handle, "is shorter than it was stored");
}

function tampered(handle: ReadHandle, detail: string): StockroomError {
  const { key, version } = handle.entry;
  return new StockroomError(
    "fault",
    "OBJECT_TAMPERED",
    `Expected the bytes of "${key}" (version ${version}) as they were stored but the file ${detail}. Restore it from a backup or upload it again.`,
    { facts: { key, version } },
  );
}

/**
 * Seals a stream into the handle's staging place. Nothing is visible until the result is handed to `commit`; a throw leaves nothing.
 *
 * A handle is good for one write. A chunk handed in must not be changed afterwards. Throws `busy` `STORE_FULL`, `conflict`
 * `STORE_PATH_TAKEN` (the handle was used before), and whatever `body` throws.
 */
export async function writeThrough(handle: WriteHandle, body: Body, signal?: AbortSignal): Promise<StagedObject> {
  const digest = createHash("sha256");
  let bytes = 0;
  const counted = async function* (): Body {
    for await (const chunk of body) {
      digest.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  };
  const sealedBytes = await openDriver(handle.driver).write(handle.stagingPath, sealStream(handle.seal, counted(), signal), signal);
  faultPoint("objects.staged");
  return { handle, bytes, sealedBytes, sha256: digest.digest("hex") };
}
