// Proxies: what a request says of the way it came, believed only where a proxy of ours says it.
//
//   X1. `X-Forwarded-Proto` and `X-Forwarded-For` count when the connection comes from a trusted address; a stranger's are nothing.

import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

/** An address of IPv4 in the form of IPv6, as a socket for both gives it. */
const bare = (address: string): string => address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");

const familyOf = (address: string): "ipv4" | "ipv6" => (isIP(address) === 6 ? "ipv6" : "ipv4");

/** Whether a text is an address or a network: `10.0.0.0/8`, `fd00::/8`, `192.0.2.7`. */
export function isNetwork(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const kind = isIP(address);
  return kind !== 0 && more.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (kind === 4 ? 32 : 128)));
}

/** How a request came to us. */
export interface Way {
  readonly scheme: "http" | "https";
  /** Of whoever sent it, as far as it can be known. */
  readonly address: string;
}

/** Makes the reader of requests' ways; `trusted` are addresses and networks. */
export function makeWays(trusted: readonly string[]): (request: Pick<IncomingMessage, "headers" | "socket">) => Way {
  const known = new BlockList();
  for (const network of trusted) {
    const [address = "", bits] = network.split("/");
    if (bits === undefined) known.addAddress(address, familyOf(address));
    else known.addSubnet(address, Number(bits), familyOf(address));
  }
  const isTrusted = (address: string): boolean => isIP(address) !== 0 && known.check(address, familyOf(address));
  return ({ headers, socket }) => {
    const peer = bare(socket.remoteAddress ?? "");
    if (!isTrusted(peer)) return { scheme: "http", address: peer };
    const proto = headers["x-forwarded-proto"];
    const scheme = typeof proto === "string" && proto.trim().toLowerCase() === "https" ? "https" : "http";
    // From the near end: each proxy of ours added whom it spoke to; what stands before the first stranger is that stranger's word.
    const hops = String(headers["x-forwarded-for"] ?? "")
      .split(",")
      .map((hop) => bare(hop.trim()))
      .filter((hop) => hop !== "")
      .toReversed();
    const sender = hops.find((hop) => !isTrusted(hop));
    return { scheme, address: sender !== undefined && isIP(sender) !== 0 ? sender : peer };
  };
}
