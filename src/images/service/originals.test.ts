import { expect, it } from "vitest";
import type { SourceObject, Sources } from "../store/sources/contract.ts";
import { makeBudgets } from "./budgets.ts";
import { factsOf, makeOriginals } from "./originals.ts";

const { signal } = new AbortController();
const open = (sources: Sources, maxBytes = 1_000) => {
  const counts = { reads: 0, revalidations: 0 };
  const budgets = makeBudgets({ concurrency: 2, maxWaiting: 1, pixelsInFlight: 100 });
  const originals = makeOriginals({ sources, budgets, counts, limits: { maxBytes, timeoutMs: 1_000 }, deadlineMs: 5_000 });
  return { originals, counts };
};
const streamOf = (...chunks: readonly string[]): ReadableStream<Uint8Array> => new Blob([...chunks]).stream();

it("reads an original once for all who ask at the same time (O1)", async () => {
  const { originals, counts } = open({ read: async (_bucket, key) => ({ body: Buffer.from(key) }) });
  const all = await Promise.all(["a", "a", "b", "a"].map(async (key) => await originals.read("photos", key, signal)));
  expect(all.map((original) => Buffer.from(original?.bytes ?? []).toString())).toEqual(["a", "a", "b", "a"]);
  expect(counts.reads).toBe(2);
  await originals.read("photos", "a", signal);
  expect(counts.reads).toBe(3);
});

it("gives whole bytes with a version, however they are handed over (O2)", async () => {
  const bodies: Record<string, SourceObject> = {
    bytes: { body: Buffer.from("cat"), version: "7" },
    stream: { body: streamOf("ca", "t"), version: "7" },
    plain: { body: Buffer.from("cat") },
    other: { body: Buffer.from("dog") },
  };
  const { originals } = open({ read: async (_bucket, key) => bodies[key] });
  const read = async (key: string) => await originals.read("photos", key, signal);
  expect(Buffer.from((await read("stream"))?.bytes ?? []).toString()).toBe("cat");
  expect([(await read("bytes"))?.version, (await read("stream"))?.version]).toEqual(["7", "7"]);
  const digest = (await read("plain"))?.version;
  expect([digest, (await read("plain"))?.version, (await read("other"))?.version === digest]).toEqual([expect.any(String), digest, false]);
  expect(await read("none")).toBeUndefined();
});

it("refuses what is too large, by its length or on the way (O2)", async () => {
  const { originals } = open(
    { read: async (_bucket, key) => ({ body: key === "stream" ? streamOf("cat", "dog") : Buffer.from("catdog") }) },
    5,
  );
  for (const key of ["bytes", "stream"])
    await expect(originals.read("photos", key, signal)).rejects.toMatchObject({ code: "TooLargeImageException", facts: { status: 413 } });
});

it("asks a source whether it changed, where the source can tell", async () => {
  const sources: Sources = {
    read: async () => undefined,
    readIfChanged: async (_bucket, key, version) =>
      key === "none" ? undefined : version === "2" ? "unchanged" : { body: Buffer.from("cat"), version: "2" },
  };
  const { originals, counts } = open(sources);
  expect(await originals.readIfChanged?.({ bucket: "photos", key: "a" }, "2", signal)).toBe("unchanged");
  expect(await originals.readIfChanged?.({ bucket: "photos", key: "a" }, "1", signal)).toMatchObject({ version: "2" });
  expect(await originals.readIfChanged?.({ bucket: "photos", key: "none" }, "1", signal)).toBeUndefined();
  expect(counts).toEqual({ reads: 0, revalidations: 3 });
  expect(open({ read: async () => undefined }).originals.readIfChanged).toBeUndefined();
});

it("bounds the reads of one bucket, and lets others through (O3)", async () => {
  const { originals } = open({
    read: async (bucket) => (bucket === "slow" ? await new Promise(() => undefined) : { body: Buffer.from("cat") }),
  });
  const slow = Array.from({ length: 8 }, (_, n) => originals.read("slow", String(n), signal));
  // Six read, one waits, the last is refused.
  await expect(slow[7]).rejects.toMatchObject({ code: "ServiceBusy" });
  expect(await originals.read("quick", "a", signal)).toMatchObject({ source: {} });
});

it("tells dates as HTTP writes them, and what is no date as it came", () => {
  expect(factsOf({ body: Buffer.alloc(0), expires: "0", lastModified: new Date(0), contentType: "image/png", cacheControl: "" })).toEqual({
    contentType: "image/png",
    cacheControl: "",
    expires: "0",
    lastModified: "Thu, 01 Jan 1970 00:00:00 GMT",
  });
  expect(factsOf({ body: Buffer.alloc(0), expires: "", lastModified: "2024-01-01" })).toEqual({
    lastModified: "Mon, 01 Jan 2024 00:00:00 GMT",
  });
});
