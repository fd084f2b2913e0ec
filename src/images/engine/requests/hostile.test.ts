// Hostile URLs: nothing but clear refusals, in linear time, and no edit or key that reaches beyond what is allowed.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isStockroomError } from "../../../platform/errors.ts";
import type { ImageRequest, JsonValue, RequestOptions } from "../plan.ts";
import { depthOf } from "./json.ts";
import { allowedEdits } from "./edits.ts";
import { explain, formatRequest, parseRequest, completeRequest } from "./index.ts";

const options: RequestOptions = {
  buckets: ["photos", "marks"],
  nowMs: Date.UTC(2026, 0, 2),
  autoWebp: true,
  autoAvif: true,
  clientHints: true,
  presets: { card: { edits: { resize: { width: 300 } } } },
};
const variants: RequestOptions[] = [
  options,
  { ...options, compat: "strict" },
  { ...options, rewrite: { pattern: "/x/g", substitution: "/10x10/" } },
];
const base64 = (json: string): string => `/${Buffer.from(json).toString("base64")}`;

/** What is wrong with a meaning, whatever URL it came from. */
function wrongsOf(request: ImageRequest): string[] {
  const wrongs = Object.keys(request.edits).filter((name) => !allowedEdits.has(name));
  const { edits, key, bucket, headers, otherwise } = request;
  if (key === "" || key.split(/[/\\]/).includes("..")) wrongs.push(`key ${key}`);
  if (!options.buckets.includes(bucket)) wrongs.push(`bucket ${bucket}`);
  const overlay = edits["overlayWith"] as { bucket?: string } | undefined;
  if (overlay !== undefined && !options.buckets.includes(overlay.bucket ?? "")) wrongs.push(`overlay ${overlay.bucket}`);
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (
    /[\r\n\0]/.test(
      Object.entries(headers ?? {})
        .flat()
        .join(""),
    )
  )
    wrongs.push("header");
  for (const type of [undefined, "image/svg+xml", "image/gif", "text/html"]) completeRequest(request, type);
  return otherwise === undefined || otherwise.problem !== undefined ? wrongs : [...wrongs, ...wrongsOf(otherwise)];
}

/** URLs that were understood: the properties below would hold of a reader that refuses everything. */
let understood = 0;

/** What is wrong with the answers to a URL; throws what is thrown besides refusals. */
function wrongs(target: string | { path: string; query: string }, givens: readonly RequestOptions[] = variants): string[] {
  return givens.flatMap((given) => {
    try {
      const request = parseRequest(target, given);
      completeRequest(request, undefined);
      understood += 1;
      return wrongsOf(request);
    } catch (error) {
      if (!isStockroomError(error) || error.facts["status"] === undefined) throw error;
      const isOurs = error.kind === "fault" && given.compat !== "strict";
      return error.message.endsWith(".") && !isOurs ? [] : [`${error.code}: ${error.message}`];
    }
  });
}

describe("arbitrary URLs", () => {
  it("of arbitrary characters", () => {
    const text = fc.string({ unit: "binary", maxLength: 60 });
    fc.assert(
      fc.property(text, text, (path, query) => {
        expect(wrongs({ path, query })).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it("of thumbor's words in any order", () => {
    const before = understood;
    const word = fc.constantFrom(
      ..."unsafe trim trim:bottom-right:9 meta fit-in full-fit-in 300x200 0x0 -3x4 10x10:20x20 left top smart s3:marks s3:nobody .. . %2e%2e a.jpg b x".split(
        " ",
      ),
      "",
      "a%20b",
      "%",
      "%00",
      "\\..",
      "filters:",
      "filters:rotate()",
      "filters:focal(1x1:9x9)",
      "filters:blur(2):format(png)",
      "filters:watermark(marks,a/b,0,0)",
      "filters:watermark(marks,%2e%2e/b,0,0)",
      "filters:fill(red",
      ")",
      "(",
      "filters:quality(50):proportion(0.5)",
      "filters%3Afill%28red%29",
      "a.png",
      "a.svg",
    );
    const query = fc.constantFrom(
      "",
      "width=10&dpr=2",
      "width=auto",
      "format=auto&preset=card",
      "info",
      "placeholder=lqip&flip",
      "rotate=&fit=fill",
      "width=-1",
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), query, (words, tail) => {
        expect(wrongs(`/${words.join("/")}?${tail}`)).toEqual([]);
      }),
      { numRuns: 1500 },
    );
    expect(understood - before).toBeGreaterThan(150);
  });

  it("of arbitrary JSON", () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    const name = fc.constantFrom(...allowedEdits, "__proto__", "constructor", "composite", "toFile", "raw", "toString");
    // Mostly right, so that the wrong part is reached; then one or the other is anything at all.
    const mostly = <T>(right: fc.Arbitrary<T>) => fc.oneof({ weight: 12, arbitrary: right }, { weight: 1, arbitrary: value });
    const number = fc.oneof(fc.double(), fc.integer({ min: -5, max: 500 }), fc.constantFrom("10", "-1", "", null, "1e9"));
    const options = fc.dictionary(
      fc.constantFrom("left", "top", "width", "height", "fit", "ratio", "quality", "rx", "faceIndex", "create", "input"),
      number,
    );
    const overlay = fc.record({
      bucket: mostly(fc.constant("marks")),
      key: mostly(fc.constantFrom("k.png", "../k")),
      alpha: value,
      options: fc.oneof(options, value),
    });
    const edit = fc.oneof(
      fc.tuple(name, fc.oneof(fc.boolean(), number, options)),
      fc.tuple(fc.constant("overlayWith"), overlay),
      fc.tuple(name, value),
    );
    const edits = fc.array(edit, { maxLength: 4 }).map((entries) => Object.fromEntries(entries));
    const headers = fc.dictionary(
      fc.oneof(fc.constantFrom("X-A", "Content-Type", "Location"), fc.string()),
      mostly(fc.string({ unit: "grapheme-ascii" })),
    );
    const json = fc.record(
      {
        bucket: mostly(fc.constantFrom("photos", "marks")),
        key: mostly(fc.oneof(fc.string({ unit: "grapheme-ascii", minLength: 1 }), fc.constantFrom("a.jpg", "../a", "%2e%2e/a"))),
        edits: mostly(edits),
        outputFormat: mostly(fc.constantFrom("png", "webp", "JPG")),
        effort: value,
        headers: mostly(headers),
        preset: mostly(fc.constant("card")),
      },
      { requiredKeys: ["key"] },
    );
    fc.assert(
      fc.property(json, (request) => {
        expect(wrongs(base64(JSON.stringify(request)))).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  it("of objects that cannot be made a number or a text", () => {
    const odd = { toString: 0, valueOf: 0 };
    const whole = { bucket: "photos", key: "a.jpg", edits: { resize: { width: 10 } }, outputFormat: "webp", effort: 3 };
    const attacks = [
      ...Object.keys(whole).map((name) => ({ ...whole, [name]: odd })),
      ...Object.keys(whole).map((name) => ({ ...whole, [name]: [odd] })),
      ...[...allowedEdits].flatMap((name) =>
        [odd, [odd], { width: odd, height: odd, a: odd, b: odd, quality: odd, background: { r: odd } }].map((value) => ({
          ...whole,
          edits: { [name]: value },
        })),
      ),
    ];
    const givens = [...variants, ...variants.map((variant) => ({ ...variant, policy: { sizes: [10, 20] } }))];
    expect(attacks.flatMap((attack) => wrongs(base64(JSON.stringify(attack)), givens))).toEqual([]);
  });

  it("never change a prototype", () => {
    const attacks = [
      '{"key":"a","__proto__":{"polluted":1},"edits":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"resize":{"__proto__":{"polluted":1,"width":5}}}}',
      '{"key":"a","headers":{"__proto__":"x","constructor":"y"},"edits":{"overlayWith":{"bucket":"marks","key":"k","options":{"__proto__":{"polluted":1}}}}}',
      '{"key":"a","preset":"__proto__"}',
    ];
    expect(attacks.flatMap((attack) => wrongs(base64(attack)))).toEqual([]);
    expect(wrongs("/a.jpg?__proto__=1&constructor=2&__proto__[polluted]=1")).toEqual([]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    const read = parseRequest(base64(attacks[0] ?? ""), options);
    expect(read.edits).toEqual({ resize: {} });
    expect(Object.getPrototypeOf(read.edits["resize"])).toBe(Object.prototype);
  });
});

describe("keys that leave their folder", () => {
  const dots = [
    "..",
    "%2e%2e",
    ".%2e",
    "%2E.",
    "%252e%252e",
    "%25252e%25252e",
    "%c0%ae%c0%ae",
    "%u002e%u002e",
    "．．",
    "%EF%BC%8E%EF%BC%8E",
    "‥",
    "%E2%80%A5",
  ];
  const slashes = ["/", "%2f", "%2F", "%252f", "\\", "%5c", "%255c", "／", "%EF%BC%8F", "%c0%af"];
  const paths = dots.flatMap((dot) =>
    slashes.flatMap((slash) => [`${dot}${slash}secret.jpg`, `a${slash}${dot}${slash}secret.jpg`, `a/b${slash}${dot}`]),
  );

  it.each(paths.map((path) => [path]))("%s", (path) => {
    for (const given of variants.slice(0, 2)) {
      for (const target of [`/${path}`, `/300x200/filters:blur(2)/${path}`, base64(JSON.stringify({ key: path })), `/unsafe/${path}`]) {
        const answer = explain(target, given);
        expect("status" in answer ? Math.floor(answer.status / 100) : answer).toBe(4);
      }
    }
    const overlay = JSON.stringify({ key: "a", edits: { overlayWith: { bucket: "marks", key: path } } });
    expect(explain(base64(overlay), options)).toMatchObject({ status: 400 });
  });

  it.each(["a\u0000.jpg", "a\n.jpg", "a\u007f.jpg", "\ud800.jpg", "a".repeat(1025), "é".repeat(513)])("%j is no key", (key) => {
    expect(explain(base64(JSON.stringify({ key })), options)).toMatchObject({ status: 400, code: "ImageKey::NotAllowed" });
  });
  it.each(["a..b.jpg", "...", "a/.../b", ".hidden", "a/.", "..a/b..", "é".repeat(512), "C:/x", "a b", "100%", "%41", "a%2Eb"])(
    "%s is one",
    (key) => {
      expect(explain(base64(JSON.stringify({ key })), options)).toMatchObject({ key });
    },
  );
});

describe("bounds", () => {
  it.each([
    [`/${"a".repeat(16_384)}`, 414, "RequestUriTooLong"],
    [`/a.jpg?${"v=1&".repeat(5000)}`, 414, "RequestUriTooLong"],
    [base64(`{"key":"a","edits":${"[".repeat(500)}${"]".repeat(500)}}`), 400, "DecodeRequest::CannotDecodeRequest"],
    [base64(`{"key":"a","edits":{"flatten":${'{"a":'.repeat(20)}1${"}".repeat(21)}}`), 400, "DecodeRequest::CannotDecodeRequest"],
    [
      base64(JSON.stringify({ key: "a", edits: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`e${i}`, 1])) })),
      400,
      "ImageEdits::CannotParseEdits",
    ],
    [`/filters:${Array.from({ length: 65 }, () => "blur(2)").join(":")}/a.jpg`, 400, "ImageEdits::CannotParseEdits"],
  ])("%.40s... is refused", (target, status, code) => expect(explain(target, options)).toMatchObject({ status, code }));

  it("can be set", () => {
    expect(explain("/aaaaaaaaaaaa.jpg", { ...options, limits: { maxUrlLength: 10 } })).toMatchObject({ status: 414 });
    expect(explain("/aaaaaaaaaaaa.jpg", { ...options, limits: { maxKeyBytes: 10 } })).toMatchObject({ status: 400 });
  });
  it("count nesting outside texts only", () => {
    expect([depthOf('{"a":"[[[[{{"}'), depthOf('["\\"[[[",[[]]]'), depthOf("]]][["), depthOf("")]).toEqual([1, 3, 0, 0]);
  });
});

describe("time", () => {
  // Shapes that are known to make careless expressions slow, at 10 times the length that is ever accepted. Time must grow as the length does:
  // 8 times the length costs 8 times when linear and 64 times when quadratic. CPU time, best of three, and a floor of 300 ms where linear ones
  // take 20: a busy machine cannot make this fail.
  const shapes: Record<string, (n: number) => string> = {
    slashes: (n) => "/".repeat(n),
    digits: (n) => `/${"1".repeat(n)}x`,
    sizes: (n) => "/1x1".repeat(n / 4),
    crops: (n) => "/1x1:1x1".repeat(n / 8),
    "open filters": (n) => "filters:".repeat(n / 8),
    "open watermarks": (n) => "/filters:watermark(".repeat(n / 19),
    "closed watermarks": (n) => `${"/filters:watermark(".repeat(n / 19)})`,
    "focal openings": (n) => `/filters:${"focal(".repeat(n / 6)}`,
    brackets: (n) => `/filters:${"()".repeat(n / 2)}`,
    colons: (n) => `/filters${":".repeat(n)}a()`,
    dots: (n) => `/${"a.".repeat(n / 2)}`,
    percents: (n) => `/${"%2525".repeat(n / 5)}`,
    encoded: (n) => `/${"%2e".repeat(n / 3)}`,
    words: (n) => `/300x200${"/smart".repeat(n / 6)}`,
    buckets: (n) => "/s3:a".repeat(n / 5),
    blanks: (n) => `/filters:watermark(${" ".repeat(n)},a)/a.jpg`,
    base64: (n) => `/${"A".repeat(n - (n % 4))}`,
    "almost base64": (n) => `/${"A".repeat(n - (n % 4))}!`,
    quotes: (n) => base64(`{"key":"${'\\"'.repeat(n / 4)}`),
    queries: (n) => `/a.jpg?${"a=1&".repeat(n / 4)}`,
    accepts: (n) => `/a.jpg?width=${"1".repeat(n)}`,
  };
  const limits = { maxUrlLength: 10_000_000, maxFilters: 1_000_000, maxKeyBytes: 10_000_000 };
  const cost = (target: string): number => {
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 3; round++) {
      const before = process.cpuUsage();
      explain(target, { ...options, limits });
      const { user, system } = process.cpuUsage(before);
      best = Math.min(best, user + system);
    }
    return best;
  };
  it.each(Object.entries(shapes))("grows with the length of %s", (_, shape) => {
    explain(shape(2000), { ...options, limits });
    const short = cost(shape(20_000));
    const long = cost(shape(160_000));
    expect(long).toBeLessThan(Math.max(short, 10_000) * 30);
  });
});

describe("what is formatted", () => {
  it("is read again as it was", () => {
    const key = fc.oneof(
      fc.string({ unit: fc.constantFrom(..."ab/ .-_()x10,:%éＡ中".split("")), minLength: 1, maxLength: 20 }),
      fc.constantFrom(
        "fit-in/a.jpg",
        "300x200/a.jpg",
        "smart/a.jpg",
        "s3:marks/a.jpg",
        "filters:blur(2)/a.jpg",
        "a.bmp",
        "unsafe/a.png",
        "trim/x",
        "10x10:20x20/a",
      ),
    );
    const number = fc.integer({ min: 1, max: 500 });
    const filter = fc.oneof(
      number.map((n) => `blur(${n})`),
      number.map((n) => `rotate(${n})`),
      fc.constantFrom(
        "grayscale()",
        "equalize()",
        "rotate()",
        "strip_exif()",
        "upscale()",
        "no_upscale()",
        "stretch()",
        "fill(red)",
        "background_color(0f08)",
      ),
      fc.constantFrom(
        "format(webp)",
        "quality(50)",
        "rgb(10,20,30)",
        "animated(false)",
        "smart_crop(1,2)",
        "max_bytes(900)",
        "saturation(1.5)",
        "contrast(50)",
      ),
      fc.constantFrom(
        "watermark(marks,a/b%20c.png,10,-20p,50,10)",
        "convolution(1;2;3;4,2)",
        "focal(1x2:3x4)",
        "round_corner(4|5,1,2,3,1)",
        "brightness(20)",
      ),
    );
    const size = fc.constantFrom("", "300x200/", "0x200/", "300x0/", "fit-in/300x200/", "fit-in/", "10x20:30x40/", "-300x200/");
    const prefix = fc.constantFrom("", "unsafe/", "unsafe/trim:bottom-right:7/");
    const word = fc.constantFrom("", "smart/", "left/top/", "right/");
    fc.assert(
      fc.property(prefix, size, word, fc.uniqueArray(filter, { maxLength: 4 }), key, (before, sized, place, filters, name) => {
        const words = before !== "" && /\dx\d+\/$/.test(sized) && !sized.includes(":") ? place : "";
        const chain = filters.length === 0 ? "" : `filters:${filters.join(":")}/`;
        const path = `/${before}${sized}${words}${chain}${name.split("/").map(encodeURIComponent).join("/")}`;
        let read: ImageRequest;
        try {
          read = parseRequest(path, options);
        } catch {
          return;
        }
        let formatted: string;
        try {
          formatted = formatRequest(read);
        } catch (error) {
          // Some meanings have no words of their own (a ratio beside both sides ...); then it is said, never written wrongly.
          if (isStockroomError(error) && error.code === "IMAGE_URL_UNSAYABLE") return;
          throw error;
        }
        const { otherwise: _, ...first } = read;
        const again = parseRequest(formatted, options);
        expect(sortedEntries(again)).toEqual(sortedEntries(first));
        expect(formatRequest(again)).toBe(formatted);
      }),
      { numRuns: 1500 },
    );
  });

  /** A side that is null is a side that is not given. */
  const givenOf = (resize: JsonValue): unknown => Object.fromEntries(Object.entries(resize ?? {}).filter(([, value]) => value !== null));
  /** Thumbor's edits have an order of their own. */
  const sortedEntries = (request: ImageRequest): unknown => ({
    ...request,
    edits: Object.entries(request.edits)
      .map(([name, value]) => [name, name === "resize" ? givenOf(value) : value] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  });

  it("is read again as it was from JSON, byte for byte the second time", () => {
    const edits = fc.constantFrom<Record<string, unknown>[]>(
      {},
      { resize: { width: 300, height: "20.5", fit: "inside" } },
      { rotate: null, flip: true, grayscale: "true" },
      { overlayWith: { bucket: "marks", key: "a b", alpha: 50, options: { left: "10p" } } },
      { crop: { left: 1, top: 2, width: 3, height: 4 }, toFormat: "png", png: { quality: 5 } },
    );
    const request = fc.record(
      { bucket: fc.constantFrom("photos", "marks"), key: fc.constantFrom("a", "dir/é.jpg", "100%"), edits },
      { requiredKeys: ["key"] },
    );
    fc.assert(
      fc.property(request, fc.constantFrom("", "?info=1", "?quality=5", "?placeholder=lqip", "?metadata=keep"), (json, query) => {
        const read = parseRequest(base64(JSON.stringify(json)) + query, options);
        const formatted = formatRequest(read);
        expect(parseRequest(formatted, options)).toEqual(read);
        expect(formatRequest(parseRequest(formatted, options))).toBe(formatted);
      }),
      { numRuns: 300 },
    );
  });
});
