import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { receive } from "./upload.ts";

const nobody = (): void => {};

describe("receive", () => {
  it("gives the bytes as they come and counts them", async () => {
    const request = new PassThrough();
    request.write("one");
    request.end("two");
    let counted = 0;
    const chunks: Uint8Array[] = [];
    for await (const chunk of receive(request, new AbortController(), (bytes) => (counted += bytes))) chunks.push(chunk);
    expect([Buffer.concat(chunks).toString(), counted]).toEqual(["onetwo", 6]);
  });

  it("ends a sender that has stopped sending, telling it why", async () => {
    const request = new PassThrough();
    request.on("error", nobody);
    request.write("a little");
    const stop = new AbortController();
    const body = receive(request, stop, nobody, { bytes: 100, ms: 5 })[Symbol.asyncIterator]();
    await body.next();
    await expect(body.next()).rejects.toMatchObject({ kind: "input", code: "UPLOAD_STALLED" });
    expect(request.destroyed).toBe(true);
    expect(stop.signal.reason).toMatchObject({ code: "UPLOAD_STALLED" });
  });

  it("does not blame the sender for a slow reader", async () => {
    const request = new PassThrough();
    request.write("here ");
    request.end("already");
    const got: string[] = [];
    for await (const chunk of receive(request, new AbortController(), nobody, { bytes: 1_000, ms: 200 })) {
      got.push(Buffer.from(chunk).toString());
      const until = performance.now() + 250;
      while (performance.now() < until);
    }
    expect(got.join("")).toBe("here already");
  });

  it("says that the connection broke off, and that nothing was stored", async () => {
    const request = new PassThrough();
    request.write("half");
    const body = receive(request, new AbortController(), nobody)[Symbol.asyncIterator]();
    await body.next();
    request.destroy(new Error("aborted"));
    await expect(body.next()).rejects.toMatchObject({ kind: "input", code: "UPLOAD_BROKEN" });
  });

  it("leaves the connection to its owner when its reader stops early, so that an error can still be answered", async () => {
    const request = new PassThrough();
    request.write("enough");
    for await (const chunk of receive(request, new AbortController(), nobody)) {
      expect(chunk).toBeInstanceOf(Uint8Array);
      break;
    }
    expect(request.destroyed).toBe(false);
  });
});
