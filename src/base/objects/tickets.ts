// Tickets: reading and writing one object from any thread, without vault or database.
//
// A ticket is plain data and crosses threads by structured clone. It holds a key: never store or log it.

import { createHash } from "node:crypto";
import type { Body } from "../bytes.ts";
import { StockroomError } from "../errors.ts";
import { faultPoint } from "../faults.ts";
import { openStream, sealStream } from "../vault/seal.ts";
import type { ReadTicket, StagedObject, WriteTicket } from "./contract.ts";
import { openDriver } from "./drivers/open.ts";

/**
 * Streams the plain bytes of an object. Every chunk has been authenticated; the object was whole only if the stream ends without a throw.
 *
 * Throws while streaming: `fault` `OBJECT_TAMPERED`, `fault` `OBJECT_BYTES_MISSING`.
 */
export async function* openTicket(ticket: ReadTicket, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  const { entry } = ticket;
  let bytes = 0;
  for await (const chunk of openStream(ticket.seal, exactly(ticket, readSealed(ticket, signal)), signal)) {
    bytes += chunk.length;
    yield chunk;
  }
  if (bytes !== entry.bytes) throw tampered(ticket, `holds ${bytes} bytes and not ${entry.bytes}`);
}

async function* readSealed(ticket: ReadTicket, signal: AbortSignal | undefined): Body {
  try {
    yield* openDriver(ticket.driver).read(ticket.path, signal === undefined ? {} : { signal });
  } catch (cause) {
    if (!(cause instanceof StockroomError) || cause.code !== "STORE_NO_FILE") throw cause;
    const { key, version } = ticket.entry;
    throw new StockroomError(
      "fault",
      "OBJECT_BYTES_MISSING",
      `Expected the bytes of "${key}" (version ${version}) in the store but they are gone. Restore the store's folder from its backup.`,
      { facts: { key, version }, cause },
    );
  }
}

/** The catalogue knows the sealed size, so a file that was cut or lengthened is found without reading on. */
async function* exactly(ticket: ReadTicket, sealed: Body): Body {
  let sealedBytes = 0;
  for await (const chunk of sealed) {
    sealedBytes += chunk.length;
    if (sealedBytes > ticket.entry.sealedBytes) throw tampered(ticket, "is longer than it was stored");
    yield chunk;
  }
  if (sealedBytes < ticket.entry.sealedBytes) throw tampered(ticket, "is shorter than it was stored");
}

function tampered(ticket: ReadTicket, detail: string): StockroomError {
  const { key, version } = ticket.entry;
  return new StockroomError(
    "fault",
    "OBJECT_TAMPERED",
    `Expected the bytes of "${key}" (version ${version}) as they were stored but the file ${detail}. Restore it from a backup or upload it again.`,
    { facts: { key, version } },
  );
}

/**
 * Seals a stream into the ticket's staging place. Nothing is visible until the result is handed to `commit`; a throw leaves nothing.
 *
 * A ticket is good for one write. A chunk handed in must not be changed afterwards. Throws `busy` `STORE_FULL`, `conflict`
 * `STORE_PATH_TAKEN` (the ticket was used before), and whatever `body` throws.
 */
export async function writeThrough(ticket: WriteTicket, body: Body, signal?: AbortSignal): Promise<StagedObject> {
  const digest = createHash("sha256");
  let bytes = 0;
  const counted = async function* (): Body {
    for await (const chunk of body) {
      digest.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  };
  const sealedBytes = await openDriver(ticket.driver).write(ticket.stagingPath, sealStream(ticket.seal, counted(), signal), signal);
  faultPoint("objects.staged");
  return { ticket, bytes, sealedBytes, sha256: digest.digest("hex") };
}
