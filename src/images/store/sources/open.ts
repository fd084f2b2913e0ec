// Opening sources: from `photos=DIR`, `shop=s3://bucket/prefix`, `supplier=https://host/folder` to one `Sources`.

import path from "node:path";
import { StockroomError } from "../../../platform/errors.ts";
import type { Source, Sources } from "./contract.ts";
import { openFolder } from "./folder.ts";
import type { SourceLimits } from "./limits.ts";

/** One source as settings say it; its name is the bucket's name in URLs. */
export type SourceSetting =
  | { readonly kind: "folder"; readonly folder: string }
  | {
      readonly kind: "s3";
      readonly bucket: string;
      readonly prefix?: string | undefined;
      readonly region?: string | undefined;
      readonly endpoint?: string | undefined;
    }
  | {
      readonly kind: "http";
      readonly url: string;
      readonly hosts?: readonly string[] | undefined;
      readonly allowPrivate?: boolean | undefined;
    };

/** Reads a source's short form: a folder, `s3://bucket/prefix` or a web address. Throws `input` `IMAGE_SOURCE`. */
export function readSource(text: string, cwd: string): SourceSetting {
  if (/^https?:\/\//i.test(text)) return { kind: "http", url: text };
  const s3 = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(text);
  if (s3 !== null)
    return { kind: "s3", bucket: s3[1] ?? "", prefix: s3[2] === undefined || s3[2] === "" ? "" : s3[2].replace(/\/*$/, "/") };
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text) || text === "") {
    throw new StockroomError(
      "input",
      "IMAGE_SOURCE",
      `Expected a folder, s3://bucket/prefix or https://host/folder but received ${JSON.stringify(text)}. Correct it.`,
    );
  }
  return { kind: "folder", folder: path.resolve(cwd, text) };
}

/** Reads `NAME=PLACE`. Throws `input` `IMAGE_SOURCE`. */
export function readNamedSource(text: string, cwd: string): readonly [string, SourceSetting] {
  const at = text.indexOf("=");
  const name = text.slice(0, Math.max(0, at));
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)) {
    throw new StockroomError(
      "input",
      "IMAGE_SOURCE",
      `Expected a source such as photos=./photos but received ${JSON.stringify(text)}. Give it a name of letters, digits, dots and dashes.`,
    );
  }
  return [name, readSource(text.slice(at + 1), cwd)];
}

/** Open sources, and what they can show. */
export interface OpenSources extends Sources {
  readonly buckets: readonly string[];
  list(bucket: string, most: number): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Opens every source; the first named is the default bucket. Throws what the sources throw at opening. */
export async function openSources(settings: Readonly<Record<string, SourceSetting>>, limits: SourceLimits): Promise<OpenSources> {
  const opened = new Map<string, Source>();
  const web: (Source & { takes(url: string): boolean })[] = [];
  // HTTP sources bring a client that takes a while to load: only for those who have one.
  const http = Object.values(settings).some((one) => one.kind === "http") ? await import("./http.ts") : undefined;
  for (const [name, setting] of Object.entries(settings)) {
    if (setting.kind === "folder") opened.set(name, await openFolder(setting.folder, limits));
    else if (setting.kind === "s3")
      opened.set(name, await (await import("./s3.ts")).openS3({ ...setting, prefix: setting.prefix ?? "", limits }));
    else if (http !== undefined) {
      const { url, hosts = [], allowPrivate = false } = setting;
      const source = http.openHttp({ url, hosts, allowPrivate, limits });
      opened.set(name, source);
      web.push(source);
    }
  }

  /** A key that is a web address goes to the source whose allow-list has it, whichever bucket it was asked of. */
  const sourceOf = (bucket: string, key: string): Source | undefined => {
    const own = opened.get(bucket);
    if (http === undefined || !http.isWebKey(key)) return own;
    const url = http.webAddress(key);
    return web.find((source) => source.takes(url)) ?? web.find((source) => source === own) ?? web[0] ?? own;
  };

  return {
    buckets: [...opened.keys()],
    read: async (bucket, key, signal) => await sourceOf(bucket, key)?.read(key, signal),
    readIfChanged: async (bucket, key, version, signal) => await sourceOf(bucket, key)?.readIfChanged(key, version, signal),
    list: async (bucket, most) => (await opened.get(bucket)?.list?.(most)) ?? [],
    close: async () => {
      for (const source of opened.values()) await source.close?.();
    },
  };
}
