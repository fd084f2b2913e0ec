// Up: the picture server as the command line and the app open it. No database, no durable engine: settings, sources, a port.

import path from "node:path";
import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { isLoopback, readConfig } from "../../platform/config/index.ts";
import { makeLog } from "../../platform/log.ts";
import type { Log } from "../../platform/log.ts";
import { signText, textToSign } from "../engine/requests/signature.ts";
import { makeAccessLog } from "../service/access.ts";
import { noSources, openImages } from "../service/handler.ts";
import type { OpenImages } from "../service/handler.ts";
import { metricsText } from "../service/metrics.ts";
import { imageSettings } from "../service/settings.ts";
import type { Environment, ImageSettings, SourceValue } from "../service/settings.ts";
import { readNamedSource } from "../store/sources/open.ts";
import { makeListener } from "../http/node.ts";
import { makePlayground } from "../http/playground.ts";
import { servePictures } from "../http/serve.ts";
import type { OpenPictureServer } from "../http/serve.ts";

/** What the command line knows when it opens a picture server. */
export interface PictureWorld {
  readonly cwd: string;
  readonly env: Environment;
  /** The settings file, when it was named. */
  readonly file?: string | undefined;
  /** Sections of the settings file that are others' to check. */
  readonly otherSections: readonly string[];
  /** Settings given by flags, by path. */
  readonly flags?: Readonly<Record<string, string | number | boolean | undefined>>;
}

/** The settings of pictures, of the server and of the log, without the rest of the app. */
export function readPictureSettings({ cwd, env, file, otherSections, flags }: PictureWorld) {
  const others = Object.fromEntries(otherSections.map((name) => [name, z.record(z.string(), z.unknown()).optional()]));
  const { values, file: found } = readConfig({ sections: { ...others, images: imageSettings }, cwd, env, file, flags: flags ?? {} });
  // A folder in the file is meant from where the file is.
  return {
    server: values.server,
    log: values.log,
    images: (values as unknown as { images: ImageSettings }).images,
    folder: found === undefined ? cwd : path.dirname(found),
  };
}

/** An open picture server, and what to say about it. */
export interface UpPictures extends OpenPictureServer {
  readonly buckets: readonly string[];
  readonly playground: boolean;
}

/**
 * Opens the picture server: `stockroom up images`. `sources` are `NAME=PLACE` and come before those of the settings.
 *
 * Throws `input` for settings that cannot be, and what `servePictures` throws.
 */
export async function upPictures(world: PictureWorld, sources: readonly string[]): Promise<UpPictures> {
  const { server, log: logSettings, images, folder } = readPictureSettings(world);
  const format = logSettings.format === "auto" ? (process.stderr.isTTY ? "pretty" : "json") : logSettings.format;
  const log = makeLog({ level: logSettings.level, format });
  const named: Record<string, SourceValue> = {};
  for (const text of sources) {
    const [name, setting] = readNamedSource(text, world.cwd);
    named[name] = setting.kind === "folder" ? { folder: setting.folder } : text.slice(name.length + 1);
  }
  const open = await openImages({ ...images, sources: { ...named, ...images.sources }, folder, environment: world.env, log });
  try {
    if (open.requests.buckets.length === 0) throw noSources();
    const inside = isLoopback(server.host);
    const access =
      images.accessLog && logSettings.level !== "silent" ? makeAccessLog((lines) => void process.stderr.write(lines)) : undefined;
    const listening = await servePictures({
      service: open.service,
      access,
      ownPages: true,
      metrics: open.settings.metrics,
      host: server.host,
      port: server.port,
      ...(inside ? { playground: playgroundOf(open, "") } : {}),
    });
    return {
      url: listening.url,
      buckets: open.requests.buckets,
      playground: inside,
      close: async () => {
        await listening.close();
        access?.close();
        await open.close();
      },
    };
  } catch (error) {
    await open.close();
    throw error;
  }
}

/** The pictures of the app, below `/images/` on its port. */
export interface AppPictures {
  /** Answers every request whose path begins with `/images/`. */
  listener(request: IncomingMessage, response: ServerResponse): void;
  metrics(): string;
  close(): Promise<void>;
}

/** Opens the pictures of the app; undefined when no sources are named. Throws `input` for settings that cannot be. */
export async function appPictures(options: {
  readonly settings: ImageSettings;
  readonly folder: string;
  readonly env: Environment;
  readonly log: Log;
}): Promise<AppPictures | undefined> {
  const { settings, folder, env, log } = options;
  if (Object.keys(settings.sources).length === 0 && (env["SOURCE_BUCKETS"] ?? "") === "") return undefined;
  const open = await openImages({ ...settings, folder, environment: env, log: log.child({ room: "images" }) });
  const access = settings.accessLog ? makeAccessLog((lines) => void process.stderr.write(lines)) : undefined;
  return {
    listener: makeListener({
      service: open.service,
      access,
      prefix: "/images",
      ownPages: false,
      playground: playgroundOf(open, "/images"),
    }),
    metrics: () => metricsText(open.service),
    close: async () => {
      access?.close();
      await open.close();
    },
  };
}

function playgroundOf({ own, requests, settings }: OpenImages, prefix: string): ReturnType<typeof makePlayground> {
  // A caller that looks like one of this machine may be a proxy: signing for it would make signatures worthless, so it has to be asked for.
  const key = settings.playground.sign ? requests.signature?.keys[0] : undefined;
  const sign = (target: string): string => {
    const [pathname = "", query = ""] = target.split("?", 2);
    const pairs = [...new URLSearchParams(query)];
    const signature = signText(textToSign(pathname, pairs, requests.compat), key ?? "");
    return `${target}${query === "" ? "?" : "&"}signature=${signature}`;
  };
  return makePlayground({
    sources: own ?? { buckets: [], list: async () => [] },
    prefix,
    sign: key === undefined ? undefined : sign,
  });
}
