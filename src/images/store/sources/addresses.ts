// Addresses: which network addresses are public, so that a picture's origin can never be a machine of our own network.
//
//   A1. Whatever is not known to be globally routable is refused: a new special range is closed until it is opened here.
//   A2. An IPv6 address that carries an IPv4 one (mapped, compatible, NAT64, 6to4, Teredo, ISATAP) is judged by both.
//   A3. Judged is the address that will be connected to, in bytes; spelling (decimal, octal, hex, short) is gone by then.

import { isIP } from "node:net";

/** Whether traffic to this address leaves for the public internet. What is no address at all is not. */
export function isPublicAddress(address: string): boolean {
  const plain = address.startsWith("[") && address.endsWith("]") ? address.slice(1, -1) : address;
  const kind = isIP(plain);
  if (kind === 4) return isPublicV4(plain.split(".").map(Number));
  // A zone (`fe80::1%eth0`) only makes sense on a link of ours.
  if (kind === 6 && !plain.includes("%")) return isPublicV6(bytesOfV6(plain));
  return false;
}

type V4 = readonly number[];

/** First and last octets as a 32-bit range; all that IANA's special-purpose registry does not call globally reachable. */
const closedV4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.31.196.0", 24],
  ["192.52.193.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["192.175.48.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

const numberOf = (octets: V4): number => octets.reduce((sum, octet) => sum * 256 + octet, 0);

const closedRangesV4 = closedV4.map(([base, bits]) => {
  const first = numberOf(base.split(".").map(Number));
  return [first, first + 2 ** (32 - bits) - 1] as const;
});

function isPublicV4(octets: V4): boolean {
  const value = numberOf(octets);
  return !closedRangesV4.some(([first, last]) => value >= first && value <= last);
}

/** The sixteen bytes of an address that `isIP` has called right. */
function bytesOfV6(text: string): readonly number[] {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const tail = dotted?.[2]?.split(".").map(Number);
  const hex = tail === undefined ? text : `${dotted?.[1] ?? ""}${words(tail)}`;
  const [left = "", right] = hex.split("::");
  const groups = (part: string): number[] => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  const head = groups(left);
  const rest = right === undefined ? [] : groups(right);
  const all = [...head, ...Array.from({ length: 8 - head.length - rest.length }, () => 0), ...rest];
  return all.flatMap((group) => [group >> 8, group & 255]);
}

const words = ([a = 0, b = 0, c = 0, d = 0]: V4): string => `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;

function isPublicV6(bytes: readonly number[]): boolean {
  const starts = (...prefix: readonly number[]): boolean => prefix.every((byte, at) => bytes[at] === byte);
  const v4At = (at: number): boolean => isPublicV4(bytes.slice(at, at + 4));
  // NAT64 (RFC 6052, and the local-use prefix of RFC 8215): a gateway of ours would turn it into the IPv4 address in its last bytes.
  if (starts(0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0)) return v4At(12);
  // Only 2000::/3 is handed out as global unicast; this closes ::, ::1, mapped, compatible, fc00::/7, fe80::/10, fec0::/10, ff00::/8, 64:ff9b:1::/48.
  if ((bytes[0] ?? 0) >> 5 !== 1) return false;
  // 2001::/23 is for protocols (Teredo, benchmarking, ORCHID); documentation 2001:db8::/32 and 3fff::/20.
  if (starts(0x20, 0x01) && (bytes[2] ?? 0) < 2) return false;
  if (starts(0x20, 0x01, 0x0d, 0xb8)) return false;
  if (starts(0x3f, 0xff) && (bytes[2] ?? 0) < 0x10) return false;
  // 6to4: the IPv4 address stands right behind the prefix.
  if (starts(0x20, 0x02) && !v4At(2)) return false;
  // ISATAP: 0:5efe or 200:5efe before an IPv4 address, under any prefix.
  if (((bytes[8] ?? 0) & 0xfd) === 0 && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe && !v4At(12)) return false;
  return true;
}
