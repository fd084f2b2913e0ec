import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codeOf, pieces } from "../../../test/integration/store-kit.ts";
import { gather } from "../bytes.ts";
import type { ObjectHandle } from "./contract.ts";
import { openStream, sealedLength, sealStream } from "./seal.ts";

const frame = 1 << 20;
const handle = (key = "classify/sales/DE/Übersicht.csv", wrappingKey = sameKey, keyVersion = 1): ObjectHandle => ({
  zone: "sales",
  keyVersion,
  wrappingKey,
  object: key,
  context: { store: "stockroom", name: key, zone: "sales", object: "0123456789abcdef0123456789abcdef" },
});
const sameKey = Uint8Array.from(randomBytes(32));
const seal = (plain: Uint8Array, how = handle(), size = 1 << 16) => gather(sealStream(how, pieces(plain, size)));
const open = (sealed: Uint8Array, how = handle(), size = 1 << 16) => gather(openStream(how, pieces(sealed, size)));

describe("sealing", () => {
  test("opens to the same bytes, whatever the size and the chunks, and the sealed size is known beforehand", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.nat(300), fc.nat(200_000), fc.constantFrom(frame - 1, frame, frame + 1, 2 * frame)),
        fc.integer({ min: 1, max: 300_000 }),
        fc.integer({ min: 1, max: 300_000 }),
        fc.string(),
        async (bytes, writeSize, readSize, key) => {
          const plain = randomBytes(bytes);
          const how = handle(`k${key}`);
          const sealed = await seal(plain, how, Math.max(writeSize, Math.floor(bytes / 1000)));
          expect(sealed.length).toBe(sealedLength(how, bytes));
          expect(Buffer.compare(await open(sealed, how, Math.max(readSize, Math.floor(bytes / 1000))), plain)).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a flipped bit at any byte of a small object is found", async () => {
    const sealed = await seal(Buffer.from("GB-WEEE,kettle,4\n".repeat(4)));
    const found = new Set<string>();
    for (let at = 0; at < sealed.length; at++) {
      const flipped = Buffer.from(sealed);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      found.add(await codeOf(open(flipped, handle(), 1 + (at % 97))));
    }
    expect([...found]).toEqual(["OBJECT_TAMPERED"]);
  });

  test("a flipped bit anywhere in many frames is found, read in any chunks", async () => {
    const sealed = await seal(randomBytes(2 * frame + 77));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.nat(sealed.length - 1), fc.nat(400), fc.integer({ min: sealed.length - 150, max: sealed.length - 1 })),
        fc.nat(7),
        fc.constantFrom(4096, 65_537, sealed.length),
        async (at, bit, size) => {
          const flipped = Buffer.from(sealed);
          flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
          expect(await codeOf(open(flipped, handle(), size))).toBe("OBJECT_TAMPERED");
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a cut or lengthened object is found, also when cut between two frames", async () => {
    const sealed = await seal(randomBytes(2 * frame + 10));
    const header = sealedLength(handle(), 0) - 40;
    const cuts = [0, 1, header - 1, header, header + 32 + frame, header + 2 * (32 + frame), sealed.length - 1];
    for (const cut of cuts) expect(await codeOf(open(sealed.subarray(0, cut)))).toBe("OBJECT_TAMPERED");
    for (const extra of [1, 16, 70_000]) {
      expect(await codeOf(open(Buffer.concat([sealed, randomBytes(extra)])))).toBe("OBJECT_TAMPERED");
    }
    const endless = async function* () {
      yield sealed;
      for (;;) yield Buffer.alloc(1 << 20);
    };
    expect(await codeOf(gather(openStream(handle(), endless())))).toBe("OBJECT_TAMPERED");
  });

  test("frames that change places are found", async () => {
    const sealed = Buffer.from(await seal(randomBytes(3 * frame)));
    const header = sealedLength(handle(), 0) - 40;
    const first = Buffer.from(sealed.subarray(header, header + 32 + frame));
    sealed.copyWithin(header, header + 32 + frame, header + 2 * (32 + frame));
    sealed.set(first, header + 32 + frame);
    expect(await codeOf(open(sealed))).toBe("OBJECT_TAMPERED");
  });

  test("another name, another key and another version do not open", async () => {
    const sealed = await seal(Buffer.from("x"));
    expect(await codeOf(open(sealed, handle("classify/sales/other")))).toBe("OBJECT_TAMPERED");
    expect(await codeOf(open(sealed, handle(undefined, Uint8Array.from(randomBytes(32)))))).toBe("OBJECT_TAMPERED");
    expect(await codeOf(open(sealed, handle(undefined, sameKey, 2)))).toBe("OBJECT_TAMPERED");
    const more = { ...handle(), context: { ...handle().context, extra: "1" } };
    expect(await codeOf(open(sealed, more))).toBe("OBJECT_TAMPERED");
    expect(await codeOf(open(sealed, handle()))).toBe("none");
  });

  test("nothing of a changed frame is handed out", async () => {
    const plain = randomBytes(3 * frame);
    const sealed = Buffer.from(await seal(plain));
    sealed[sealedLength(handle(), 0) + 1.5 * frame] ^= 1;
    const out: Uint8Array[] = [];
    const reading = (async () => {
      for await (const chunk of openStream(handle(), pieces(sealed, 50_000))) out.push(chunk);
    })();
    expect(await codeOf(reading)).toBe("OBJECT_TAMPERED");
    const got = Buffer.concat(out);
    expect(got.length).toBeLessThanOrEqual(frame);
    expect(got.equals(plain.subarray(0, got.length))).toBe(true);
  });
});

describe("both ends of the stream", () => {
  test("a reader who stops early, an abort and a failing body end both sides, in any frame", async () => {
    const plain = randomBytes(3 * frame);
    const sealed = await seal(plain);
    const sources = [
      (signal?: AbortSignal) => sealStream(handle(), pieces(plain, 50_001), signal),
      (signal?: AbortSignal) => openStream(handle(), pieces(sealed, 50_001), signal),
    ];
    for (const source of sources) {
      for (let stopAt = 0; stopAt < 3; stopAt++) {
        let chunks = 0;
        for await (const _ of source()) if (chunks++ === stopAt) break;
        expect(chunks).toBe(stopAt + 1);
        const abort = new AbortController();
        chunks = 0;
        const reading = (async () => {
          for await (const _ of source(abort.signal)) if (chunks++ === stopAt) abort.abort(new RangeError("enough"));
        })();
        await expect(reading).rejects.toThrow("enough");
      }
    }
    const broken = async function* () {
      yield sealed.subarray(0, frame);
      throw new RangeError("the disk broke");
    };
    await expect(gather(openStream(handle(), broken()))).rejects.toThrow("the disk broke");
    await expect(gather(sealStream(handle(), broken()))).rejects.toThrow("the disk broke");
  });

  test("a slow reader slows the source: at most a few frames are under way", async () => {
    let pulled = 0;
    const source = async function* () {
      for (let i = 0; i < 200; i++) {
        pulled += 1 << 20;
        yield Buffer.alloc(1 << 20, i);
      }
    };
    let out = 0;
    let widest = 0;
    for await (const chunk of openStream(handle(), sealStream(handle(), source()))) {
      out += chunk.length;
      widest = Math.max(widest, pulled - out);
      // Gives the source every chance to run ahead.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(out).toBe(200 << 20);
    expect(widest).toBeLessThan(12 << 20);
  });
});
