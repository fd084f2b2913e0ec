// Channels: the ways out of the app: smtp, webhook, slack, teams, log.
//
// Owns: one attempt to hand a notice to one receiver, and the judgement of the answer. Does not own: when to try again (notify.ts).
//   C1. `busy` means: later may work. `input` means: a person must change something; no retry.
//   C2. No error names a URL, a password or a secret: a URL of Slack or Teams *is* the secret.
//   C3. No attempt outlasts its time limit; no answer is read beyond its status.

import { createTransport } from "nodemailer";
import { Webhook } from "standardwebhooks";
import { IncomingWebhook, IncomingWebhookHTTPError } from "@slack/webhook";
import type { Clock } from "../time.ts";
import type { ChannelSettings } from "../config/index.ts";
import { codeOf, isStockroomError, StockroomError, unknownKind } from "../errors.ts";
import { deliveryId, htmlOf, payloadOf, slackOf, subjectOf, teamsOf, textOf } from "./message.ts";
import type { PostedNotice } from "./message.ts";

/** What one attempt came to. */
export interface Attempt {
  /** Receivers reached so far, for channels with several; they are left out of the next attempt. */
  readonly reached: readonly string[];
  /** Absent: delivered. */
  readonly error?: StockroomError;
  /** The receiver asked to be left alone for so long. */
  readonly retryAfterMs?: number;
}

export interface Channel {
  readonly name: string;
  readonly send: (notice: PostedNotice, reached: readonly string[], signal: AbortSignal) => Promise<Attempt>;
}

/** The line the log channel writes. */
export type LogNotice = (notice: PostedNotice) => void;

export interface ChannelTools {
  readonly clock: Clock;
  readonly logNotice: LogNotice;
}

const defaultTimeoutMs = 15_000;

/** Makes a channel from its settings; throws `input` `NOTIFY_CHANNEL_BAD` for a URL or secret that cannot work, never showing it. */
export function makeChannel(name: string, settings: ChannelSettings, tools: ChannelTools): Channel {
  switch (settings.kind) {
    case "log":
      return makeLog(name, tools.logNotice);
    case "smtp":
      return makeSmtp(name, settings);
    case "webhook":
      return makeWebhook(name, settings, tools.clock);
    case "slack":
      return makeSlack(name, settings, tools.clock);
    case "teams":
      return makeTeams(name, settings, tools.clock);
    default:
      // Nothing may count as delivered that nobody sent.
      throw unknownKind(settings, `channel (${name})`);
  }
}

function makeLog(name: string, logNotice: LogNotice): Channel {
  return {
    name,
    send: (notice) => {
      logNotice(notice);
      return Promise.resolve({ reached: [] });
    },
  };
}

function makeSmtp(name: string, settings: Extract<ChannelSettings, { kind: "smtp" }>): Channel {
  checkUrl(name, settings.url, ["smtp:", "smtps:"]);
  if (settings.to.length === 0) throw badChannel(name, "at least one address in `to` but there is none. Add one");
  const timeoutMs = settings.timeoutMs ?? defaultTimeoutMs;
  const domain = /@([^\s>@]+)>?\s*$/.exec(settings.from)?.[1];
  if (domain === undefined) throw badChannel(name, "an address like `Stockroom <stockroom@example.com>` in `from`. Correct it");
  return {
    name,
    send: async (notice, reached) => {
      const waiting = settings.to.filter((address) => !reached.includes(address));
      if (waiting.length === 0) return { reached };
      const transport = createTransport({
        url: settings.url,
        connectionTimeout: timeoutMs,
        greetingTimeout: timeoutMs,
        socketTimeout: timeoutMs,
        dnsTimeout: timeoutMs,
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      try {
        const sent = await transport.sendMail({
          from: settings.from,
          to: [...waiting],
          subject: subjectOf(notice),
          text: textOf(notice),
          html: htmlOf(notice),
          messageId: `<${deliveryId(notice.id, name)}@${domain}>`,
          date: new Date(notice.at),
          headers: { "Auto-Submitted": "auto-generated", "X-Stockroom-Topic": notice.topic },
        });
        const refused: unknown = "rejectedErrors" in sent ? sent.rejectedErrors : undefined;
        const now = [...reached, ...sent.accepted];
        return sent.rejected.length === 0 ? { reached: now } : { reached: now, error: smtpError(name, firstTransient(refused)) };
      } catch (error) {
        return { reached, error: smtpError(name, error) };
      } finally {
        transport.close();
      }
    },
  };
}

/** Of several refused recipients: one that may pass later decides, for then another try is worth it. */
function firstTransient(refused: unknown): unknown {
  if (!Array.isArray(refused)) return refused;
  const errors: unknown[] = refused;
  return errors.find((error) => !isPermanent(replyCode(error))) ?? errors[0];
}

function replyCode(error: unknown): number | undefined {
  return typeof error === "object" && error !== null && "responseCode" in error && typeof error.responseCode === "number"
    ? error.responseCode
    : undefined;
}

const isPermanent = (code: number | undefined): boolean => code !== undefined && code >= 500;

/** The server's own words stay out: they may repeat what it was sent. The code says enough, and is in every handbook. */
function smtpError(name: string, error: unknown): StockroomError {
  const code = replyCode(error);
  const library = codeOf(error) ?? "";
  const facts = { channel: name, reply: code ?? null, library };
  if (isPermanent(code) || library === "EAUTH" || library === "ENOAUTH") {
    return new StockroomError(
      "input",
      "NOTIFY_REFUSED",
      `Expected the mail server of channel ${name} to take the message but it refused with ${code ?? library}. Check its addresses and log-in, then redrive the dead letter.`,
      { facts },
    );
  }
  const came = code === undefined ? `it could not be reached (${library || "no answer"})` : `it answered ${code}, not now`;
  return new StockroomError("busy", "NOTIFY_UNREACHED", `Expected the mail server of channel ${name} to take the message but ${came}.`, {
    facts,
  });
}

function makeWebhook(name: string, settings: Extract<ChannelSettings, { kind: "webhook" }>, clock: Clock): Channel {
  checkUrl(name, settings.url, ["http:", "https:"]);
  const signer = makeSigner(name, settings.secret);
  const timeoutMs = settings.timeoutMs ?? defaultTimeoutMs;
  return {
    name,
    send: async (notice, reached, signal) => {
      const id = deliveryId(notice.id, name);
      const payload = payloadOf(notice);
      const sentAt = new Date(clock.now());
      return await post(
        { name, url: settings.url, payload, reached, signal, timeoutMs, clock },
        {
          "webhook-id": id,
          "webhook-timestamp": String(Math.floor(sentAt.getTime() / 1000)),
          "webhook-signature": signer.sign(id, sentAt, payload),
        },
      );
    },
  };
}

interface Posting {
  readonly name: string;
  readonly url: string;
  readonly payload: string;
  readonly reached: readonly string[];
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** One attempt to hand JSON to a URL, and what its answer means. */
async function post(
  { name, url, payload, reached, signal, timeoutMs, clock }: Posting,
  headers: Readonly<Record<string, string>> = {},
): Promise<Attempt> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      body: payload,
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      headers: { "content-type": "application/json", "user-agent": "stockroom", ...headers },
    });
  } catch (error) {
    return { reached, error: unreached(name, error) };
  }
  await response.body?.cancel();
  return judge(name, reached, response.status, response.headers.get("retry-after"), clock);
}

function makeTeams(name: string, settings: Extract<ChannelSettings, { kind: "teams" }>, clock: Clock): Channel {
  const { url, timeoutMs = defaultTimeoutMs } = settings;
  checkUrl(name, url, ["http:", "https:"]);
  return {
    name,
    send: async (notice, reached, signal) =>
      await post({ name, url, payload: JSON.stringify(teamsOf(notice)), reached, signal, timeoutMs, clock }),
  };
}

function makeSigner(name: string, secret: string): Webhook {
  try {
    return new Webhook(secret);
  } catch {
    throw badChannel(name, "a secret of the form `whsec_<base64>`. Make one with: openssl rand -base64 32");
  }
}

function makeSlack(name: string, settings: Extract<ChannelSettings, { kind: "slack" }>, clock: Clock): Channel {
  checkUrl(name, settings.url, ["http:", "https:"]);
  const timeoutMs = settings.timeoutMs ?? defaultTimeoutMs;
  return {
    name,
    send: async (notice, reached, signal) => {
      let retryAfter: string | null = null;
      const client = new IncomingWebhook(settings.url, {
        fetch: async (url, init) => {
          const response = await fetch(url, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) });
          retryAfter = response.headers.get("retry-after");
          return response;
        },
      });
      try {
        await client.send(slackOf(notice));
        return { reached };
      } catch (error) {
        if (error instanceof IncomingWebhookHTTPError) return judge(name, reached, error.statusCode, retryAfter, clock);
        return { reached, error: unreached(name, error) };
      }
    },
  };
}

/** What an HTTP receiver's answer means: 2xx delivered; 408, 429 and 5xx later; 410 and every other answer: a person must look. */
function judge(name: string, reached: readonly string[], status: number, retryAfter: string | null, clock: Clock): Attempt {
  if (status >= 200 && status < 300) return { reached };
  const facts = { channel: name, status };
  if (status === 408 || status === 429 || status >= 500) {
    const error = new StockroomError("busy", "NOTIFY_UNREACHED", `Expected channel ${name} to answer 2xx but it answered ${status}.`, {
      facts,
    });
    const retryAfterMs = parseRetryAfter(retryAfter, clock.now());
    return retryAfterMs === undefined ? { reached, error } : { reached, error, retryAfterMs };
  }
  const gone = "its receiver is gone for good (410). Take the channel out of the settings";
  const refused = `it answered ${status}. Check the channel's URL and secret, then redrive the dead letter`;
  const message = `Expected channel ${name} to answer 2xx but ${status === 410 ? gone : refused}.`;
  return { reached, error: new StockroomError("input", status === 410 ? "NOTIFY_GONE" : "NOTIFY_REFUSED", message, { facts }) };
}

/** Reads `Retry-After`: seconds or a date; `undefined` when absent or not readable. Never negative. */
export function parseRetryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  if (!/[A-Za-z]/.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

function unreached(name: string, error: unknown): StockroomError {
  if (isStockroomError(error)) return error;
  const reason = reasonOf(error);
  return new StockroomError("busy", "NOTIFY_UNREACHED", `Expected channel ${name} to answer but it could not be reached (${reason}).`, {
    facts: { channel: name, reason },
  });
}

/** The system's code at the root of a failed request, e.g. `ECONNREFUSED`; messages are left out, for they may hold the URL (C2). */
function reasonOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 6; depth++) {
    if (at.name === "TimeoutError") return "timeout";
    if ("code" in at && typeof at.code === "string" && /^(E[A-Z]+|UND_ERR_\w+|CERT_\w+|\w+_CERT\w*)$/.test(at.code)) return at.code;
    at = "original" in at ? at.original : at.cause;
  }
  return "no answer";
}

function checkUrl(name: string, text: string, protocols: readonly string[]): void {
  if (!URL.canParse(text) || !protocols.includes(new URL(text).protocol)) {
    throw badChannel(name, `a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}. Correct it`);
  }
}

function badChannel(name: string, expectation: string): StockroomError {
  return new StockroomError("input", "NOTIFY_CHANNEL_BAD", `Channel ${name}: expected ${expectation}.`, { facts: { channel: name } });
}
