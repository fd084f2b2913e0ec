// Routes: pictures as they are answered, below `/images/` of the app's port or alone on a port of their own. No framework on either way.
//
// Owns: putting service, listener and playground together. Does not own: what a URL means (engine), the answer (service).

import process from "node:process";
import type { Registry } from "prom-client";
import { isLoopback } from "../../platform/config/index.ts";
import { makeLog } from "../../platform/log.ts";
import { batchAccess } from "../../platform/web/access.ts";
import type { Front, FrontGiven, OpenAlone, OwnSettings } from "../../platform/module.ts";
import { repeated } from "../../platform/command/flags.ts";
import { signText, textToSign } from "../engine/requests/signature.ts";
import { noSources, openPictures } from "../service/handler.ts";
import type { OpenImages } from "../service/handler.ts";
import { measureService } from "../service/metrics.ts";
import type { ImageSettings, SourceValue } from "../service/settings.ts";
import { readNamedSource } from "../store/sources/open.ts";
import { makeListener } from "./node.ts";
import { makePlayground } from "./playground.ts";
import { servePictures } from "./serve.ts";

/** Pages about the pictures themselves, which list keys and sign. */
const ownPages = /^\/images\/(?:$|[?#]|(?:playground|metrics)(?:[/?#]|$))/;

/** Opens the pictures of the app; undefined when no sources are named. Throws `input` for settings that cannot be. */
export async function openFront({ settings, folder, env, log }: FrontGiven<ImageSettings>): Promise<Front | undefined> {
  if (Object.keys(settings.sources).length === 0 && (env["SOURCE_BUCKETS"] ?? "") === "") return undefined;
  const open = await openPictures({ settings, seams: { folder, environment: env, log } });
  const access = settings.accessLog ? batchAccess("images", (lines) => void process.stderr.write(lines)) : undefined;
  return {
    listener: makeListener({
      service: open.service,
      access,
      prefix: "/images",
      ownPages: false,
      playground: playgroundOf(open, "/images"),
    }),
    isGuarded: (url) => ownPages.test(url),
    measure: (registry: Registry) => measureService(registry, open.service),
    close: async () => {
      access?.close();
      await open.close();
    },
  };
}

/**
 * Opens the picture server: `stockroom up images`. The sources among `words` are `NAME=PLACE` and come before those of the settings; of
 * a name that both have, theirs counts.
 *
 * Throws `input` for settings that cannot be, and what `servePictures` throws.
 */
export async function openAlone(given: OwnSettings<ImageSettings>, words: readonly string[]): Promise<OpenAlone> {
  const { server, log: logSettings, own, folder, cwd, env } = given;
  const format = logSettings.format === "auto" ? (process.stderr.isTTY ? "pretty" : "json") : logSettings.format;
  const log = makeLog({ level: logSettings.level, format });
  const named: Record<string, SourceValue> = {};
  for (const text of repeated(words, "source")) {
    const [name, setting] = readNamedSource(text, cwd);
    named[name] = setting.kind === "folder" ? { folder: setting.folder } : text.slice(name.length + 1);
  }
  const settings = { ...own, sources: { ...named, ...own.sources, ...named } };
  const open = await openPictures({ settings, seams: { folder, environment: env, log } });
  try {
    const { buckets } = open.requests;
    if (buckets.length === 0) throw noSources();
    const inside = isLoopback(server.host);
    const access =
      own.accessLog && logSettings.level !== "silent" ? batchAccess("images", (lines) => void process.stderr.write(lines)) : undefined;
    const listening = await servePictures({
      service: open.service,
      access,
      ownPages: true,
      metrics: open.settings.metrics,
      host: server.host,
      port: server.port,
      ...(inside ? { playground: playgroundOf(open, "") } : {}),
    });
    const more = inside ? ` Try them at ${listening.url}/playground.` : "";
    return {
      url: listening.url,
      about: `Pictures are served at ${listening.url} from ${buckets.join(", ")}.${more}`,
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
