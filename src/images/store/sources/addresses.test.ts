import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isPublicAddress } from "./addresses.ts";

// As they would stand in a URL: the URL parser takes the spelling away (decimal, octal, hex, short), then the address is judged.
const closed = [
  "127.0.0.1",
  "127.1",
  "127.0.1",
  "127.255.255.254",
  "2130706433",
  "0x7f000001",
  "0x7f.1",
  "0x7f.0x0.0x0.0x1",
  "017700000001",
  "0177.0.0.1",
  "0177.0.0.01",
  "00000177.0.0.1",
  "127.0.0.1.",
  "１２７.0.0.1",
  "⑫7.0.0.1",
  "0",
  "0.0.0.0",
  "0x0",
  "0.1.2.3",
  "10.0.0.1",
  "10.255.255.255",
  "167772161",
  "0xa000001",
  "012.0.0.1",
  "172.16.0.1",
  "172.31.255.255",
  "2886729729",
  "192.168.0.1",
  "192.168.255.255",
  "3232235521",
  "0xc0a80001",
  "192.168.257",
  "169.254.169.254",
  "2852039166",
  "0xa9fea9fe",
  "0251.0376.0251.0376",
  "169.254.43518",
  "100.64.0.1",
  "100.127.255.255",
  "192.0.0.1",
  "192.0.0.170",
  "192.0.2.1",
  "192.88.99.1",
  "198.18.0.1",
  "198.19.255.255",
  "198.51.100.7",
  "203.0.113.9",
  "224.0.0.1",
  "239.255.255.255",
  "240.0.0.1",
  "255.255.255.255",
  "4294967295",
  "[::]",
  "[::1]",
  "[0:0:0:0:0:0:0:1]",
  "[0000:0000:0000:0000:0000:0000:0000:0001]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "[::ffff:10.0.0.1]",
  "[0:0:0:0:0:ffff:169.254.169.254]",
  "[::ffff:a9fe:a9fe]",
  "[::127.0.0.1]",
  "[::7f00:1]",
  "[::ffff:0:127.0.0.1]",
  "[64:ff9b::127.0.0.1]",
  "[64:ff9b::7f00:1]",
  "[64:ff9b::10.0.0.1]",
  "[64:ff9b::169.254.169.254]",
  "[64:ff9b:1::127.0.0.1]",
  "[64:ff9b:1::1]",
  "[2002:7f00:1::]",
  "[2002:7f00:0001::1]",
  "[2002:a00:1::1]",
  "[2002:c0a8:1::]",
  "[2002:a9fe:a9fe::]",
  "[2001::1]",
  "[2001:0:7f00:1::]",
  "[2001:10::1]",
  "[2001:20::1]",
  "[2001:db8::1]",
  "[3fff::1]",
  "[100::1]",
  "[fc00::1]",
  "[fd00::1]",
  "[fd12:3456:789a::1]",
  "[fe80::1]",
  "[febf::1]",
  "[fec0::1]",
  "[ff02::1]",
  "[ff0e::1]",
  "[2600:1f18::5efe:7f00:1]",
  "[2600:1f18::200:5efe:10.0.0.1]",
  "[5f00::1]",
  "[4000::1]",
];

const open = [
  "1.1.1.1",
  "8.8.8.8",
  "100.63.255.255",
  "100.128.0.1",
  "172.15.0.1",
  "172.32.0.1",
  "198.17.0.1",
  "11.0.0.1",
  "223.255.255.255",
  "[2606:4700::1111]",
  "[2a00:1450:4001::1]",
  "[64:ff9b::8.8.8.8]",
  "[2002:808:808::1]",
  "134744072",
];

const hostOf = (text: string): string => new URL(`http://${text}/`).hostname;

describe("addresses", () => {
  it("knows more than sixty forms of addresses that are not public", () => {
    expect(closed.length).toBeGreaterThan(60);
    expect(closed.filter((text) => isPublicAddress(hostOf(text)))).toEqual([]);
  });

  it("lets public addresses through", () => {
    expect(open.filter((text) => !isPublicAddress(hostOf(text)))).toEqual([]);
  });

  it("takes nothing that is not an address", () => {
    for (const text of ["", "localhost", "1.2.3", "1.2.3.4.5", "fe80::1%eth0", "2600::1%lo", "[::1", "1.2.3.256", "::g"])
      expect([text, isPublicAddress(text)]).toEqual([text, false]);
  });

  it("judges an IPv4 address the same in whatever IPv6 address it is carried", () => {
    fc.assert(
      fc.property(fc.ipV4(), (v4) => {
        const [a = 0, b = 0, c = 0, d = 0] = v4.split(".").map(Number);
        const hex = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
        const itself = isPublicAddress(v4);
        expect(isPublicAddress(`64:ff9b::${hex}`)).toBe(itself);
        expect(isPublicAddress(`64:ff9b::${v4}`)).toBe(itself);
        expect(isPublicAddress(`2002:${hex}::1`)).toBe(itself);
        // Mapped and compatible ones never leave as IPv6.
        expect(isPublicAddress(`::ffff:${v4}`)).toBe(false);
        expect(isPublicAddress(`::${hex}`)).toBe(false);
      }),
    );
  });
});
