import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { openCompute } from "../../../platform/compute/index.ts";
import { makeLog } from "../../../platform/log.ts";
import type { PictureFacts } from "../../engine/pictures/tools.ts";
import { faceApiFolder } from "./faces-task.ts";
import { makeHttpDetector, makeHttpModerator } from "./http.ts";
import { makeLocalDetector } from "./local.ts";
import { makeRekognitionDetector, makeRekognitionModerator } from "./rekognition.ts";
import { memoizeFaces, memoizeLabels } from "./memoize.ts";

const facts = (id = "one"): PictureFacts => ({ id, contentType: "image/jpeg", width: 10, height: 10 });
const face = { left: 0.1, top: 0.2, width: 0.3, height: 0.4, confidence: 0.9 };
const picture = new Uint8Array([0xff, 0xd8, 0xff]);

describe("memoize", () => {
  it("asks once for an original, also when asked ten times at once", async () => {
    let asked = 0;
    const detector = memoizeFaces({ faces: async () => ((asked += 1), [face]) });
    const answers = await Promise.all(Array.from({ length: 10 }, () => detector.faces(picture, facts())));
    expect(answers.every((each) => each[0] === face)).toBe(true);
    expect(asked).toBe(1);
    expect(detector.recall?.("one")).toEqual([face]);
    expect(detector.recall?.("two")).toBeUndefined();
  });

  it("forgets what was longest not asked for", async () => {
    const moderator = memoizeLabels({ labels: async (_, { id }) => [{ name: id, confidence: 99 }] }, { maxAnswers: 2 });
    await moderator.labels(picture, facts("a"));
    await moderator.labels(picture, facts("b"));
    moderator.recall?.("a");
    await moderator.labels(picture, facts("c"));
    expect([moderator.recall?.("a"), moderator.recall?.("b")].map((each) => each?.length)).toEqual([1, undefined]);
  });

  it("memoizes no failure, and one caller's going away is not the others' failure", async () => {
    let broken = true;
    const detector = memoizeFaces({
      faces: async (_, { signal }) => {
        signal?.throwIfAborted();
        if (broken) throw new Error("down");
        return [];
      },
    });
    await expect(detector.faces(picture, facts())).rejects.toThrow("down");
    broken = false;
    expect(await detector.faces(picture, { ...facts(), signal: AbortSignal.abort() })).toEqual([]);
  });
});

describe("over HTTP", () => {
  const asked: { type: string | undefined; bytes: number }[] = [];
  const answers = new Map<string, () => { status: number; text: string }>([
    ["/faces", () => ({ status: 200, text: JSON.stringify([face]) })],
    ["/wrapped", () => ({ status: 200, text: JSON.stringify({ faces: [face], model: "x" }) })],
    ["/labels", () => ({ status: 200, text: JSON.stringify({ labels: [{ name: "Violence", confidence: 91 }] }) })],
    ["/broken", () => ({ status: 500, text: "no" })],
    ["/lies", () => ({ status: 200, text: JSON.stringify([{ ...face, left: "0.1" }]) })],
    ["/huge", () => ({ status: 200, text: " ".repeat(1_000_001) })],
    ["/away", () => ({ status: 302, text: "" })],
  ]);
  const server = createServer((request, response) => {
    let bytes = 0;
    request.on("data", (block: Buffer) => (bytes += block.length));
    request.on("end", () => {
      asked.push({ type: request.headers["content-type"], bytes });
      const answer = answers.get(request.url ?? "")?.();
      // An address that never answers, for the timeout.
      if (answer === undefined) return;
      response.writeHead(answer.status, answer.status === 302 ? { location: "/faces" } : {}).end(answer.text);
    });
  });
  const base = new Promise<string>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)),
  );
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it("sends the JPEG and reads both shapes of answer", async () => {
    expect(await makeHttpDetector({ url: `${await base}/faces` }).faces(picture, facts())).toEqual([face]);
    expect(await makeHttpDetector({ url: `${await base}/wrapped` }).faces(picture, facts())).toEqual([face]);
    expect(await makeHttpModerator({ url: `${await base}/labels` }).labels(picture, facts())).toEqual([
      { name: "Violence", confidence: 91 },
    ]);
    expect(asked.at(-1)).toEqual({ type: "image/jpeg", bytes: 3 });
  });

  it.each([
    ["/broken", "DetectorUnavailable"],
    ["/huge", "DetectorUnavailable"],
    ["/away", "DetectorUnavailable"],
    ["/never", "DetectorUnavailable"],
    ["/lies", "DetectorMisspoke"],
  ])("says %s as %s", async (at, code) => {
    const detector = makeHttpDetector({ url: `${await base}${at}`, timeoutMs: 300 });
    await expect(detector.faces(picture, facts())).rejects.toMatchObject({ code, facts: { status: 502 } });
  });
});

describe("Rekognition", () => {
  const client = {
    detectFaces: async () => ({
      FaceDetails: [{ Confidence: 99, BoundingBox: { Left: 0.1, Top: 0.2, Width: 0.3, Height: 0.4 } }, { Confidence: 3 }],
    }),
    detectModerationLabels: async () => ({ ModerationLabels: [{ Name: "Violence", Confidence: 80 }] }),
  };
  it("speaks its words", async () => {
    expect(await makeRekognitionDetector(client).faces(picture, facts())).toEqual([{ ...face, confidence: 99 }]);
    expect(await makeRekognitionModerator(client).labels(picture, facts())).toEqual([{ name: "Violence", confidence: 80 }]);
  });
  it("is unavailable when its client throws", async () => {
    const failing = { ...client, detectFaces: () => Promise.reject(new Error("ThrottlingException")) };
    await expect(makeRekognitionDetector(failing).faces(picture, facts())).rejects.toMatchObject({
      code: "DetectorUnavailable",
      kind: "busy",
    });
  });
});

describe("the local detector", () => {
  const folder = faceApiFolder();
  const compute = openCompute({ threads: 1, log: makeLog({ level: "silent" }) });
  afterAll(() => compute.close());
  const sample = path.join(folder ?? "", "demo/sample4.jpg");

  // The package, its network and its sample pictures are optional, as the detector is.
  it.skipIf(folder === undefined || !existsSync(sample))(
    "finds the faces of a picture that the package ships, in a thread, once",
    async () => {
      const detector = makeLocalDetector({ compute: () => compute });
      const jpeg = await sharp(readFileSync(sample)).resize({ width: 1024, height: 1024, fit: "inside" }).jpeg().toBuffer();
      const found = (await detector?.faces(jpeg, facts("sample"))) ?? [];
      expect(found.length).toBeGreaterThanOrEqual(2);
      for (const { left, top, width, height, confidence } of found) {
        expect(confidence).toBeGreaterThanOrEqual(0.5);
        expect(left + width / 2).toBeGreaterThan(0);
        expect(left + width / 2).toBeLessThan(1);
        expect(top + height / 2).toBeGreaterThan(0);
        expect(top + height / 2).toBeLessThan(1);
      }
      expect(detector?.recall?.("sample")).toEqual(found);
      const empty = await sharp({ create: { width: 300, height: 200, channels: 3, background: "#88aacc" } })
        .jpeg()
        .toBuffer();
      expect(await detector?.faces(empty, facts("sky"))).toEqual([]);
    },
  );
});
