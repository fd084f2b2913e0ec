import { describe, expect, it } from "vitest";
import { isNetwork, makeWays } from "./proxies.ts";

const from = (remoteAddress: string, headers: Record<string, string> = {}) => ({ headers, socket: { remoteAddress } }) as never;

describe("what a request says of its way", () => {
  const wayOf = makeWays(["10.0.0.0/8", "fd00::/8", "192.0.2.7"]);
  const forwarded = { "x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9" };

  it("is believed of trusted proxies alone", () => {
    expect(wayOf(from("10.1.2.3", forwarded))).toEqual({ scheme: "https", address: "203.0.113.9" });
    expect(wayOf(from("::ffff:10.1.2.3", forwarded))).toEqual({ scheme: "https", address: "203.0.113.9" });
    expect(wayOf(from("fd00::1", forwarded))).toEqual({ scheme: "https", address: "203.0.113.9" });
    expect(wayOf(from("203.0.113.5", forwarded))).toEqual({ scheme: "http", address: "203.0.113.5" });
    expect(wayOf(from("127.0.0.1", forwarded))).toEqual({ scheme: "http", address: "127.0.0.1" });
    expect(makeWays([])(from("127.0.0.1", forwarded))).toEqual({ scheme: "http", address: "127.0.0.1" });
  });

  it("counts from the near end: what a stranger put before is the stranger's word", () => {
    const chain = (hops: string) => wayOf(from("10.1.2.3", { "x-forwarded-for": hops })).address;
    expect(chain("1.1.1.1, 203.0.113.9, 10.9.9.9")).toBe("203.0.113.9");
    expect(chain("203.0.113.9, 192.0.2.7")).toBe("203.0.113.9");
    expect(chain("10.4.4.4")).toBe("10.1.2.3");
    expect(chain("nonsense")).toBe("10.1.2.3");
    expect(chain("")).toBe("10.1.2.3");
  });

  it("knows addresses and networks", () => {
    for (const good of ["10.0.0.0/8", "192.0.2.7", "::1", "fd00::/8", "0.0.0.0/0"]) expect([good, isNetwork(good)]).toEqual([good, true]);
    for (const bad of ["", "10.0.0.0/33", "fd00::/129", "10.0.0/8", "host", "10.0.0.0/8/8", "10.0.0.0/x"])
      expect([bad, isNetwork(bad)]).toEqual([bad, false]);
  });
});
