// A recipe: what is wanted of a picture, and the URLs and snippets that say it. Pure, so that what the page shows is what a site gets.

export interface Recipe {
  readonly bucket: string;
  /** Whether it is the first bucket, which a URL need not name. */
  readonly isFirst: boolean;
  readonly key: string;
  readonly width: number;
  readonly height: number;
  readonly fit: Fit;
  readonly format: string;
  /** 0: the server's own. */
  readonly quality: number;
  readonly rotate: number;
  readonly blur: number;
  readonly grayscale: boolean;
  /** Of the original, in pixels, before anything else. */
  readonly crop: Box | undefined;
  /** What must stay in view when it is cut to its size, in pixels of the original. */
  readonly focal: Box | undefined;
}

export const fits = ["cover", "inside", "stretch"] as const;
export type Fit = (typeof fits)[number];

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const boxText = ({ left, top, right, bottom }: Box): string => `${left}x${top}:${right}x${bottom}`;

/** A box that a URL or a field says: `10x20:110x220`. */
export function readBox(text: string): Box | undefined {
  const [left, top, right, bottom] = (/^(\d+)x(\d+):(\d+)x(\d+)$/.exec(text) ?? []).slice(1).map(Number);
  if (left === undefined || top === undefined || right === undefined || bottom === undefined || right <= left || bottom <= top)
    return undefined;
  return { left, top, right, bottom };
}

export const sayBox = (box: Box | undefined): string => (box === undefined ? "" : boxText(box));

/** What each number of a recipe may be. */
export const ranges = {
  w: { from: 0, to: 99_999, isWhole: true },
  h: { from: 0, to: 99_999, isWhole: true },
  quality: { from: 1, to: 100, isWhole: true },
  rotate: { from: -360, to: 360, isWhole: false },
  blur: { from: 0, to: 1_000, isWhole: false },
} as const;

/** A number that a URL or a field says; undefined: none, or one that is out of its range. */
export function readNumber(name: keyof typeof ranges, text: string): number | undefined {
  const { from, to, isWhole } = ranges[name];
  const value = text.trim() === "" ? Number.NaN : Number(text);
  return value >= from && value <= to && (!isWhole || Number.isInteger(value)) ? value : undefined;
}

const encodeKey = (key: string): string => key.split("/").map(encodeURIComponent).join("/");

/** The path in thumbor's words (docs/reference/images-urls.md). `width` stands for the recipe's own where one picture is wanted in many sizes. */
export function pathOf(recipe: Recipe, width = recipe.width): string {
  const { bucket, isFirst, key, height, fit, format, quality, rotate, blur, grayscale, crop, focal } = recipe;
  const ratio = recipe.width === 0 ? 1 : width / recipe.width;
  const tall = recipe.width === 0 ? height : Math.round(height * ratio);
  const filters = [
    ...(blur > 0 ? [`blur(${blur})`] : []),
    ...(focal === undefined ? [] : [`focal(${boxText(focal)})`]),
    ...(format === "" ? [] : [`format(${format})`]),
    ...(grayscale ? ["grayscale()"] : []),
    ...(quality > 0 ? [`quality(${quality})`] : []),
    ...(rotate !== 0 ? [`rotate(${rotate})`] : []),
    ...(fit === "stretch" && (width > 0 || tall > 0) ? ["stretch()"] : []),
  ];
  const parts = [
    ...(crop === undefined ? [] : [boxText(crop)]),
    ...(fit === "inside" && (width > 0 || tall > 0) ? ["fit-in"] : []),
    ...(width > 0 || tall > 0 ? [`${width}x${tall}`] : []),
    ...(isFirst ? [] : [`s3:${bucket}`]),
    ...(filters.length === 0 ? [] : [`filters:${filters.join(":")}`]),
    encodeKey(key),
  ];
  return `/${parts.join("/")}`;
}

/** The classic handler's request as JSON; its path is that text in Base64. */
export function jsonOf({ bucket, isFirst, key, width, height, fit, format, quality, rotate, blur, grayscale, crop }: Recipe): object {
  const resize = {
    ...(width > 0 ? { width } : {}),
    ...(height > 0 ? { height } : {}),
    fit: fit === "stretch" ? "fill" : fit === "inside" || width === 0 || height === 0 ? "inside" : "cover",
  };
  const edits = {
    ...(crop === undefined
      ? {}
      : { crop: { left: crop.left, top: crop.top, width: crop.right - crop.left, height: crop.bottom - crop.top } }),
    ...(width > 0 || height > 0 ? { resize } : {}),
    ...(blur > 0 ? { blur: blur / 2 } : {}),
    ...(grayscale ? { grayscale: true } : {}),
    ...(quality > 0 && format !== "" ? { [format]: { quality } } : {}),
    ...(rotate === 0 ? {} : { rotate }),
  };
  return {
    ...(isFirst ? {} : { bucket }),
    key,
    ...(Object.keys(edits).length === 0 ? {} : { edits }),
    ...(format === "" ? {} : { outputFormat: format }),
  };
}

/** Text in Base64, its characters in UTF-8. */
export const base64Of = (text: string): string => btoa(String.fromCodePoint(...new TextEncoder().encode(text)));

const escapeAttribute = (text: string): string => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");

export interface Snippet {
  readonly name: string;
  readonly text: string;
}

/** Widths of a `srcset`: the wanted one and those a page needs around it. */
const widthsOf = (width: number): readonly number[] => (width === 0 ? [400, 800, 1_600] : [Math.ceil(width / 2), width, width * 2]);

/** How a page says it. `urlOf` makes a whole URL of a path. */
export function snippetsOf(recipe: Recipe, urlOf: (path: string) => string): readonly Snippet[] {
  const url = (width?: number, format = recipe.format): string => urlOf(pathOf({ ...recipe, format }, width));
  const set = (format?: string): string =>
    widthsOf(recipe.width)
      .map((width) => `${url(width, format)} ${width}w`)
      .join(", ");
  const size = recipe.width === 0 ? "100vw" : `(max-width: ${recipe.width}px) 100vw, ${recipe.width}px`;
  const attribute = escapeAttribute;
  return [
    { name: "<img srcset>", text: `<img src="${attribute(url())}"\n     srcset="${attribute(set())}"\n     sizes="${size}" alt="">` },
    {
      name: "<picture>",
      text: `<picture>\n${["avif", "webp"].map((format) => `  <source type="image/${format}" srcset="${attribute(set(format))}" sizes="${size}">`).join("\n")}\n  <img src="${attribute(url(undefined, "jpeg"))}" alt="">\n</picture>`,
    },
    {
      name: "Next.js loader",
      text: `// next.config: images: { loader: "custom", loaderFile: "./stockroom-loader.js" }\nexport default function stockroomLoader({ src, width, quality }) {\n  return \`${urlOf("")}/\${width}x0/filters:format(webp)\${quality ? \`:quality(\${quality})\` : ""}/\${src.split("/").map(encodeURIComponent).join("/")}\`;\n}`,
    },
    { name: "thumbor", text: url() },
    {
      name: "AWS handler, JSON",
      text: `${JSON.stringify(jsonOf(recipe), undefined, 2)}\n\n${urlOf(`/${base64Of(JSON.stringify(jsonOf(recipe)))}`)}`,
    },
  ];
}
