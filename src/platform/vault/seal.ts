// Seal: turns a stream of bytes into a sealed one and back. Runs in any thread; needs a handle, neither vault nor database.
//
// Owns: the suite, the frame size, the form of the wrapping keyring, the check of what was bound into the seal.
// Does not own: keys (vault.ts), where sealed bytes lie (objects).
//   S1. The format is the AWS Encryption SDK's message format 2: AES-256-GCM in frames of 1 MiB, HKDF, key commitment, no signature.
//   S2. A frame is handed out only after its tag has been checked; a stream that was cut, lengthened or changed ends with an error.
//   S3. The context of the handle is compared with the sealed one before the first byte is handed out.

import type { Duplex } from "node:stream";
import type { Body } from "../bytes.ts";
import { StockroomError } from "../errors.ts";
import type { ObjectHandle } from "./contract.ts";

const frameBytes = 1 << 20;
/** Pieces smaller than this are joined before they are sealed: every piece costs the library a turn of the event loop. */
const smallBytes = 1 << 16;
const joinedBytes = 1 << 18;
const namespace = "stockroom";

/** The library's two streams under our policy. A KMS or HashiCorp keyring becomes another branch of `keyringOf`. */
async function loadLibrary() {
  const [encrypt, decrypt, material, raw] = await Promise.all([
    import("@aws-crypto/encrypt-node"),
    import("@aws-crypto/decrypt-node"),
    import("@aws-crypto/material-management-node"),
    import("@aws-crypto/raw-aes-keyring-node"),
  ]);
  const policy = { commitmentPolicy: material.CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT, maxEncryptedDataKeys: 1 };
  const suiteId = material.AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY;
  const { encryptStream } = encrypt.buildEncrypt(policy);
  const { decryptStream } = decrypt.buildDecrypt(policy);
  const keyringOf = (handle: ObjectHandle) =>
    new raw.RawAesKeyringNode({
      keyNamespace: namespace,
      keyName: keyNameOf(handle),
      unencryptedMasterKey: Uint8Array.from(handle.wrappingKey),
      wrappingSuite: raw.RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
      utf8Sorting: true,
    });
  return {
    sealer: (handle: ObjectHandle): Duplex =>
      encryptStream(keyringOf(handle), { suiteId, frameLength: frameBytes, encryptionContext: { ...handle.context } }),
    opener: (handle: ObjectHandle): Duplex => decryptStream(keyringOf(handle)),
  };
}

let library: ReturnType<typeof loadLibrary> | undefined;

/** Loaded at the first seal: it takes 80 ms, and most commands seal and open nothing. */
function useLibrary(): ReturnType<typeof loadLibrary> {
  library ??= loadLibrary();
  return library;
}

const keyNameOf = (handle: ObjectHandle): string => `${handle.zone}/${handle.keyVersion}`;

const textBytes = (value: string): number => 2 + Buffer.byteLength(value);

/**
 * Gives the exact size of the sealed form of `plainBytes` bytes under `handle`.
 *
 * The format has no padding, so a sealed object of any other size was cut or lengthened.
 */
export function sealedLength(handle: ObjectHandle, plainBytes: number): number {
  const context = Object.entries(handle.context).reduce((sum, [name, value]) => sum + textBytes(name) + textBytes(value), 2);
  // Wrapped key: provider, key name + tag length + iv length + iv, data key + tag.
  const wrapped = textBytes(namespace) + (textBytes(keyNameOf(handle)) + 4 + 4 + 12) + (2 + 32 + 16);
  // Version, suite, message id, context, count of keys, key, content type, frame size, commitment, tag of the header.
  const header = 1 + 2 + 32 + (2 + context) + 2 + wrapped + 1 + 4 + 32 + 16;
  const fullFrames = Math.floor(plainBytes / frameBytes);
  // A full frame adds sequence number, iv, tag; the last one also a mark and its length.
  return header + plainBytes + fullFrames * (4 + 12 + 16) + (4 + 4 + 12 + 4 + 16);
}

/**
 * Seals a stream for one object. A chunk handed in belongs to the seal until the stream ends: do not reuse its memory.
 *
 * An error of `body` comes out unchanged.
 */
export async function* sealStream(handle: ObjectHandle, body: Body, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  const stream = (await useLibrary()).sealer(handle);
  yield* through(stream, joinSmall(body), signal, {
    explain: (cause) => cause,
    // Not destroyed: the library pipes without a callback inside, and a stream destroyed half way would end the process.
    // A stream that is ended and read off ends by itself.
    abandon: () => {
      stream.end();
      stream.resume();
    },
  });
}

/**
 * Opens a sealed stream. Every chunk handed out has been authenticated; only a stream that ends without a throw was whole.
 *
 * Throws `fault` `OBJECT_TAMPERED` when the bytes were changed, cut or lengthened, belong to another name, or were sealed with another key.
 * An error of `body` comes out unchanged.
 */
export async function* openStream(handle: ObjectHandle, body: Body, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  const key = handle.object;
  const tampered = (detail: string, cause?: unknown): StockroomError =>
    new StockroomError(
      "fault",
      "OBJECT_TAMPERED",
      `Expected the sealed object "${key}" to open under its own name and key but ${detail}. Restore it from a backup or upload it again.`,
      { facts: { key, zone: handle.zone, keyVersion: handle.keyVersion }, ...(cause === undefined ? {} : { cause }) },
    );
  const stream = (await useLibrary()).opener(handle);
  let bound: Readonly<Record<string, string>> | undefined;
  stream.once("MessageHeader", (header: { readonly encryptionContext: Readonly<Record<string, string>> }) => {
    bound = header.encryptionContext;
  });
  let plainBytes = 0;
  let sealedBytes = 0;
  const counted = async function* (): Body {
    for await (const chunk of body) {
      sealedBytes += chunk.length;
      // The library ignores what follows the last frame, but keeps it in memory: stop as soon as there is more than frames in flight explain.
      if (sealedBytes > sealedLength(handle, plainBytes) + 16 * frameBytes + chunk.length)
        throw tampered("it is longer than it was sealed");
      yield chunk;
    }
  };
  const chunks = through(stream, counted(), signal, {
    explain: (cause) => tampered("its bytes do not match their seal", cause),
    abandon: () => stream.destroy(),
  });
  for await (const chunk of chunks) {
    if (bound === undefined || !sameContextBytes(bound, handle.context)) throw tampered("it was sealed under another name");
    plainBytes += chunk.length;
    yield chunk;
  }
  if (bound === undefined || !sameContextBytes(bound, handle.context)) throw tampered("it was sealed under another name");
  if (sealedBytes !== sealedLength(handle, plainBytes)) throw tampered("it is longer than it was sealed");
}

function sameContextBytes(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(b);
  return Object.keys(a).length === names.length && names.every((name) => a[name] === b[name]);
}

/** Joins small chunks; large ones pass as they are. */
async function* joinSmall(body: Body): Body {
  let small: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    if (chunk.length === 0) continue;
    if (bytes === 0 && chunk.length >= smallBytes) {
      yield chunk;
      continue;
    }
    small.push(chunk);
    bytes += chunk.length;
    if (bytes < joinedBytes) continue;
    yield Buffer.concat(small, bytes);
    small = [];
    bytes = 0;
  }
  if (bytes > 0) yield small.length === 1 && small[0] !== undefined ? small[0] : Buffer.concat(small, bytes);
}

const idle = (): void => undefined;

/**
 * Pumps `body` through a stream of the library. A failing body, an abort, a failing stream and a reader who stops early all end
 * both sides; the body's own error and the abort's reason come out unchanged, the stream's as `how.explain` puts it.
 */
async function* through(
  stream: Duplex,
  body: Body,
  signal: AbortSignal | undefined,
  how: { readonly explain: (cause: unknown) => unknown; readonly abandon: () => void },
): AsyncGenerator<Uint8Array, void, undefined> {
  signal?.throwIfAborted();
  let stopped = false;
  let failure: { readonly error: unknown } | undefined;
  let wake = idle;
  const ready: Uint8Array[] = [];
  let ended = false;
  const fail = (error: unknown): void => {
    failure ??= { error };
    wake();
  };
  const onAbort = (): void => fail(signal?.reason);
  stream.on("data", (chunk: Uint8Array) => {
    if (stopped || chunk.length === 0) return;
    ready.push(chunk);
    stream.pause();
    wake();
  });
  stream.on("end", () => {
    ended = true;
    wake();
  });
  stream.on("error", (cause) => fail(how.explain(cause)));
  signal?.addEventListener("abort", onAbort, { once: true });

  let drained = idle;
  stream.on("drain", () => drained());
  const feed = async (): Promise<void> => {
    for await (const chunk of body) {
      if (stopped || failure !== undefined) return;
      if (stream.write(chunk)) continue;
      await new Promise<void>((resolve) => {
        drained = resolve;
        if (stopped || failure !== undefined) resolve();
      });
    }
    stream.end();
  };
  // Not awaited at the end: a body that waits for its own source must not hold up the reader who has stopped.
  feed().catch(fail);
  try {
    for (;;) {
      if (failure !== undefined) throw failure.error;
      const chunk = ready.shift();
      if (chunk !== undefined) {
        yield chunk;
      } else if (ended) {
        return;
      } else {
        stream.resume();
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (failure !== undefined || ended || ready.length > 0) resolve();
        });
      }
    }
  } finally {
    stopped = true;
    signal?.removeEventListener("abort", onAbort);
    drained();
    if (!ended) how.abandon();
  }
}
