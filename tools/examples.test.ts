import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { makeExamples } from "./examples.ts";

const shipped = (name: string): Promise<Buffer> => readFile(path.join(import.meta.dirname, "../examples/data", name));

it("makes the texts of examples/data as they are, byte for byte", async () => {
  const made = [...(await makeExamples())].filter(([name]) => !name.startsWith("pictures/"));
  expect(made.length).toBe(10);
  for (const [name, bytes] of made) {
    const same = (await shipped(name)).equals(bytes);
    expect(same, `${name} differs: node tools/examples.ts makes it anew`).toBe(true);
  }
});

it("makes the same pictures twice, the lossless one as shipped", async () => {
  const [first, second] = [await makeExamples(), await makeExamples()];
  // What libvips rounds differs between kinds of processors, so the JPEG is compared with itself only.
  expect(first.get("pictures/roof.jpg")).toEqual(second.get("pictures/roof.jpg"));
  expect(first.get("pictures/quarters.png")).toEqual(await shipped("pictures/quarters.png"));
});
