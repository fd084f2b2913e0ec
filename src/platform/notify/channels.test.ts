// The channels against real receivers: an SMTP server, HTTP servers that check the signature with the library.

import { createServer } from "node:http";
import type { IncomingHttpHeaders, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { SMTPServer } from "smtp-server";
import { Webhook } from "standardwebhooks";
import { makeManualClock, systemClock } from "../time.ts";
import type { ChannelSettings } from "../config/index.ts";
import { makeChannel, parseRetryAfter } from "./channels.ts";
import { deliveryId } from "./message.ts";

const notice = {
  id: "classify.infer/GBR/2026-10",
  topic: "stakeholders.GBR",
  severity: "info" as const,
  title: "Great Britain, October: all items coded\r\nBcc: everyone@example.com",
  body: "1,200 items.\n\n.\n<b>bold</b>",
  facts: { period: "2026-10", items: 1200 },
  at: "2026-11-01T02:03:04.000Z",
};
const secret = `whsec_${Buffer.from("a secret of thirty-two bytes !!!").toString("base64")}`;
const quiet = { clock: systemClock, logNotice: () => {} };
const never = new AbortController().signal;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === "string") throw new Error("the server does not listen on a port");
  return address.port;
}

/** The headers as the library wants them: text, one each. */
const plain = (headers: IncomingHttpHeaders | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]));

interface Call {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function receive(answer: (response: ServerResponse, call: Call) => void): Promise<{ url: string; calls: Call[]; server: Server }> {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const call = { headers: request.headers, body: Buffer.concat(chunks).toString() };
      calls.push(call);
      answer(response, call);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return { url: `http://127.0.0.1:${portOf(server.address())}/hook-s3cret`, calls, server };
}

describe("webhook", () => {
  it("is signed so that the library verifies it, and carries the same id every time", async () => {
    const { url, calls } = await receive((response) => response.writeHead(204).end());
    const channel = makeChannel("ops", { kind: "webhook", url, secret }, quiet);
    expect(await channel.send(notice, [], never)).toEqual({ reached: [] });
    await channel.send(notice, [], never);
    const [first, second] = calls;
    expect(first?.headers["webhook-id"]).toBe(deliveryId(notice.id, "ops"));
    expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
    const seen = new Webhook(secret).verify(first?.body ?? "", plain(first?.headers));
    expect(seen).toMatchObject({ type: "notice.posted", timestamp: notice.at, data: { id: notice.id, facts: notice.facts } });
    const other = new Webhook(`whsec_${Buffer.from("another secret").toString("base64")}`);
    expect(() => other.verify(first?.body ?? "", plain(first?.headers))).toThrow("No matching signature");
  });

  it.each([
    [200, undefined],
    [202, undefined],
    [301, "input"],
    [400, "input"],
    [401, "input"],
    [404, "input"],
    [408, "busy"],
    [410, "input"],
    [429, "busy"],
    [500, "busy"],
    [503, "busy"],
  ])("takes %i for %s", async (status, kind) => {
    const { url } = await receive((response) => response.writeHead(status, { location: "http://127.0.0.1:1/" }).end("x".repeat(100_000)));
    const attempt = await makeChannel("ops", { kind: "webhook", url, secret }, quiet).send(notice, [], never);
    expect(attempt.error?.kind).toBe(kind);
    expect(attempt.error?.message ?? "").not.toContain("s3cret");
    expect(attempt.error?.code === "NOTIFY_GONE").toBe(status === 410);
  });

  it("reads when the receiver wants to be asked again", async () => {
    const clock = makeManualClock(Date.parse("2026-11-01T00:00:00Z"));
    const headers = ["120", "Sun, 01 Nov 2026 00:01:00 GMT", "soon"];
    const { url } = await receive((response) => response.writeHead(429, { "retry-after": headers.shift() }).end());
    const channel = makeChannel("ops", { kind: "webhook", url, secret }, { ...quiet, clock });
    expect((await channel.send(notice, [], never)).retryAfterMs).toBe(120_000);
    expect((await channel.send(notice, [], never)).retryAfterMs).toBe(60_000);
    expect((await channel.send(notice, [], never)).retryAfterMs).toBeUndefined();
  });

  it("does not wait for a receiver that never answers", async () => {
    const { url } = await receive(() => {});
    const attempt = await makeChannel("ops", { kind: "webhook", url, secret, timeoutMs: 50 }, quiet).send(notice, [], never);
    expect(attempt.error).toMatchObject({ kind: "busy", code: "NOTIFY_UNREACHED", facts: { reason: "timeout" } });
  });

  it("says that nobody listens, without the address", async () => {
    const { url, server } = await receive(() => {});
    await new Promise((resolve) => server.close(resolve));
    const attempt = await makeChannel("ops", { kind: "webhook", url, secret }, quiet).send(notice, [], never);
    expect(attempt.error).toMatchObject({ kind: "busy", facts: { reason: "ECONNREFUSED" } });
    expect(JSON.stringify(attempt.error)).not.toContain("s3cret");
  });
});

describe("teams", () => {
  it("hands over a card of plain text", async () => {
    const { url, calls } = await receive((response) => response.writeHead(202).end());
    expect(await makeChannel("team", { kind: "teams", url }, quiet).send(notice, [], never)).toEqual({ reached: [] });
    expect(calls[0]?.headers["content-type"]).toBe("application/json");
    const sent: unknown = JSON.parse(calls[0]?.body ?? "");
    expect(sent).toMatchObject({ type: "message", attachments: [{ content: { type: "AdaptiveCard" } }] });
    expect(JSON.stringify(sent)).toContain("<b>bold</b>");
    expect(JSON.stringify(sent)).toContain(notice.id);
  });

  it.each([
    [404, "input"],
    [410, "input"],
    [429, "busy"],
    [502, "busy"],
  ])("takes %i for %s and keeps its URL to itself", async (status, kind) => {
    const { url } = await receive((response) => response.writeHead(status, { "retry-after": "7" }).end(`no flow ${url}`));
    const attempt = await makeChannel("team", { kind: "teams", url }, quiet).send(notice, [], never);
    expect(attempt.error?.kind).toBe(kind);
    expect(attempt.retryAfterMs).toBe(kind === "busy" ? 7_000 : undefined);
    expect(JSON.stringify([attempt.error?.message, attempt.error?.facts])).not.toContain("s3cret");
  });

  it("does not wait for ever", async () => {
    const { url } = await receive(() => {});
    const attempt = await makeChannel("team", { kind: "teams", url, timeoutMs: 50 }, quiet).send(notice, [], never);
    expect(attempt.error).toMatchObject({ kind: "busy", facts: { reason: "timeout" } });
  });
});

describe("slack", () => {
  it("shows the notice, with nothing in it that Slack would take for a link or a mention", async () => {
    const { url, calls } = await receive((response) => response.writeHead(200).end("ok"));
    expect(await makeChannel("team", { kind: "slack", url }, quiet).send(notice, [], never)).toEqual({ reached: [] });
    const sent: unknown = JSON.parse(calls[0]?.body ?? "");
    expect(sent).toMatchObject({ text: "Great Britain, October: all items coded Bcc: everyone@example.com" });
    expect(JSON.stringify(sent)).toContain("&lt;b&gt;bold&lt;/b&gt;");
    expect(JSON.stringify(sent)).toContain(notice.id);
  });

  it.each([
    [404, "input"],
    [410, "input"],
    [429, "busy"],
    [500, "busy"],
  ])("takes %i for %s and keeps its URL to itself", async (status, kind) => {
    const { url } = await receive((response) => response.writeHead(status, { "retry-after": "7" }).end(`no_service ${url}`));
    const attempt = await makeChannel("team", { kind: "slack", url }, quiet).send(notice, [], never);
    expect(attempt.error?.kind).toBe(kind);
    expect(attempt.retryAfterMs).toBe(kind === "busy" ? 7_000 : undefined);
    expect(JSON.stringify([attempt.error?.message, attempt.error?.facts])).not.toContain("s3cret");
  });

  it("does not wait for ever", async () => {
    const { url } = await receive(() => {});
    const attempt = await makeChannel("team", { kind: "slack", url, timeoutMs: 50 }, quiet).send(notice, [], never);
    expect(attempt.error).toMatchObject({ kind: "busy", facts: { reason: "timeout" } });
  });
});

interface Mail {
  readonly to: readonly string[];
  readonly raw: string;
}

async function mailServer(refuse: (address: string, mails: readonly Mail[]) => number | undefined, password?: string) {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    disabledCommands: password === undefined ? ["AUTH", "STARTTLS"] : ["STARTTLS"],
    allowInsecureAuth: true,
    logger: false,
    onAuth: (auth, _session, done) => {
      if (auth.password === password) done(null, { user: auth.username });
      else done(Object.assign(new Error("no, s3cret"), { responseCode: 535 }));
    },
    onRcptTo: (address, _session, done) => {
      const code = refuse(address.address, mails);
      done(code === undefined ? null : Object.assign(new Error("go away, s3cret"), { responseCode: code }));
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        mails.push({ to: session.envelope.rcptTo.map((to) => to.address), raw: Buffer.concat(chunks).toString() });
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => new Promise((resolve) => server.close(() => resolve())));
  const port = portOf(server.server.address());
  const settings = { kind: "smtp" as const, url: `smtp://127.0.0.1:${port}`, from: "Stockroom <stockroom@example.com>" };
  return { mails, settings, server };
}

describe("smtp", () => {
  it("sends text and HTML with a stable Message-ID, and no header of the title's making", async () => {
    const { mails, settings } = await mailServer(() => undefined);
    const channel = makeChannel("mail", { ...settings, to: ["a@example.com", "b@example.com"] }, quiet);
    expect(await channel.send(notice, [], never)).toEqual({ reached: ["a@example.com", "b@example.com"] });
    const mail = mails[0];
    expect(mail?.to).toEqual(["a@example.com", "b@example.com"]);
    expect(mail?.raw).toContain(`Message-ID: <${deliveryId(notice.id, "mail")}@example.com>`);
    expect(mail?.raw).toContain("Date: Sun, 01 Nov 2026 02:03:04 +0000");
    expect(mail?.raw).toContain("text/plain");
    expect(mail?.raw).toContain("text/html");
    expect(mail?.raw).not.toMatch(/^Bcc:/im);
  });

  it("comes back later to the one who was not ready, and not again to the others", async () => {
    const { mails, settings } = await mailServer((address, mails) => (address.startsWith("grey") && mails.length === 0 ? 451 : undefined));
    const channel = makeChannel("mail", { ...settings, to: ["a@example.com", "grey@example.com"] }, quiet);
    const first = await channel.send(notice, [], never);
    expect(first).toMatchObject({ reached: ["a@example.com"], error: { kind: "busy" } });
    const second = await channel.send(notice, first.reached, never);
    expect(second).toEqual({ reached: ["a@example.com", "grey@example.com"] });
    expect(mails.map((mail) => mail.to)).toEqual([["a@example.com"], ["grey@example.com"]]);
  });

  it("gives up on an address that is refused for good, and keeps the server's words to itself", async () => {
    const { settings } = await mailServer(() => 550);
    const attempt = await makeChannel("mail", { ...settings, to: ["x@example.com"] }, quiet).send(notice, [], never);
    expect(attempt).toMatchObject({ reached: [], error: { kind: "input", code: "NOTIFY_REFUSED", facts: { reply: 550 } } });
    expect(attempt.error?.message).not.toContain("s3cret");
  });

  it("tries again when one of two refusals may pass", async () => {
    const { settings } = await mailServer((address) => (address.startsWith("grey") ? 450 : 550));
    const attempt = await makeChannel("mail", { ...settings, to: ["x@example.com", "grey@example.com"] }, quiet).send(notice, [], never);
    expect(attempt.error?.kind).toBe("busy");
  });

  it("takes a server that is down for a pause, and a wrong password for a mistake", async () => {
    const { settings, server } = await mailServer(() => undefined, "right");
    const wrong = settings.url.replace("smtp://", "smtp://me:s3cret@");
    const right = settings.url.replace("smtp://", "smtp://me:right@");
    expect(await makeChannel("mail", { ...settings, url: right, to: ["a@example.com"] }, quiet).send(notice, [], never)).toEqual({
      reached: ["a@example.com"],
    });
    const denied = await makeChannel("mail", { ...settings, url: wrong, to: ["a@example.com"] }, quiet).send(notice, [], never);
    expect(denied.error?.kind).toBe("input");
    expect(JSON.stringify([denied.error?.message, denied.error?.facts])).not.toContain("s3cret");
    await new Promise<void>((resolve) => server.close(() => resolve()));
    const down = await makeChannel("mail", { ...settings, to: ["a@example.com"] }, quiet).send(notice, [], never);
    expect(down.error).toMatchObject({ kind: "busy", code: "NOTIFY_UNREACHED" });
  });
});

describe("settings that cannot work", () => {
  it.each([
    [{ kind: "webhook" as const, url: "ftp://s3cret@x", secret }],
    [{ kind: "webhook" as const, url: "https://x", secret: "s3cret !" }],
    [{ kind: "webhook" as const, url: "https://x", secret: "" }],
    [{ kind: "slack" as const, url: "s3cret" }],
    [{ kind: "teams" as const, url: "s3cret" }],
    [{ kind: "smtp" as const, url: "http://s3cret", from: "a@b", to: ["c@d"] }],
    [{ kind: "smtp" as const, url: "smtp://s3cret", from: "nobody", to: ["c@d"] }],
    [{ kind: "smtp" as const, url: "smtp://s3cret", from: "a@b", to: [] }],
  ])("are refused when the app opens, and not shown: case %#", (settings) => {
    const error = thrownBy(() => makeChannel("ops", settings, quiet));
    expect(error).toMatchObject({ kind: "input", code: "NOTIFY_CHANNEL_BAD", facts: { channel: "ops" } });
    expect(String(error)).not.toContain("s3cret");
  });
});

it("a kind without a maker is refused, and sends nothing to the log instead", () => {
  const logged: unknown[] = [];
  const settings = { kind: "pigeon", url: "https://x" } as unknown as ChannelSettings;
  const tools = { ...quiet, logNotice: (notice: unknown) => void logged.push(notice) };
  expect(thrownBy(() => makeChannel("ops", settings, tools))).toMatchObject({ kind: "fault", code: "KIND_UNKNOWN" });
  expect(logged).toEqual([]);
});

describe("parseRetryAfter", () => {
  it.each([
    [null, undefined],
    ["0", 0],
    ["-5", undefined],
    ["1.5", undefined],
    ["Thu, 01 Jan 1970 00:00:00 GMT", 0],
    ["", undefined],
    ["99999999999999", undefined],
  ])("%s -> %s", (header, ms) => {
    expect(parseRetryAfter(header, 1_000)).toBe(ms);
  });
});
