// HTTP: a detector or moderator behind an address: any service that takes a JPEG and answers JSON.
//
// Owns: the call and the check of what comes back. Does not own: memoizing (memoize.ts).
//   http-detector.H1. What is answered is believed only after it was checked: numbers in their ranges, a bounded size, a bounded time.
//   http-detector.H2. The address comes from the settings, never from a request.

import { z } from "zod";
import { StockroomError } from "../../../platform/errors.ts";
import type { FaceDetector, Moderator, PictureFacts } from "../../engine/pictures/tools.ts";

export interface HttpDetectorOptions {
  readonly url: string;
  /** Sent along, for instance `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 5,000. */
  readonly timeoutMs?: number;
  /** Default: the global one. */
  readonly fetch?: typeof fetch;
}

const fraction = z.number().min(-1).max(2);
const faces = z.array(z.object({ left: fraction, top: fraction, width: fraction, height: fraction, confidence: z.number() })).max(1000);
const labels = z.array(z.object({ name: z.string().max(200), confidence: z.number() })).max(1000);
const maxAnswerChars = 1_000_000;

async function ask(options: HttpDetectorOptions, picture: Uint8Array, facts: PictureFacts): Promise<unknown> {
  const { url, headers = {}, timeoutMs = 5000, fetch: call = fetch } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = facts.signal === undefined ? timeout : AbortSignal.any([timeout, facts.signal]);
  try {
    const response = await call(url, {
      method: "POST",
      headers: { accept: "application/json", ...headers, "content-type": facts.contentType },
      body: Uint8Array.from(picture),
      redirect: "error",
      signal,
    });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    const text = await response.text();
    if (text.length > maxAnswerChars) throw new Error(`it answered ${text.length} characters`);
    return JSON.parse(text);
  } catch (cause) {
    facts.signal?.throwIfAborted();
    const said = cause instanceof Error ? cause.message.slice(0, 120) : "";
    throw new StockroomError(
      "busy",
      "DetectorUnavailable",
      `Expected an answer of the detector but ${said}. Try again, or look at its service.`,
      {
        facts: { status: 502 },
        cause,
      },
    );
  }
}

function checked<Answer>(schema: z.ZodType<Answer>, answer: unknown, expected: string): Answer {
  const read = schema.safeParse(answer);
  if (read.success) return read.data;
  throw new StockroomError("fault", "DetectorMisspoke", `Expected ${expected} of the detector but its answer has another shape.`, {
    facts: { status: 502 },
    cause: read.error,
  });
}

/**
 * Faces by `POST url` with the JPEG as body; the answer is `[{ left, top, width, height, confidence }]` or `{ faces: [...] }`, in fractions.
 *
 * Throws `busy` `DetectorUnavailable`, `fault` `DetectorMisspoke`.
 */
export function makeHttpDetector(options: HttpDetectorOptions): FaceDetector {
  const shape = z.union([faces, z.object({ faces }).transform((answer) => answer.faces)]);
  return { faces: async (picture, facts) => checked(shape, await ask(options, picture, facts), "a list of faces") };
}

/** Labels by `POST url`; the answer is `[{ name, confidence }]` or `{ labels: [...] }`, confidence in percent. Throws as `makeHttpDetector`. */
export function makeHttpModerator(options: HttpDetectorOptions): Moderator {
  const shape = z.union([labels, z.object({ labels }).transform((answer) => answer.labels)]);
  return { labels: async (picture, facts) => checked(shape, await ask(options, picture, facts), "a list of labels") };
}
