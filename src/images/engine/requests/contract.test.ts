// The URL contract as one table: every filter, edit, query name, kind, bucket, key, format, header and error of it, a line each.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { planOf, type JsonValue, type RequestOptions, type RequestType } from "../plan.ts";
import { filterNames } from "./filters.ts";
import { allowedEdits } from "./edits.ts";
import { explain, explainMeaning, findOptionProblems, parseRequest, completeRequest } from "./index.ts";

const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const options: RequestOptions = { buckets: ["photos", "marks", "my.bucket", "b(1)"], nowMs };
const strict: RequestOptions = { ...options, compat: "strict" };

const base64 = (json: unknown): string => `/${Buffer.from(JSON.stringify(json)).toString("base64")}`;
const edited = (edits: unknown): string => base64({ key: "a.jpg", edits });

/** Pairs instead of an object, so that the order of the keys is compared too; `undefined` is kept apart from absent. */
const ordered = (edits: object): unknown =>
  Object.entries(edits).map(([name, value]) => [name, value === undefined ? "(undefined)" : value]);

const edits = (path: string, given: RequestOptions = options): unknown => ordered(parseRequest(path, given).edits);
const refused = (path: string, given: RequestOptions = options): unknown => {
  const answer = explain(path, given);
  return "status" in answer ? `${answer.status} ${answer.code}` : answer;
};

type Row<T> = readonly [path: string, expected: T, note?: string];
/** The rows without their notes. */
const cases = <T>(rows: readonly Row<T>[]): [string, T][] => rows.map(([path, expected]) => [path, expected]);

/** One URL of each dialect: whoever adds one has to show that it is recognised (kind.ts). */
const dialects: Readonly<Record<RequestType, readonly [path: string, given: RequestOptions]>> = {
  default: [base64({ key: "a.jpg" }), options],
  custom: ["/a.jpg", { ...options, rewrite: { pattern: "/b/g", substitution: "c" } }],
  thumbor: ["/a.jpg", options],
};

describe("kind of a request", () => {
  it("has a line in the table of docs/reference/images-urls.md for each dialect", () => {
    const document = readFileSync(new URL("../../../../docs/reference/images-urls.md", import.meta.url), "utf8");
    const [, table = ""] = /^\| way \|.*\n\| --- .*\n((?:\|.*\n)+)/m.exec(document) ?? [];
    expect(table.trim().split("\n").length).toBe(Object.keys(dialects).length);
  });

  it.each(Object.entries(dialects))("%s is recognised", (dialect, [path, given]) =>
    expect(parseRequest(path, given)).toMatchObject({ requestType: dialect, key: "a.jpg" }),
  );

  const rows: Row<string>[] = [
    [base64({ key: "a.jpg" }), "default"],
    [base64({ key: "a.jpg" }).slice(1), "default", "without the leading slash"],
    [base64({ key: "a" }), "default"],
    [base64({ key: "ab" }), "default", "one = of padding"],
    [base64({ key: "abc" }), "default"],
    [base64({ key: "中文", note: "ÿÿ>>??" }), "default"],
    [base64({ key: "a.jpgxx" }).replace(/=+$/, ""), "thumbor", "padding is missing"],
    [`${base64({ key: "a" })}=`, "thumbor", "too much padding"],
    [`/${Buffer.from('{"key":"ÿÿ>>??~~"}').toString("base64url")}`, "thumbor", "the URL-safe alphabet is not Base64 here"],
    [`/${base64({ key: "a" })}`, "thumbor", "two leading slashes: one belongs to the text"],
    ["/abcd", "thumbor", "Base64 that is no JSON"],
    ["/photo.jpg", "thumbor"],
    ["/photo.jpeg", "thumbor"],
    ["/photo.png", "thumbor"],
    ["/photo.webp", "thumbor"],
    ["/photo.tiff", "thumbor"],
    ["/photo.tif", "thumbor"],
    ["/photo.svg", "thumbor"],
    ["/photo.gif", "thumbor"],
    ["/photo.avif", "thumbor"],
    ["/photo.JPG", "thumbor"],
    ["/photo.AvIf", "thumbor"],
    ["photo.svg", "thumbor"],
    ["/photo", "thumbor", "no extension"],
    ["/photo.", "thumbor", "a dot without anything behind is no extension"],
    ["/dir.v2/photo", "thumbor", "a dot of a folder is no extension"],
    ["/.jpg", "thumbor"],
    ["/unsafe/filters:brightness(10):contrast(30)/https://upload.example.org/7/79/Coffee_1.jpg/1200px-Coffee_1.jpg", "thumbor"],
  ];
  it.each(cases(rows))("%s is %s", (path, expected) => expect(parseRequest(path, options).requestType).toBe(expected));

  const wrong = ["/photo.bmp", "/photo.jpg.exe", "/300x200/photo.pdf", "/12x12e24d234r2ewxsad123d34r.bmp", "/a.heic", "/photo.jpg "];
  it.each(wrong)("%s is none", (path) => expect(refused(path)).toBe("400 RequestTypeError"));

  const rewriting = { ...options, rewrite: { pattern: "/(filters-)/gm", substitution: "filters:" } };
  it("is custom when a rewrite is set, whatever the extension, and read as thumbor after it", () => {
    const read = parseRequest("/filters-rotate(90)/filters-grayscale()/custom-image.jpg", rewriting);
    expect(read).toMatchObject({ requestType: "custom", key: "custom-image.jpg", edits: { grayscale: true, rotate: 90 } });
    expect(parseRequest("/filters-rotate(90)/custom.bmp", rewriting)).toMatchObject({ requestType: "custom", key: "custom.bmp" });
    expect(parseRequest(edited({ flip: true }), rewriting).requestType).toBe("default");
  });
  it("rewrites each request anew and with groups", () => {
    const moved = { ...options, rewrite: { pattern: "/^\\/thumb\\/(\\d+)\\/(.*)$/gy", substitution: "/$1x0/$2" } };
    for (let i = 0; i < 3; i++)
      expect(parseRequest("/thumb/30/x/a.jpg", moved)).toMatchObject({ key: "x/a.jpg", edits: { resize: { width: 30 } } });
  });
  it("needs both halves of a rewrite", () => {
    expect(parseRequest("/a.jpg", { ...options, rewrite: { pattern: "", substitution: "x" } }).requestType).toBe("thumbor");
    expect(refused("/a.jpg", { ...options, rewrite: { pattern: "nothing", substitution: "x" } })).toBe("500 RewritePatternError");
  });
});

describe("bucket and key", () => {
  const keys: Row<string>[] = [
    ["/thumbor-image.jpg", "photos thumbor-image.jpg"],
    ["///a.jpg", "photos a.jpg", "leading slashes are dropped"],
    ["/dir//a.jpg", "photos dir//a.jpg", "others are not"],
    ["/filters:rotate(90)/filters:grayscale()/thumbor-image (1).jpg", "photos thumbor-image (1).jpg"],
    ["/filters:rotate(90)/filters:grayscale()/thumbor-image (1.jpg", "photos thumbor-image (1.jpg"],
    ["/filters:rotate(90)/filters:grayscale()/thumbor-image 1).jpg", "photos thumbor-image 1).jpg"],
    ["/filters:rotate(90)/filters:grayscale()/thumbor-image (1) suffix.jpg", "photos thumbor-image (1) suffix.jpg"],
    ["/filters:rotate(90)/s3:marks/filters:grayscale()/thumbor-image (1).jpg", "marks thumbor-image (1).jpg"],
    ["/s3:marks/filters:grayscale()/a.jpg", "marks a.jpg"],
    ["/s3:nobody/s3:marks/a.jpg", "marks s3:nobody/a.jpg"],
    ["/filters:grayscale()/s3:nobody/a.jpg", "photos s3:nobody/a.jpg", "a bucket that is not allowed stays in the key"],
    ["/s3:my.bucket/a.jpg", "my.bucket a.jpg"],
    ["/s3:myXbucket/a.jpg", "photos s3:myXbucket/a.jpg", "a dot is a dot"],
    ["/s3:b(1)/a.jpg", "b(1) a.jpg"],
    ["/10x10:100x100/filters:rotate(90)/a (1) suffix.jpg", "photos a (1) suffix.jpg"],
    ["/10x20:100x200/10x10/filters:rotate(90)/a.jpg", "photos a.jpg"],
    ["/fit-in/400x0/filters:fill(ffffff)/fit-in-thumbor-image (1) suffix.jpg", "photos fit-in-thumbor-image (1) suffix.jpg"],
    ["/100x100/test-100x100/test/beach-100x100.jpg", "photos test-100x100/test/beach-100x100.jpg"],
    ["/100x100/x/200x200/a.jpg", "photos x/a.jpg", "every size segment is taken out, as the classic handler does"],
    ["/fit-in/400x400/filters:watermark(marks,folder/key.png,0,0)/image.jpg", "photos image.jpg"],
    ["/fit-in/400x400/filters:watermark(marks,key.png,0,0)/image.jpg", "photos image.jpg"],
    ["/filters:watermark(marks,k.png,0,0)/filters:grayscale()/img (1).jpg", "photos img (1).jpg", "a watermark ends at its own bracket"],
    ["/filters:watermark(marks,a/b.png,0,0):blur(2)/dir/img.jpg", "photos dir/img.jpg"],
    ["/a%20b.jpg", "photos a b.jpg"],
    ["/%E4%B8%AD%E6%96%87.jpg", "photos 中文.jpg"],
    ["/a%2Fb.jpg", "photos a/b.jpg"],
    ["/100%25.jpg", "photos 100%.jpg"],
    ["/a+b.jpg", "photos a+b.jpg", "a plus is a plus in a path"],
    ["/a$&b.jpg", "photos a$&b.jpg"],
    [base64({ key: "sample-image-001.jpg" }), "photos sample-image-001.jpg"],
    [base64({ bucket: "marks", key: "a%20b.jpg" }), "marks a%20b.jpg", "a key in JSON is not decoded"],
    [base64({ key: "/a.jpg" }), "photos /a.jpg", "nor does it lose its slash"],
    [base64({ key: "dir/سليم (2).jpg" }), "photos dir/سليم (2).jpg"],
    ["https://img.example.com/300x200/a.jpg?v=2#top", "photos a.jpg", "a whole URL"],
  ];
  it.each(cases(keys))("%s reads %s", (path, expected) => {
    const { bucket, key } = parseRequest(path, options);
    expect(`${bucket} ${key}`).toBe(expected);
  });

  it("reads a watermark to the last bracket of the path in strict", () => {
    expect(parseRequest("/filters:watermark(marks,k.png,0,0)/filters:grayscale()/img (1).jpg", strict).key).toBe(".jpg");
    expect(parseRequest("/unsafe/a.jpg", strict).key).toBe("unsafe/a.jpg");
  });

  const wrong: Row<string>[] = [
    [base64({ bucket: "nobody", key: "a.jpg" }), "403 ImageBucket::CannotAccessBucket"],
    [base64({ bucket: null, key: "a.jpg" }), "403 ImageBucket::CannotAccessBucket"],
    [base64({ bucket: "photos ", key: "a.jpg" }), "403 ImageBucket::CannotAccessBucket"],
    [base64({ bucket: ["photos"], key: "a.jpg" }), "403 ImageBucket::CannotAccessBucket"],
    [base64({ bucket: "__proto__", key: "a.jpg" }), "403 ImageBucket::CannotAccessBucket"],
    [base64({ bucket: "photos" }), "400 DecodeRequest::CannotDecodeRequest"],
    [base64({ key: 7 }), "400 DecodeRequest::CannotDecodeRequest"],
    [base64({ key: null }), "400 DecodeRequest::CannotDecodeRequest"],
    [base64([1, 2]), "400 DecodeRequest::CannotDecodeRequest"],
    [base64(null), "400 DecodeRequest::CannotDecodeRequest"],
    [base64(123), "400 DecodeRequest::CannotDecodeRequest"],
    [base64({ key: "a", edits: [] }), "400 DecodeRequest::CannotDecodeRequest"],
    [base64({ key: "a", edits: "resize" }), "400 DecodeRequest::CannotDecodeRequest"],
    [base64({ key: "" }), "404 NoSuchKey"],
    ["/", "404 NoSuchKey"],
    ["", "404 NoSuchKey"],
    ["/300x200/", "404 NoSuchKey"],
    ["/a%zz.jpg", "400 DecodeRequest::CannotDecodeRequest"],
    ["/a%.jpg", "400 DecodeRequest::CannotDecodeRequest"],
    ["/%ff%fe.jpg", "400 DecodeRequest::CannotDecodeRequest"],
  ];
  it.each(cases(wrong))("%s is refused with %s", (path, expected) => expect(refused(path)).toBe(expected));

  it("needs at least one bucket", () => {
    expect(refused("/a.jpg", { buckets: [] })).toBe("400 GetAllowedSourceBuckets::NoSourceBuckets");
    expect(refused(base64({ key: "a" }), { buckets: [] })).toBe("400 GetAllowedSourceBuckets::NoSourceBuckets");
  });
});

describe("thumbor size and crop", () => {
  const rows: Row<[string, JsonValue][]>[] = [
    ["/400x300/a.jpg", [["resize", { width: 400, height: 300 }]]],
    ["/fit-in/400x300/a.jpg", [["resize", { width: 400, height: 300, fit: "inside" }]]],
    ["/fit-in/a.jpg", [["resize", { fit: "inside" }]]],
    ["/0x300/a.jpg", [["resize", { fit: "inside", width: null, height: 300 }]]],
    ["/400x0/a.jpg", [["resize", { fit: "inside", width: 400, height: null }]]],
    ["/0x0/a.jpg", [["resize", { fit: "inside", width: null, height: null }]]],
    ["/400x300/x/a-fit-in.jpg", [["resize", { width: 400, height: 300, fit: "inside" }]], "fit-in anywhere"],
    ["/100x200/300x400/a.jpg", [["resize", { width: 100, height: 200 }]], "the first size counts"],
    ["/a/100x200/b.jpg", [["resize", { width: 100, height: 200 }]]],
    ["/400x300", [], "the last segment is no size"],
    ["/a-100x200/b.jpg", []],
    ["/10x20:110x220/a.jpg", [["crop", { left: 10, top: 20, width: 100, height: 200 }]]],
    [
      "/10x20:110x220/50x60/a.jpg",
      [
        ["crop", { left: 10, top: 20, width: 100, height: 200 }],
        ["resize", { width: 50, height: 60 }],
      ],
      "the crop comes first",
    ],
    ["/a.jpg", []],
  ];
  it.each(cases(rows))("%s", (path, expected) => expect(edits(path)).toEqual(expected));
  it.each(cases(rows))("%s in strict", (path, expected) => expect(edits(path, strict)).toEqual(expected));

  const wrong: Row<string>[] = [
    ["/100x100:50x200/a.jpg", "400 Crop::AreaOutOfBounds"],
    ["/100x100:100x200/a.jpg", "400 Crop::AreaOutOfBounds"],
    ["/100x300:200x200/a.jpg", "400 Crop::AreaOutOfBounds"],
    [`/${"9".repeat(400)}x10/a.jpg`, "400 InvalidResizeException"],
    [`/${"9".repeat(20)}x10/a.jpg`, "400 InvalidResizeException"],
  ];
  it.each(cases(wrong))("%s is refused with %s", (path, expected) => expect(refused(path)).toBe(expected));
});

describe("thumbor filters", () => {
  const white = { r: 255, g: 255, b: 255 };
  const rows: Row<[string, JsonValue][]>[] = [
    ["autojpg()", [["toFormat", "jpeg"]]],
    ["background_color(ffff)", [["flatten", { background: white }]]],
    ["background_color(red)", [["flatten", { background: { r: 255, g: 0, b: 0 } }]]],
    ["background_color(0f08)", [["flatten", { background: { r: 0, g: 255, b: 0, alpha: 136 / 255 } }]]],
    ["background_color(rebeccapurple)", [["flatten", { background: { r: 102, g: 51, b: 153 } }]]],
    ["blur(60)", [["blur", 30]]],
    ["blur(60,2)", [["blur", 2]]],
    ["blur(60, 2)", [["blur", 2]]],
    ["blur(60,%202)", [["blur", 2]], "as a browser sends it"],
    ["blur(7,)", [["blur", 3.5]]],
    ["blur(,4)", [["blur", 4]]],
    ["convolution(1;2;1;2;4;2;1;2;1,3,true)", [["convolve", { width: 3, height: 3, kernel: [1, 2, 1, 2, 4, 2, 1, 2, 1] }]]],
    ["convolution(-1;0.5;3;4,3)", [["convolve", { width: 3, height: 2, kernel: [-1, 0.5, 3, 4] }]], "rows are rounded up"],
    ["equalize()", [["normalize", true]]],
    ["fill(fff)", [["resize", { fit: "contain", background: white }]]],
    ["fill(blue)", [["resize", { fit: "contain", background: { r: 0, g: 0, b: 255 } }]]],
    ["fill(00000080)", [["resize", { fit: "contain", background: { r: 0, g: 0, b: 0, alpha: 128 / 255 } }]]],
    ["format(png)", [["toFormat", "png"]]],
    ["format(jpg)", [["toFormat", "jpeg"]]],
    ["format(jpeg)", [["toFormat", "jpeg"]]],
    ["format(heic)", [["toFormat", "heic"]]],
    ["format(heif)", [["toFormat", "heif"]]],
    ["format(raw)", [["toFormat", "raw"]]],
    ["format(tiff)", [["toFormat", "tiff"]]],
    ["format(webp)", [["toFormat", "webp"]]],
    ["format(gif)", [["toFormat", "gif"]]],
    ["format(avif)", [["toFormat", "avif"]]],
    ["format(.w-ebp)", [["toFormat", "webp"]], "all but letters and digits is dropped"],
    ["format(test)", [], "unknown formats are ignored"],
    ["format()", []],
    ["grayscale()", [["grayscale", true]]],
    ["no_upscale()", [["resize", { withoutEnlargement: true }]]],
    ["proportion(0.3)", [["resize", { ratio: 0.3 }]]],
    ["quality(50)", [["jpeg", { quality: 50 }]]],
    ["rgb(10,10,10)", [["tint", { r: 25.5, g: 25.5, b: 25.5 }]]],
    ["rgb(10, 20, 100)", [["tint", { r: 25.5, g: 51, b: 255 }]]],
    ["rgb(10,%2020,%20100)", [["tint", { r: 25.5, g: 51, b: 255 }]]],
    ["rotate(75)", [["rotate", 75]]],
    ["rotate(-90)", [["rotate", -90]]],
    ["rotate()", [["rotate", "(undefined)"]], "by EXIF"],
    ["sharpen(75,5)", [["sharpen", 3.5]]],
    ["sharpen(75, 5,true)", [["sharpen", 3.5]]],
    ["stretch()", [["resize", { fit: "fill" }]]],
    ["strip_exif()", [["rotate", null]]],
    ["strip_icc()", [["rotate", null]]],
    ["upscale()", [["resize", { fit: "inside" }]]],
    ["animated()", [["animated", true]]],
    ["animated(fAlSe)", [["animated", false]]],
    ["animated(ABCDEF)", [["animated", true]]],
    ["smart_crop()", [["smartCrop", {}]]],
    ["smart_crop(1)", [["smartCrop", { faceIndex: 1 }]]],
    ["smart_crop(1,)", [["smartCrop", { faceIndex: 1 }]]],
    ["smart_crop(1,40)", [["smartCrop", { faceIndex: 1, padding: 40 }]]],
    ["smart_crop(1, 40)", [["smartCrop", { faceIndex: 1, padding: 40 }]]],
    ["smart_crop(,40)", [["smartCrop", { padding: 40 }]]],
    ["smart_crop(1,40,50)", [["smartCrop", { faceIndex: 1, padding: 40 }]]],
    [
      "watermark(marks,key,100,100,0)",
      [["overlayWith", { bucket: "marks", key: "key", alpha: "0", options: { left: "100", top: "100" } }]],
    ],
    [
      "watermark(marks,key,50p,-30p,0)",
      [["overlayWith", { bucket: "marks", key: "key", alpha: "0", options: { left: "50p", top: "-30p" } }]],
    ],
    ["watermark(marks,key,x,x,0)", [["overlayWith", { bucket: "marks", key: "key", alpha: "0", options: {} }]], "what is no place centres"],
    ["watermark(marks,key,101p,-0p,0)", [["overlayWith", { bucket: "marks", key: "key", alpha: "0", options: {} }]]],
    [
      "watermark(marks,key,-10,10,50,10,20)",
      [["overlayWith", { bucket: "marks", key: "key", alpha: "50", wRatio: "10", hRatio: "20", options: { left: "-10", top: "10" } }]],
    ],
    [
      "watermark(marks,folder/key.png,0,0)",
      [["overlayWith", { bucket: "marks", key: "folder/key.png", options: { left: "0", top: "0" } }]],
    ],
    [
      "watermark( marks , key , 1 , 2 )",
      [["overlayWith", { bucket: "marks", key: "key", options: { left: "1", top: "2" } }]],
      "blanks are dropped",
    ],
    [
      "watermark(marks,a%2Cb%281%29%20c.png,1,2)",
      [["overlayWith", { bucket: "marks", key: "a,b(1) c.png", options: { left: "1", top: "2" } }]],
    ],
    ["notSupported()", []],
    ["constructor()", []],
    ["__proto__(1)", []],
    ["toString()", []],
    ["composite(a)", []],
    [
      "rotate(90):grayscale()",
      [
        ["grayscale", true],
        ["rotate", 90],
      ],
      "in alphabetical order",
    ],
    [
      "rotate(90):grayscale()/filters:blur(20)",
      [
        ["blur", 10],
        ["grayscale", true],
        ["rotate", 90],
      ],
      "chained and repeated",
    ],
    ["format(png):format(jpeg)", [["toFormat", "png"]], "of equal names the later in the alphabet wins"],
    ["strip_exif():rotate(90)", [["rotate", null]]],
    ["stretch():upscale()", [["resize", { fit: "inside" }]]],
    [
      "quality(80):format(webp)",
      [
        ["toFormat", "webp"],
        ["webp", { quality: 80 }],
      ],
    ],
  ];
  it.each(cases(rows))("%s", (filter, expected) => expect(edits(`/filters:${filter}/a.jpg`)).toEqual(settledJpeg(filter, expected)));

  /** quality() of a .jpg moves to the format that comes out, once that is known. */
  function settledJpeg(filter: string, expected: [string, JsonValue][]): unknown {
    return filter.startsWith("quality(80)")
      ? [
          ["toFormat", "webp"],
          ["jpeg", { quality: 80 }],
        ]
      : expected;
  }

  const withSize: Row<[string, JsonValue][]>[] = [
    ["/300x400/filters:no_upscale()/a.jpg", [["resize", { width: 300, height: 400, withoutEnlargement: true }]]],
    ["/200x200/filters:proportion(0.3)/a.jpg", [["resize", { width: 60, height: 60 }]]],
    ["/200x0/filters:proportion(0.3)/a.jpg", [["resize", { fit: "inside", width: 200, height: null, ratio: 0.3 }]]],
    ["/300x400/filters:stretch()/a.jpg", [["resize", { width: 300, height: 400, fit: "fill" }]]],
    ["/fit-in/400x300/filters:stretch()/a.jpg", [["resize", { width: 400, height: 300, fit: "inside" }]]],
    ["/400x0/filters:stretch()/a.jpg", [["resize", { fit: "inside", width: 400, height: null }]]],
    [
      "/fit-in/400x300/filters:fill(fff)/a.jpg",
      [["resize", { width: 400, height: 300, fit: "contain", background: { r: 255, g: 255, b: 255 } }]],
    ],
    ["/filters:fill(fff):stretch()/a.jpg", [["resize", { fit: "fill", background: { r: 255, g: 255, b: 255 } }]]],
    [
      "/fit-in/200x300/filters:grayscale()/a.jpg",
      [
        ["resize", { width: 200, height: 300, fit: "inside" }],
        ["grayscale", true],
      ],
    ],
    [
      "/fit-in/200x300/filters:grayscale():smart_crop(1,40)/a.jpg",
      [
        ["resize", { width: 200, height: 300, fit: "inside" }],
        ["grayscale", true],
        ["smartCrop", { faceIndex: 1, padding: 40 }],
      ],
    ],
    [
      "/filters:grayscale()/300x200/a.jpg",
      [
        ["resize", { width: 300, height: 200 }],
        ["grayscale", true],
      ],
      "a filter may stand before the size",
    ],
    ["/filters%3Agrayscale%28%29/a.jpg", [["grayscale", true]], "some clients encode what need not be"],
    ["/filters:rotate(90/a.jpg", [], "a bracket that never closes is no filter"],
    ["/filters:/a.jpg", []],
    ["/filters:()/a.jpg", []],
  ];
  it.each(cases(withSize))("%s", (path, expected) => expect(edits(path)).toEqual(expected));

  const quality: Row<[string, JsonValue][]>[] = [
    ["/filters:quality(50)/a.png", [["png", { quality: 50 }]]],
    ["/filters:quality(50)/a.webp", [["webp", { quality: 50 }]]],
    ["/filters:quality(50)/a.tiff", [["tiff", { quality: 50 }]]],
    ["/filters:quality(50)/a.tif", [["tiff", { quality: 50 }]]],
    ["/filters:quality(50)/a.gif", [["gif", { quality: 50 }]]],
    ["/filters:quality(50)/a.avif", [["avif", { quality: 50 }]]],
    ["/filters:quality(50)/a.JPG", [["jpeg", { quality: 50 }]]],
    [
      "/filters:format(jpeg)/filters:quality(50)/image_without_extension",
      [
        ["toFormat", "jpeg"],
        ["jpeg", { quality: 50 }],
      ],
    ],
    [
      "/filters:quality(50)/filters:format(jpeg)/image_without_extension",
      [
        ["toFormat", "jpeg"],
        ["jpeg", { quality: 50 }],
      ],
    ],
    [
      "/filters:quality(50)/filters:format(jpeg)/image.png",
      [
        ["toFormat", "jpeg"],
        ["png", { quality: 50 }],
      ],
    ],
  ];
  it.each(cases(quality))("%s", (path, expected) => expect(edits(path)).toEqual(expected));

  it("moves the quality to the format that comes out, to the end", () => {
    const read = completeRequest(parseRequest("/filters:quality(50):format(png):rotate(9)/a.jpg", options), "image/jpeg");
    expect(ordered(read.edits)).toEqual([
      ["toFormat", "png"],
      ["rotate", 9],
      ["png", { quality: 50 }],
    ]);
    expect(completeRequest(read, "image/jpeg")).toEqual(read);
  });
  it("gives the quality to the original's format when nothing else names one", () => {
    const read = parseRequest("/filters:quality(50)/photo", options);
    expect(read).toMatchObject({ edits: {}, quality: 50 });
    expect(completeRequest(read, "image/webp").edits).toEqual({ webp: { quality: 50 } });
    expect(completeRequest(read, undefined)).toEqual(read);
    expect(parseRequest("/filters:quality(50)/photo", strict).quality).toBeUndefined();
    expect(edits("/filters:quality(50)/a.JPG", strict)).toEqual([]);
  });
  it("is exact about case in strict, as the classic handler is", () => {
    expect(edits("/filters:format(PNG)/a.jpg", strict)).toEqual([]);
    expect(edits("/filters:format(PNG)/a.jpg")).toEqual([["toFormat", "png"]]);
  });

  const wrong = [
    "background_color(nope)",
    "background_color(%23%23)",
    "background_color(constructor)",
    "fill()",
    "fill(12345)",
    "fill(auto)",
    "blur()",
    "blur(x)",
    "convolution()",
    "convolution(1;2;x,3)",
    "convolution(1;2,0)",
    "proportion(x)",
    "quality(x)",
    "quality(0)",
    "quality(101)",
    "quality(50.5)",
    "rgb(1,2)",
    "rgb(x,y,z)",
    "rotate(x)",
    "rotate(Infinity)",
    "sharpen(3)",
    "sharpen(3,x)",
    "blur(%ff)",
  ];
  it.each(wrong)("%s is refused", (filter) => expect(refused(`/filters:${filter}/a.jpg`)).toMatch(/^400 (ImageEdits|DecodeRequest)::/));

  const coded: Row<string>[] = [
    ["/filters:proportion(0)/100x100/a.jpg", "400 InvalidResizeException"],
    ["/filters:proportion(-1)/a.jpg", "400 InvalidResizeException"],
    ["/filters:smart_crop(some,value)/a.jpg", "400 SmartCrop::FaceIndexOutOfRange"],
    ["/filters:smart_crop(-1)/a.jpg", "400 SmartCrop::FaceIndexOutOfRange"],
    ["/filters:smart_crop(0,x)/a.jpg", "400 SmartCrop::PaddingOutOfBounds"],
    ["/filters:watermark(nobody,k.png,0,0)/a.jpg", "403 ImageBucket::CannotAccessBucket"],
    ["/filters:watermark()/a.jpg", "403 ImageBucket::CannotAccessBucket"],
    ["/filters:watermark(marks)/a.jpg", "400 OverlayImageException"],
    ["/filters:watermark(marks,,0,0)/a.jpg", "400 OverlayImageException"],
    ["/filters:watermark(marks,%2e%2e/k.png,0,0)/a.jpg", "400 ImageKey::NotAllowed"],
  ];
  it.each(cases(coded))("%s is refused with %s", (path, expected) => expect(refused(path)).toBe(expected));

  it("leaves no filter of the table untried", () => {
    const tried = new Set([...rows, ...ownRows].map(([text]) => text.slice(0, text.indexOf("("))));
    expect(filterNames.filter((name) => !tried.has(name))).toEqual([]);
  });
});

const ownRows: Row<object>[] = [
  ["brightness(20)", { edits: { linear: { a: 1, b: 51 } } }],
  ["brightness(-100)", { edits: { linear: { a: 1, b: -255 } } }],
  ["contrast(50)", { edits: { linear: { a: 1.5, b: -64 } } }],
  ["contrast(50):brightness(20)", { edits: { linear: { a: 1.5, b: 12.5 } } }],
  ["saturation(0.5)", { edits: { modulate: { saturation: 0.5 } } }],
  ["focal(10x20:110x70)", { edits: {}, focal: { left: 10, top: 20, width: 100, height: 50 } }],
  ["max_bytes(40000)", { edits: {}, maxBytes: 40_000 }],
  ["round_corner(20)", { roundCorner: { rx: 20, ry: 20, background: { r: 255, g: 255, b: 255 }, transparent: false } }],
  ["round_corner(20|30,1,2,3)", { roundCorner: { rx: 20, ry: 30, background: { r: 1, g: 2, b: 3 }, transparent: false } }],
  ["round_corner(20%7C30,1,2,3,1)", { roundCorner: { rx: 20, ry: 30, background: { r: 1, g: 2, b: 3 }, transparent: true } }],
];

describe("thumbor's own words", () => {
  it.each(cases(ownRows))("%s", (filter, expected) => expect(parseRequest(`/filters:${filter}/a.jpg`, options)).toMatchObject(expected));
  it.each(cases(ownRows).filter(([filter]) => !filter.startsWith("focal")))("%s is unknown in strict", (filter) => {
    const { edits, maxBytes, roundCorner } = parseRequest(`/filters:${filter}/a.jpg`, strict);
    expect([edits, maxBytes, roundCorner]).toEqual([{}, undefined, undefined]);
  });

  const wrong = [
    "brightness(x)",
    "brightness(101)",
    "contrast(-101)",
    "saturation(-1)",
    "saturation()",
    "focal(1x2)",
    "focal(10x10:5x20)",
    "max_bytes(0)",
    "max_bytes(x)",
    "round_corner()",
    "round_corner(-1)",
    "round_corner(1,300,0,0)",
  ];
  it.each(wrong)("%s is refused", (filter) => expect(refused(`/filters:${filter}/a.jpg`)).toBe("400 ImageEdits::CannotParseEdits"));

  const words: Row<object>[] = [
    ["/unsafe/a.jpg", { key: "a.jpg", edits: {} }],
    ["/unsafe/300x200/a.jpg", { key: "a.jpg", edits: { resize: { width: 300, height: 200 } } }],
    ["/unsafe/300x200/smart/a.jpg", { key: "a.jpg", edits: { resize: { width: 300, height: 200, position: "attention" } } }],
    ["/unsafe/300x200/left/a.jpg", { key: "a.jpg", edits: { resize: { position: "left" } } }],
    ["/unsafe/300x200/right/bottom/a.jpg", { key: "a.jpg", edits: { resize: { position: "right bottom" } } }],
    ["/unsafe/300x200/center/top/a.jpg", { key: "a.jpg", edits: { resize: { position: "top" } } }],
    ["/unsafe/300x200/center/middle/a.jpg", { key: "a.jpg", edits: { resize: { width: 300, height: 200 } } }],
    ["/unsafe/300x200/left/top/smart/x/a.jpg", { key: "x/a.jpg", edits: { resize: { position: "attention" } } }],
    ["/unsafe/-300x200/a.jpg", { key: "a.jpg", edits: { resize: { width: 300, height: 200 }, flop: true } }],
    ["/unsafe/300x-200/a.jpg", { key: "a.jpg", edits: { resize: { width: 300, height: 200 }, flip: true } }],
    ["/unsafe/-300x-200/a.jpg", { edits: { resize: { width: 300, height: 200 }, flop: true, flip: true } }],
    ["/-300x-200/a.jpg", { key: "a.jpg", edits: { resize: { width: 300, height: 200 }, flop: true, flip: true } }],
    ["/unsafe/300x/a.jpg", { key: "a.jpg", edits: { resize: { width: 300, height: null, fit: "inside" } } }],
    ["/unsafe/x200/a.jpg", { key: "a.jpg", edits: { resize: { width: null, height: 200, fit: "inside" } } }],
    ["/unsafe/origx200/a.jpg", { key: "a.jpg", edits: { resize: { width: null, height: 200, fit: "inside" } } }],
    ["/unsafe/trim/a.jpg", { key: "a.jpg", edits: { trim: {} } }],
    ["/unsafe/trim:top-left:20/300x200/a.jpg", { key: "a.jpg", edits: { trim: { threshold: 20 }, resize: { width: 300 } } }],
    ["/unsafe/trim:bottom-right/a.jpg", { key: "a.jpg", edits: { trim: {} }, trimFrom: "bottom-right" }],
    ["/unsafe/fit-in/300x200/filters:blur(4)/a.jpg", { key: "a.jpg", edits: { resize: { fit: "inside" }, blur: 2 } }],
    ["/unsafe/full-fit-in/300x200/a.jpg", { key: "a.jpg", edits: { resize: { fit: "outside", width: 300 } } }],
    ["/unsafe/adaptive-fit-in/300x200/a.jpg", { key: "a.jpg", edits: { resize: { fit: "inside" } } }],
    ["/unsafe/meta/300x200/a.jpg", { key: "a.jpg", answer: { kind: "info" } }],
    [
      "/unsafe/10x10:90x90/300x200/smart/filters:watermark(marks,d/k.png,0,0):blur(2)/dir/a.jpg",
      { key: "dir/a.jpg", edits: { blur: 1, crop: { left: 10 } } },
    ],
    [
      "/unsafe/300x200/smart/filters:grayscale()/left/a.jpg",
      { key: "a.jpg", edits: { grayscale: true, resize: { position: "attention" } } },
    ],
    ["/unsafe/left/a.jpg", { key: "left/a.jpg" }],
    ["/left/a.jpg", { key: "left/a.jpg", edits: {} }],
    ["/smart/300x200/a.jpg", { key: "smart/a.jpg" }],
  ];
  it.each(cases(words).filter(([path]) => !path.startsWith("/unsafe/left") && !path.includes("()/left")))("%s", (path, expected) => {
    const read = parseRequest(path, options);
    expect(read).toMatchObject(expected);
    expect(read.otherwise).toBeUndefined();
  });

  it("gives both readings where a word could be a folder, the classic one first", () => {
    const read = parseRequest("/300x200/smart/photo.jpg", options);
    expect(read).toMatchObject({ key: "smart/photo.jpg", edits: { resize: { width: 300, height: 200 } } });
    expect(read.otherwise).toMatchObject({ key: "photo.jpg", edits: { resize: { width: 300, height: 200, position: "attention" } } });
    expect(parseRequest("/600x600/left/shoe.jpg", options)).toMatchObject({ key: "left/shoe.jpg", otherwise: { key: "shoe.jpg" } });
    expect(parseRequest("/trim/photo.jpg", options)).toMatchObject({
      key: "trim/photo.jpg",
      otherwise: { key: "photo.jpg", edits: { trim: {} } },
    });
    expect(parseRequest("/300x200/smart/photo.jpg", strict)).not.toHaveProperty("otherwise");
  });
  it("reads a signed thumbor path whose signature nobody demands", () => {
    expect(parseRequest(`/${"A".repeat(27)}=/300x200/a.jpg`, options)).toMatchObject({ key: "a.jpg", edits: { resize: { width: 300 } } });
  });
});

describe("edits from JSON", () => {
  const kept: Row<[string, JsonValue][]>[] = [
    ...[...allowedEdits]
      .filter((name) => !["crop", "overlayWith", "resize", "rotate", "toFormat", "joinChannel", "boolean", "animated"].includes(name))
      .map((name): Row<[string, JsonValue][]> => [JSON.stringify({ [name]: true }), [[name, true]]]),
    [
      '{"rotate":90,"flip":true,"blur":3}',
      [
        ["rotate", 90],
        ["flip", true],
        ["blur", 3],
      ],
      "in the order of the keys",
    ],
    [
      '{"blur":3,"flip":true,"rotate":90}',
      [
        ["blur", 3],
        ["flip", true],
        ["rotate", 90],
      ],
    ],
    [
      '{"grayscale":"true","rotate":90,"flip":"true"}',
      [
        ["grayscale", "true"],
        ["rotate", 90],
        ["flip", "true"],
      ],
    ],
    ['{"rotate":null}', [["rotate", null]]],
    ['{"rotate":22.5}', [["rotate", 22.5]]],
    ['{"resize":{"width":"100","height":"50.4"}}', [["resize", { width: "100", height: "50.4" }]], "numeric texts stay as they came"],
    ['{"resize":{"width":100.6}}', [["resize", { width: 100.6 }]]],
    ['{"resize":{"width":null,"height":5,"fit":"outside"}}', [["resize", { width: null, height: 5, fit: "outside" }]]],
    ['{"resize":{"ratio":0.5}}', [["resize", { ratio: 0.5 }]]],
    ['{"resize":{"ratio":"2"}}', [["resize", { ratio: "2" }]]],
    ['{"resize":{"width":5,"kernel":"nearest","position":"top"}}', [["resize", { width: 5, kernel: "nearest", position: "top" }]]],
    ['{"crop":{"left":0,"top":0,"width":1,"height":1}}', [["crop", { left: 0, top: 0, width: 1, height: 1 }]]],
    ['{"smartCrop":{"faceIndex":0,"padding":-3}}', [["smartCrop", { faceIndex: 0, padding: -3 }]]],
    ['{"smartCrop":false}', [["smartCrop", false]]],
    ['{"roundCrop":{"rx":"10","ry":5,"top":1,"left":2}}', [["roundCrop", { rx: "10", ry: 5, top: 1, left: 2 }]]],
    [
      '{"contentModeration":{"minConfidence":90,"blur":40,"moderationLabels":["Smoking"]}}',
      [["contentModeration", { minConfidence: 90, blur: 40, moderationLabels: ["Smoking"] }]],
    ],
    ['{"animated":false}', [["animated", false]]],
    ['{"toFormat":"jpg"}', [["toFormat", "jpg"]]],
    ['{"overlayWith":{"bucket":"marks","key":"k","alpha":50}}', [["overlayWith", { bucket: "marks", key: "k", alpha: 50 }]]],
    ['{"overlayWith":{"key":"k"}}', [["overlayWith", { key: "k", bucket: "photos" }]], "the first bucket"],
    [
      '{"overlayWith":{"bucket":"marks","key":"k","options":{"left":"10p","top":-5,"gravity":"north","blend":"over","tile":true}}}',
      [["overlayWith", { bucket: "marks", key: "k", options: { left: "10p", top: -5, gravity: "north", blend: "over", tile: true } }]],
    ],
    [
      '{"overlayWith":{"bucket":"marks","key":"k","options":{"input":"/etc/passwd","raw":{"width":1},"limitInputPixels":false,"text":{"text":"x"},"create":{}}}}',
      [["overlayWith", { bucket: "marks", key: "k", options: {} }]],
      "options that read files or lift limits are left out",
    ],
    ['{"joinChannel":{"bucket":"marks","key":"mask.png"}}', [["joinChannel", { bucket: "marks", key: "mask.png" }]]],
    ['{"joinChannel":[{"key":"a.png"},{"key":"b.png"}]}', [["joinChannel", [{ key: "a.png" }, { key: "b.png" }]]]],
    ['{"boolean":{"key":"a.png","operator":"and"}}', [["boolean", { key: "a.png", operator: "and" }]]],
    ['{"jpeg":{"quality":50,"mozjpeg":true}}', [["jpeg", { quality: 50, mozjpeg: true }]]],
    [
      '{"composite":[{"input":"/etc/passwd"}],"toFile":"/tmp/x","raw":true,"withMetadata":{},"toBuffer":1,"pipe":1,"clone":1}',
      [],
      "others are skipped",
    ],
    ['{"constructor":1,"__proto__":{"flip":true},"prototype":2,"hasOwnProperty":3,"on":4,"timeout":{"seconds":1}}', []],
    ['{"flatten":{"background":{"__proto__":{"r":1},"r":2,"constructor":{"prototype":{}}}}}', [["flatten", { background: { r: 2 } }]]],
    ["{}", []],
    ["null", []],
  ];
  it.each(cases(kept))("%s", (json, expected) => {
    const path = `/${Buffer.from(`{"key":"a.jpg","edits":${json}}`).toString("base64")}`;
    expect(edits(path)).toEqual(expected);
  });

  const wrong: Row<string>[] = [
    ['{"resize":{"width":0}}', "InvalidResizeException"],
    ['{"resize":{"width":-5}}', "InvalidResizeException"],
    ['{"resize":{"height":"-5"}}', "InvalidResizeException"],
    ['{"resize":{"height":"0"}}', "InvalidResizeException"],
    ['{"resize":{"height":""}}', "InvalidResizeException"],
    ['{"resize":{"width":0.4}}', "InvalidResizeException"],
    ['{"resize":{"width":"abc"}}', "InvalidResizeException"],
    ['{"resize":{"width":1e400}}', "InvalidResizeException"],
    ['{"resize":{"width":{}}}', "InvalidResizeException"],
    ['{"resize":{"width":true}}', "InvalidResizeException"],
    ['{"resize":{"ratio":-1}}', "InvalidResizeException"],
    ['{"resize":{"ratio":"x"}}', "InvalidResizeException"],
    ['{"resize":null}', "InvalidResizeException"],
    ['{"resize":[300]}', "InvalidResizeException"],
    ['{"resize":300}', "InvalidResizeException"],
    ['{"resize":{"fit":"bogus"}}', "ImageEdits::CannotParseEdits"],
    ['{"rotate":"90"}', "ImageEdits::CannotParseEdits"],
    ['{"rotate":{}}', "ImageEdits::CannotParseEdits"],
    ['{"animated":"false"}', "ImageEdits::CannotParseEdits"],
    ['{"jpeg":{"quality":0}}', "ImageEdits::CannotParseEdits"],
    ['{"webp":{"quality":"80"}}', "ImageEdits::CannotParseEdits"],
    ['{"crop":{"left":0,"top":0,"width":0,"height":1}}', "Crop::AreaOutOfBounds"],
    ['{"crop":{"left":-1,"top":0,"width":1,"height":1}}', "Crop::AreaOutOfBounds"],
    ['{"crop":{"left":"1","top":0,"width":1,"height":1}}', "Crop::AreaOutOfBounds"],
    ['{"crop":{"left":0.5,"top":0,"width":1,"height":1}}', "Crop::AreaOutOfBounds"],
    ['{"crop":{"width":1,"height":1}}', "Crop::AreaOutOfBounds"],
    ['{"crop":true}', "Crop::AreaOutOfBounds"],
    ['{"crop":null}', "Crop::AreaOutOfBounds"],
    ['{"smartCrop":{"faceIndex":-1}}', "SmartCrop::FaceIndexOutOfRange"],
    ['{"smartCrop":{"faceIndex":0.5}}', "SmartCrop::FaceIndexOutOfRange"],
    ['{"smartCrop":{"padding":"wide"}}', "SmartCrop::PaddingOutOfBounds"],
    ['{"roundCrop":{"rx":"\\"/><script>"}}', "ImageEdits::CannotParseEdits"],
    ['{"contentModeration":{"blur":"much"}}', "ImageEdits::CannotParseEdits"],
    ['{"contentModeration":{"moderationLabels":"Smoking"}}', "ImageEdits::CannotParseEdits"],
    ['{"overlayWith":{"bucket":"nobody","key":"k"}}', "ImageBucket::CannotAccessBucket"],
    ['{"overlayWith":{"bucket":"marks","key":7}}', "OverlayImageException"],
    ['{"overlayWith":{"bucket":"marks","key":"k","alpha":{}}}', "OverlayImageException"],
    ['{"overlayWith":{"bucket":"marks","key":"k","options":"left"}}', "OverlayImageException"],
    ['{"overlayWith":{"bucket":"marks","key":"../k"}}', "ImageKey::NotAllowed"],
    ['{"overlayWith":null}', "OverlayImageException"],
    ['{"joinChannel":"/etc/passwd"}', "ImageEdits::CannotParseEdits"],
    ['{"joinChannel":["/etc/passwd"]}', "ImageEdits::CannotParseEdits"],
    ['{"joinChannel":{"text":{"text":"x","fontfile":"/etc/passwd"}}}', "ImageEdits::CannotParseEdits"],
    ['{"joinChannel":{"create":{},"input":"/etc/passwd"}}', "ImageEdits::CannotParseEdits"],
    ['{"joinChannel":{"key":"../a.png"}}', "ImageKey::NotAllowed"],
    ['{"joinChannel":{"bucket":"nobody","key":"a.png"}}', "ImageBucket::CannotAccessBucket"],
    ['{"joinChannel":{"key":"a.png","raw":{"width":1}}}', "ImageEdits::CannotParseEdits"],
    ['{"boolean":"/etc/passwd"}', "ImageEdits::CannotParseEdits"],
    ['{"boolean":{"input":"/etc/passwd","operator":"and"}}', "ImageEdits::CannotParseEdits"],
    ['{"toFormat":"bogus"}', "UnsupportedOutputImageFormatException"],
    ['{"toFormat":{"id":"raw"}}', "UnsupportedOutputImageFormatException"],
    ['{"toFormat":"__proto__"}', "UnsupportedOutputImageFormatException"],
  ];
  it.each(cases(wrong))("%s is refused with %s", (json, code) => {
    const path = `/${Buffer.from(`{"key":"a.jpg","edits":${json}}`).toString("base64")}`;
    expect(refused(path)).toMatch(new RegExp(`^40[03] ${code}$`));
  });
});

describe("query edits", () => {
  const rows: Row<[string, JsonValue][]>[] = [
    ["format=jpeg", [["toFormat", "jpeg"]]],
    ["width=100&height=200&fit=cover", [["resize", { width: 100, height: 200, fit: "cover" }]]],
    ["width=0&height=200&fit=cover", [["resize", { width: null, height: 200, fit: "cover" }]]],
    ["width=&height=5", [["resize", { width: null, height: 5 }]]],
    ["width=100.9", [["resize", { width: 100 }]]],
    ["width=50px", [["resize", { width: 50 }]]],
    ["fit=inside", [["resize", { fit: "inside" }]]],
    [
      "flip=true&flop=false&grayscale=true",
      [
        ["flip", true],
        ["flop", false],
        ["greyscale", true],
      ],
    ],
    [
      "flip=0&flop=",
      [
        ["flip", false],
        ["flop", false],
      ],
    ],
    [
      "flip=FALSE&flop=1&greyscale=no",
      [
        ["flip", false],
        ["flop", true],
        ["greyscale", true],
      ],
    ],
    ["rotate=90", [["rotate", 90]]],
    ["rotate=-45", [["rotate", -45]]],
    ["rotate=", [["rotate", null]]],
    ["unknown=value&width=100", [["resize", { width: 100 }]]],
    ["toFormat=png&resize=1&blur=3&composite=x&__proto__=1&constructor=2", []],
    ["width=5&width=7", [["resize", { width: 7 }]], "the last of equal names counts"],
    ["v=20", []],
  ];
  it.each(cases(rows))("%s", (query, expected) => expect(edits(`/a.jpg?${query}`)).toEqual(expected));
  it.each(cases(rows))("%s over JSON, in strict", (query, expected) =>
    expect(edits(`${base64({ key: "a" })}?${query}`, strict)).toEqual(expected),
  );

  it("replace whole edits, at their places", () => {
    expect(edits("/300x200/filters:rotate(90)/a.jpg?width=10&flip=1")).toEqual([
      ["resize", { width: 10 }],
      ["rotate", 90],
      ["flip", true],
    ]);
    const path = `${edited({ toFormat: "png", resize: { width: 5, fit: "fill" }, flip: true })}?flip=0&format=webp&height=9`;
    expect(edits(path)).toEqual([
      ["toFormat", "webp"],
      ["resize", { height: 9 }],
      ["flip", false],
    ]);
  });
  it("may come as names and values", () => {
    const read = parseRequest({ path: "/a.jpg", query: { width: "10", height: undefined, flip: "true" } }, options);
    expect(ordered(read.edits)).toEqual([
      ["resize", { width: 10 }],
      ["flip", true],
    ]);
  });

  const wrong: Row<string>[] = [
    ["width=-5", "400 InvalidResizeException"],
    ["width=abc", "400 InvalidResizeException"],
    ["height=-0.5x", "400 InvalidResizeException"],
    ["rotate=left", "400 ImageEdits::CannotParseEdits"],
    ["fit=bogus", "400 ImageEdits::CannotParseEdits"],
    ["format=bogus", "400 UnsupportedOutputImageFormatException"],
    ["format=constructor", "400 UnsupportedOutputImageFormatException"],
    ["placeholder=bogus", "400 ImageEdits::CannotParseEdits"],
    ["placeholder=toString", "400 ImageEdits::CannotParseEdits"],
    ["quality=0", "400 ImageEdits::CannotParseEdits"],
    ["quality=x", "400 ImageEdits::CannotParseEdits"],
    ["metadata=all", "400 ImageEdits::CannotParseEdits"],
    ["preset=bogus", "404 ImagePreset::NotFound"],
  ];
  it.each(cases(wrong))("%s is refused with %s", (query, expected) => expect(refused(`/a.jpg?${query}`)).toBe(expected));
  it("answers 500 for a format nobody knows in strict, as the classic handler does", () => {
    expect(refused("/a.jpg?format=bogus", strict)).toBe("400 UnsupportedOutputImageFormatException");
  });

  const own: Row<object>[] = [
    ["info", { answer: { kind: "info" } }],
    ["info=1", { answer: { kind: "info" } }],
    ["info=false", { answer: { kind: "picture" } }],
    ["placeholder", { answer: { kind: "placeholder", placeholder: "blurhash" } }],
    ["placeholder=lqip", { answer: { kind: "placeholder", placeholder: "lqip" } }],
    ["placeholder=color&width=5", { answer: { kind: "placeholder", placeholder: "color" }, edits: { resize: { width: 5 } } }],
    ["quality=40", { quality: 40 }],
    ["metadata=keep", { keepMetadata: true }],
    ["width=100&height=200&dpr=2", { edits: { resize: { width: 200, height: 400 } }, dpr: 2 }],
    ["width=101&dpr=1.5", { edits: { resize: { width: 152 } } }],
    ["width=100&dpr=0.5", { edits: { resize: { width: 50 } } }],
    ["width=100&dpr=10", { edits: { resize: { width: 400 } }, dpr: 4 }],
    ["width=100&dpr=abc", { edits: { resize: { width: 100 } } }],
    ["width=100&dpr=0", { edits: { resize: { width: 100 } } }],
    ["width=100&dpr=-2", { edits: { resize: { width: 100 } } }],
    ["dpr=2", { edits: {} }],
    ["width=0&height=200&dpr=2", { edits: { resize: { width: null, height: 400 } } }],
  ];
  it.each(cases(own))("?%s", (query, expected) => expect(parseRequest(`/a.jpg?${query}`, options)).toMatchObject(expected));
  it("have no words of ours in strict", () => {
    const read = parseRequest("/a.jpg?info&placeholder=lqip&quality=4&metadata=keep&preset=x&width=100&dpr=2", strict);
    expect(read).toMatchObject({ answer: { kind: "picture" }, edits: { resize: { width: 100 } }, vary: [] });
    expect(read).not.toHaveProperty("quality");
  });
});

describe("output format", () => {
  const chrome = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";
  const webp = { ...options, autoWebp: true };
  const both = { ...webp, autoAvif: true };
  const format = (path: string, accept: string | undefined, given: RequestOptions, type?: string): string => {
    const headers = accept === undefined ? {} : { Accept: accept };
    const [bare = "", query] = path.split("?");
    const read = completeRequest(parseRequest({ path: bare, headers, ...(query === undefined ? {} : { query }) }, given), type);
    return `${read.outputFormat ?? "-"} ${read.formatFrom}`;
  };
  const json = (rest: object): string => base64({ key: "a", ...rest });
  const rows: [path: string, accept: string | undefined, given: RequestOptions, type: string | undefined, expected: string][] = [
    ["/a.jpg", chrome, options, undefined, "- source"],
    ["/a.jpg", chrome, webp, undefined, "webp accept"],
    ["/a.jpg", chrome, both, undefined, "avif accept"],
    ["/a.jpg", "image/webp", both, undefined, "webp accept"],
    ["/a.jpg", "image/*", both, undefined, "- source"],
    ["/a.jpg", undefined, both, undefined, "- source"],
    ["/a.jpg", "image/avif;q=0, image/webp;q=0.0", both, undefined, "- source"],
    ["/a.jpg", "image/webp;q=0", { ...webp, compat: "strict" }, undefined, "webp accept"],
    ["/a.jpg", chrome, { ...both, compat: "strict" }, undefined, "webp accept"],
    ["/filters:format(png)/a.jpg", chrome, both, undefined, "png edits"],
    ["/a.jpg?format=gif", chrome, both, undefined, "gif edits"],
    ["/a.jpg?format=auto", chrome, options, undefined, "avif accept"],
    ["/a.jpg?format=auto", "image/png", options, undefined, "- source"],
    ["/a.jpg?format=jpg", undefined, options, undefined, "jpeg edits"],
    ["/a.jpg?format=jpg", undefined, strict, undefined, "jpg edits"],
    ["/a.jpg?format=tif", undefined, options, undefined, "tiff edits"],
    ["/a.jpg?format=PNG", undefined, options, undefined, "png edits"],
    [json({ outputFormat: "png" }), undefined, options, undefined, "png request"],
    [json({ outputFormat: "png" }), chrome, webp, undefined, "webp accept"],
    [json({ outputFormat: "png", edits: { toFormat: "tiff" } }), chrome, webp, undefined, "tiff edits"],
    [json({ outputFormat: "bogus", edits: { toFormat: "tiff" } }), undefined, options, undefined, "tiff edits"],
    [json({ outputFormat: "" }), undefined, options, undefined, "- source"],
    [json({ outputFormat: null }), undefined, options, undefined, "- source"],
    ["/a.svg", undefined, options, "image/svg+xml", "- source"],
    ["/a.svg", chrome, both, "image/svg+xml", "- source"],
    ["/300x0/a.svg", undefined, options, "image/svg+xml", "png svg"],
    ["/300x0/a.svg", chrome, webp, "image/svg+xml", "webp accept"],
    ["/300x0/a.svg?format=jpeg", chrome, webp, "image/svg+xml", "jpeg edits"],
    [json({ outputFormat: "webp" }), undefined, options, "image/svg+xml", "webp request"],
    [json({ outputFormat: "webp" }), undefined, strict, "image/svg+xml", "- source"],
    ["/a.gif", chrome, both, "image/gif", "webp accept"],
    ["/a.gif", "image/avif", both, "image/gif", "- source"],
  ];
  it.each(rows)("%s for %s %o of %s is %s", (path, accept, given, type, expected) =>
    expect(format(path, accept, given, type)).toBe(expected),
  );

  it("says when another Accept could have changed it", () => {
    const vary = (path: string, given: RequestOptions): readonly string[] => parseRequest(path, given).vary;
    expect([vary("/a.jpg", options), vary("/a.jpg", webp), vary("/filters:format(png)/a.jpg", webp)]).toEqual([[], ["Accept"], []]);
  });
  it("tells the encoder what else the reader takes", () => {
    expect(parseRequest({ path: "/a.jpg", headers: { accept: chrome } }, both).autoFormats).toEqual(["avif", "webp"]);
  });
  it("refuses an outputFormat nobody knows", () => {
    expect(refused(json({ outputFormat: "bogus" }))).toBe("400 UnsupportedOutputImageFormatException");
    expect(refused(json({ outputFormat: 7 }))).toBe("400 UnsupportedOutputImageFormatException");
    expect(refused(json({ outputFormat: "bogus" }), strict)).toBe("400 UnsupportedOutputImageFormatException");
  });

  const efforts: [given: unknown, expected: number | undefined][] = [
    ...[0, 1, 2, 3, 4, 5, 6].map((effort): [unknown, number] => [effort, effort]),
    ...([
      [7, 4],
      [-1, 4],
      [3.9, 3],
      [-0.5, 0],
      ["5", 5],
      ["x", 4],
      [null, 0],
      [true, 1],
      [[], 0],
      [{}, 4],
      [undefined, undefined],
    ] as [unknown, number | undefined][]),
  ];
  it.each(efforts)("effort %o counts as %s", (given, expected) => {
    expect(parseRequest(json({ outputFormat: "webp", effort: given }), options).effort).toBe(expected);
    expect(parseRequest(json({ outputFormat: "webp", effort: given }), strict).effort).toBe(expected);
  });
  it("heeds effort only for WebP", () => {
    expect(parseRequest(json({ outputFormat: "png", effort: 2 }), options).effort).toBeUndefined();
    expect(parseRequest(json({ edits: { toFormat: "webp" }, effort: 2 }), options).effort).toBe(2);
    expect(parseRequest(json({ edits: { toFormat: "webp" }, effort: 2 }), strict).effort).toBeUndefined();
    expect(parseRequest({ path: json({ effort: 2 }), headers: { accept: "image/webp" } }, webp).effort).toBe(2);
  });
});

describe("a watermark's values", () => {
  it.each([
    "watermark(marks, folder/mark.png, 10, -20, 30, 25, 25)",
    "watermark(marks,%20folder/mark.png,%2010,%20-20,%2030,%2025,%2025)",
    "watermark(%20marks%20,%20folder/mark.png%20,%0910,-20%20,30,25,25)",
  ])("%s has blanks around them", (filter) => {
    const { overlayWith } = parseRequest(`/filters:${filter}/a.jpg`, options).edits;
    const place = { left: "10", top: "-20" };
    expect(overlayWith).toEqual({ bucket: "marks", key: "folder/mark.png", alpha: "30", wRatio: "25", hRatio: "25", options: place });
  });
  it("keeps the blanks inside a name", () => {
    const { overlayWith } = parseRequest("/filters:watermark(marks,%20my%20shop/a%20mark.png,0,0,0)/a.jpg", options).edits;
    expect(overlayWith).toMatchObject({ key: "my shop/a mark.png" });
  });
});

describe("filters that nobody knows", () => {
  it("are left out and told", () => {
    const meaning = explain("/filters:grayscale():sepia(2):blurr(3)/a.jpg", options);
    expect(meaning).toMatchObject({ edits: { grayscale: true }, unknownFilters: ["blurr", "sepia"] });
    expect(explain("/filters:grayscale()/a.jpg", options)).not.toHaveProperty("unknownFilters");
    expect(explain("/filters:brightness(10)/a.jpg", strict)).toMatchObject({ unknownFilters: ["brightness"] });
  });
});

describe("headers of the answer", () => {
  const headers = (given: unknown, how: RequestOptions = options): unknown =>
    parseRequest(base64({ key: "a", headers: given }), how).headers;
  const denied = [
    "authorization",
    "connection",
    "server",
    "transfer-encoding",
    "referrer-policy",
    "permissions-policy",
    "permissions-x",
    "www-authenticate",
    "proxy-authenticate",
    "x-api-key",
    "set-cookie",
    "x-frame-options",
    "x-content-type-options",
    "x-xss-protection",
    "strict-transport-security",
    "x-amz-meta",
    "x-amzn-trace",
    "access-control-allow-origin",
    "cross-origin-opener-policy",
    "content-type",
    "content-length",
    "content-security-policy",
  ];
  it.each(denied)("%s may not be set", (name) => {
    for (const how of [options, strict]) {
      for (const written of [name, name.toUpperCase()]) expect(headers({ [written]: "x", "X-Fine": "y" }, how)).toEqual({ "X-Fine": "y" });
    }
  });
  const unknown =
    "location refresh upgrade alt-svc service-worker-allowed etag vary clear-site-data speculation-rules set-login accept-ch link";
  const more =
    "no-vary-search document-policy sourcemap x-accel-redirect x-sendfile x-reproxy-url x-forwarded-for x-permitted-cross-domain-policies";
  it.each(`${unknown} ${more} contentless status content-disposition`.split(" "))("%s is not on the allow-list", (name) => {
    for (const how of [options, strict]) expect(headers({ [name]: "x", "X-Fine": "y" }, how)).toEqual({ "X-Fine": "y" });
  });
  it("keeps others as they are written", () => {
    expect(headers({ "Cache-Control": "max-age=1", "X-Custom": 5, Expires: "0", "Custom-Header": true })).toEqual({
      "Cache-Control": "max-age=1",
      "X-Custom": "5",
      Expires: "0",
      "Custom-Header": "true",
    });
    expect([headers(undefined), headers(null), headers({})]).toEqual([undefined, undefined, {}]);
    expect(parseRequest("/a.jpg", options)).not.toHaveProperty("headers");
  });
  it.each([
    { "a b": "x" },
    { "": "x" },
    { a: "x\r\nSet-Cookie: y" },
    { a: "x\u0000" },
    { "a\n": "x" },
    { a: null },
    { a: {} },
    { a: "中" },
    "x",
    [1],
  ])("%o is refused", (given) => expect(refused(base64({ key: "a", headers: given }))).toBe("400 DecodeRequest::CannotDecodeRequest"));
});

describe("presets, policies and screens", () => {
  const presets = { card: { edits: { resize: { width: 300, height: 200 }, grayscale: true }, outputFormat: "webp", quality: 70 } };
  const shop = { ...options, presets };
  it("fill in their edits under the URL's own", () => {
    expect(parseRequest("/a.jpg?preset=card", shop)).toMatchObject({
      edits: presets.card.edits,
      outputFormat: "webp",
      quality: 70,
      preset: "card",
    });
    expect(edits("/10x10/filters:blur(4)/a.jpg?preset=card", shop)).toEqual([
      ["resize", { width: 10, height: 10 }],
      ["grayscale", true],
      ["blur", 2],
    ]);
    expect(parseRequest(base64({ key: "a", preset: "card", outputFormat: "png" }), shop)).toMatchObject({
      outputFormat: "png",
      preset: "card",
    });
  });
  it.each(["bogus", "__proto__", "constructor", "Card", "card ", "card\u200B", ""])("named %o is not there", (name) => {
    expect(refused(`/a.jpg?preset=${name}`, shop)).toBe("404 ImagePreset::NotFound");
    expect(refused(base64({ key: "a", preset: name }), shop)).toBe("404 ImagePreset::NotFound");
  });

  it("are named by the last of several, and by a text", () => {
    expect(parseRequest("/a.jpg?preset=bogus&preset=card", shop)).toMatchObject({ preset: "card" });
    expect(refused("/a.jpg?preset=card&preset=bogus", shop)).toBe("404 ImagePreset::NotFound");
    for (const preset of [["card"], { toString: "card" }, 1, true])
      expect(refused(base64({ key: "a", preset }), shop)).toBe("404 ImagePreset::NotFound");
  });

  it("tell the operator what is wrong with them", () => {
    expect(findOptionProblems(shop)).toEqual([]);
    expect(findOptionProblems(options)).toEqual([]);
    const wrong = {
      ...options,
      presets: {
        a: { edits: { resise: { width: 1 }, resize: { width: -1 } }, outputFormat: "bogus", quality: 0, size: 3 },
        b: { edits: { overlayWith: { bucket: "nobody", key: "k" } } },
      },
      policy: { edits: ["blurr"], formats: ["jpg", "bmp"] },
      rewrite: { pattern: "/(/g", substitution: "x" },
    };
    expect(findOptionProblems(wrong).map((problem) => problem.split(": ")[0])).toEqual([
      "rewrite.pattern",
      "presets.a.size",
      "presets.a.edits.resise",
      "presets.a.edits",
      "presets.a.outputFormat",
      "presets.a.quality",
      "presets.b.edits",
      "policy.edits",
      "policy.formats",
    ]);
    expect(findOptionProblems({ ...options, policy: { only: "presets" } })).toEqual([
      "policy.only: expected presets beside it but there are none",
    ]);
  });

  const only = { ...shop, policy: { only: "presets" as const } };
  it.each(["/a.jpg", "/a.jpg?preset=card", "/a.jpg?preset=card&dpr=2"])("%s passes where only presets may", (path) => {
    expect(parseRequest(path, only).key).toBe("a.jpg");
  });
  it.each([
    "/10x10/a.jpg",
    "/a.jpg?width=5",
    "/a.jpg?preset=card&flip=1",
    "/a.jpg?quality=5",
    "/filters:max_bytes(9)/a.jpg",
    "/a.jpg?width=auto",
    "/filters:brightness(9)/a.jpg",
    base64({ key: "a", outputFormat: "png" }),
    base64({ key: "a", edits: { flip: true } }),
    base64({ key: "a", preset: "card", edits: { resize: { width: 9_999 } } }),
    "/a.jpg?preset=card&format=png",
    "/a.jpg?preset=card&width=9&preset=card",
  ])("%s does not", (path) => expect(refused(path, only)).toBe("403 ImagePolicy::NotAllowed"));

  const sized = { ...shop, policy: { sizes: [100, 200], formats: ["webp", "jpg"], edits: ["resize", "toFormat"] } };
  it.each(["/100x200/a.jpg", "/100x0/a.jpg?dpr=2", "/a.jpg?format=jpeg", "/a.jpg?preset=card", "/fit-in/a.jpg"])(
    "%s is within the policy",
    (path) => {
      expect(parseRequest(path, sized).key).toBe("a.jpg");
    },
  );
  it.each(["/101x200/a.jpg", "/a.jpg?width=5", "/filters:proportion(2)/a.jpg", "/a.jpg?format=png", "/filters:blur(3)/a.jpg"])(
    "%s is not",
    (path) => expect(refused(path, sized)).toBe("403 ImagePolicy::NotAllowed"),
  );

  const hinted = { ...options, clientHints: true };
  const screens: [path: string, headers: Record<string, string>, expected: object][] = [
    ["/100x50/a.jpg", { "Sec-CH-DPR": "2" }, { edits: { resize: { width: 200, height: 100 } }, dpr: 2, vary: ["Sec-CH-DPR", "DPR"] }],
    ["/100x50/a.jpg", { DPR: "3.0" }, { edits: { resize: { width: 300, height: 150 } }, dpr: 3 }],
    ["/100x50/a.jpg", {}, { edits: { resize: { width: 100, height: 50 } }, vary: ["Sec-CH-DPR", "DPR"] }],
    ["/a.jpg", { DPR: "3" }, { edits: {}, vary: [] }],
    ["/a.jpg?width=50&dpr=1", { DPR: "3" }, { edits: { resize: { width: 50 } }, vary: [] }],
    ["/a.jpg?width=auto", { "Sec-CH-Width": "641" }, { edits: { resize: { width: 700 } } }],
    ["/a.jpg?width=auto", { Width: "640", DPR: "2" }, { edits: { resize: { width: 700 } } }],
    ["/a.jpg?width=auto", { "Viewport-Width": "400", DPR: "2" }, { edits: { resize: { width: 800 } } }],
    ["/a.jpg?width=auto", {}, { edits: {} }],
    ["/a.jpg?width=auto", { Width: "x" }, { edits: {} }],
  ];
  it.each(screens)("%s for %o", (path, headers, expected) => {
    const [bare = "", query = ""] = path.split("?");
    expect(parseRequest({ path: bare, query, headers }, hinted)).toMatchObject(expected);
  });
  it("are told nothing of the screen unless the settings say so", () => {
    expect(parseRequest({ path: "/100x50/a.jpg", headers: { DPR: "3" } }, options)).toMatchObject({
      edits: { resize: { width: 100 } },
      vary: [],
    });
  });
});

describe("order of work", () => {
  const signed = { ...options, signature: { keys: ["k"] } };
  const late = "expires=20250101T000000Z";
  const rows: [target: string, given: RequestOptions, expected: string][] = [
    [`/a.bmp?${late}`, signed, "400 AuthorizationQueryParametersError"],
    [`/a.bmp?${late}&signature=x`, signed, "403 SignatureDoesNotMatch"],
    [`/a.bmp?${late}`, options, "400 ImageRequestExpired"],
    ["/a.bmp?width=-1", options, "400 RequestTypeError"],
    [base64({ bucket: "nobody", key: 7, edits: { resize: { width: -1 } } }), options, "403 ImageBucket::CannotAccessBucket"],
    [base64({ key: 7, edits: { resize: { width: -1 } } }), options, "400 DecodeRequest::CannotDecodeRequest"],
    [base64({ key: "", edits: { resize: { width: -1 } } }), options, "404 NoSuchKey"],
    [base64({ key: "a", edits: { crop: true, resize: { width: -1 } } }), options, "400 Crop::AreaOutOfBounds"],
    [base64({ key: "a", edits: { resize: { width: -1 }, crop: true }, outputFormat: "bogus" }), options, "400 InvalidResizeException"],
  ];
  it.each(rows)("%s", (target, given, expected) => expect(refused(target, given)).toBe(expected));

  it("keeps what is wrong with an edit until the original was found", () => {
    for (const target of [
      "/a.jpg?width=-1",
      "/a.jpg?format=bogus",
      "/filters:watermark(nobody,k,0,0)/a.jpg",
      edited({ crop: 1 }),
      base64({ key: "a", outputFormat: "x" }),
    ]) {
      const read = parseRequest(target, options);
      const { problem: _, ...withoutProblem } = read;
      expect(read.problem).toMatchObject({ code: expect.any(String) });
      expect(() => completeRequest(read, "image/jpeg")).toThrow(expect.objectContaining(read.problem));
      expect(planOf(read)).not.toEqual(planOf(withoutProblem));
    }
    expect(parseRequest("/a.jpg?width=1", options)).not.toHaveProperty("problem");
  });
});

describe("explain", () => {
  it("answers the classic fields, what is not known being absent", () => {
    expect(explain("/fit-in/300x200/a.jpg", options)).toEqual({
      requestType: "thumbor",
      bucket: "photos",
      key: "a.jpg",
      edits: { resize: { width: 300, height: 200, fit: "inside" } },
    });
    expect(
      explain(base64({ bucket: "marks", key: "a", edits: { grayscale: true }, outputFormat: "jpeg", headers: { "X-A": "b" } }), options),
    ).toEqual({
      requestType: "default",
      bucket: "marks",
      key: "a",
      edits: { grayscale: true },
      outputFormat: "jpeg",
      headers: { "X-A": "b" },
      contentType: "image/jpeg",
    });
  });
  it("knows more with the facts of the source", () => {
    const source = { contentType: "image/png", expires: "Tue, 24 Dec 2019 13:46:28 GMT", lastModified: "Sat, 19 Dec 2009 16:30:47 GMT" };
    const known = {
      contentType: "image/png",
      cacheControl: "max-age=31536000,public",
      expires: source.expires,
      lastModified: source.lastModified,
    };
    expect(explain("/a.jpg", options, source)).toMatchObject(known);
    expect(explain("/a.jpg", options, { ...source, cacheControl: "max-age=300,public" })).toMatchObject({
      cacheControl: "max-age=300,public",
    });
    expect(explain("/a.jpg?expires=20260102T030505Z", options, source)).toMatchObject({ cacheControl: "max-age=60,public" });
    expect(explain("/filters:format(png):quality(5)/a.jpg", options, source)).toMatchObject({
      contentType: "image/png",
      edits: { png: { quality: 5 } },
    });
  });
  it("explains the second reading too, when asked", () => {
    const { otherwise } = parseRequest("/30x20/smart/a.jpg", options);
    expect(otherwise && explainMeaning(otherwise, { contentType: "image/png" })).toMatchObject({ key: "a.jpg", contentType: "image/png" });
  });
  it("answers errors as the handler would", () => {
    expect(explain("/a.bmp", options)).toEqual({
      status: 400,
      code: "RequestTypeError",
      message: expect.stringMatching(/^Expected Base64 JSON/),
    });
  });
  it("takes a web-standard request", () => {
    const request = new Request("https://img.example.com/filters:rgb(10, 20, 30)/a b.jpg?width=5", { headers: { accept: "image/webp" } });
    expect(explain(request, { ...options, autoWebp: true })).toMatchObject({
      key: "a b.jpg",
      edits: { tint: { r: 25.5, g: 51, b: 76.5 }, resize: { width: 5 } },
      outputFormat: "webp",
    });
  });
});
