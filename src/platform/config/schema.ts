// Schema: the platform's settings, and the words in which any part declares its own.
//
// A setting is a zod type; what zod has no word for (secret, path, what to say when it is wrong) stands in its `meta`.

import { z } from "zod";
import { isNetwork } from "../web/proxies.ts";

/** What a setting's `meta` may say beyond zod. */
export interface SettingMeta {
  /** One line for `stockroom config print` and the documentation. */
  readonly description?: string;
  /** What a right value looks like, as it follows "expected". Default: what zod says, in plain words. */
  readonly expected?: string;
  /** `whole`: never shown. `url`: shown without its password. Either may come from a file named by `NAME_FILE`. */
  readonly secret?: "whole" | "url";
  /** A path: relative ones count from the folder of the file that names them, or from the working directory. */
  readonly path?: true;
  /** For paths: the default, as a name inside the home folder. */
  readonly inHome?: string;
}

/** A secret text; masked wherever settings are shown. */
export function secret(meta: SettingMeta = {}): z.ZodString {
  return z
    .string()
    .min(1)
    .meta({ secret: "whole", ...meta });
}

/** A URL that may hold a password. */
export function secretUrl(protocols: readonly string[], meta: SettingMeta = {}): z.ZodType<string, string> {
  const expected = meta.expected ?? `a URL that begins with ${protocols.map((name) => `${name}://`).join(" or ")}`;
  return z
    .string()
    .refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol.slice(0, -1)))
    .meta({ secret: "url", ...meta, expected });
}

/** A path, made absolute; absent, the name `inHome` inside the home folder. */
export function pathInHome(inHome: string, meta: SettingMeta = {}): z.ZodString {
  return z
    .string()
    .min(1)
    .meta({ path: true, inHome, ...meta });
}

const units: Readonly<Record<string, number>> = {
  b: 1,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
};

/** A size in bytes: a number, or a text like `512 MiB`. */
export function bytes(meta: SettingMeta = {}): z.ZodType<number, number | string> {
  return amount(units, { expected: "a size such as 1048576, 512 MiB or 5 GiB", ...meta });
}

const durations: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration in milliseconds: a number, or a text like `30 s`. */
export function duration(meta: SettingMeta = {}): z.ZodType<number, number | string> {
  return amount(durations, { expected: "a duration such as 500 (milliseconds), 30 s, 5 min or 2 h", ...meta });
}

function amount(scale: Readonly<Record<string, number>>, meta: SettingMeta): z.ZodType<number, number | string> {
  return z
    .union([z.number(), z.string()])
    .transform((value) => {
      if (typeof value === "number") return value;
      const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(value.trim());
      const factor = match?.[2] === "" ? 1 : scale[match?.[2]?.toLowerCase() ?? ""];
      return match === null || factor === undefined ? Number.NaN : Math.round(Number(match[1]) * factor);
    })
    .refine((value) => Number.isSafeInteger(value) && value >= 0)
    .meta({ ...meta });
}

/** The values of a record as zod wants a union's kinds: at least one. */
function values<T>(record: Readonly<Record<string, T>>): [T, ...T[]] {
  const [first, ...rest] = Object.values(record);
  if (first === undefined) throw new Error("Expected at least one kind but there is none.");
  return [first, ...rest];
}

const wholeNumber = (from: number, to: number, description: string): z.ZodNumber =>
  z
    .int()
    .min(from)
    .max(to)
    .meta({ description, expected: to >= 1_000_000 ? `a whole number from ${from}` : `a whole number from ${from} to ${to}` });

const deliveryTimeout = duration({ description: "Longest time for one delivery; absent: 15 seconds." }).optional();

/** The kinds of channels with their settings; what each does stands in notify/channels.ts, which does not compile without one of them. */
const channelKinds = {
  log: z.object({ kind: z.literal("log") }),
  smtp: z.object({
    kind: z.literal("smtp"),
    url: secretUrl(["smtp", "smtps"], { description: "Mail server, e.g. smtp://user:password@host:587." }),
    from: z.string().includes("@").meta({ description: "Sender.", expected: "an address such as Stockroom <stockroom@example.com>" }),
    to: z.array(z.string().includes("@")).min(1).meta({ description: "Receivers.", expected: "a list of at least one address" }),
    timeoutMs: deliveryTimeout,
  }),
  webhook: z.object({
    kind: z.literal("webhook"),
    url: secretUrl(["https", "http"], { description: "Where notices are posted." }),
    secret: secret({ description: "Signing secret of Standard Webhooks.", expected: "a secret that begins with whsec_" }).startsWith(
      "whsec_",
    ),
    timeoutMs: deliveryTimeout,
  }),
  slack: z.object({
    kind: z.literal("slack"),
    url: z.url({ protocol: /^https?$/ }).meta({ secret: "whole", description: "Incoming webhook of Slack; the URL itself is the secret." }),
    timeoutMs: deliveryTimeout,
  }),
  teams: z.object({
    kind: z.literal("teams"),
    url: z.url({ protocol: /^https?$/ }).meta({
      secret: "whole",
      description:
        "Microsoft Teams: the address of a workflow that begins when a webhook request is received; the URL itself is the secret.",
    }),
    timeoutMs: deliveryTimeout,
  }),
};
const channel = z.discriminatedUnion("kind", values(channelKinds));

/** One way out, as the settings name it, with its secrets in plain text. */
export type ChannelSettings = z.output<typeof channel>;

const access = z.enum(["none", "read", "write", "read-write"]);

const kept = (normally: string, description: string) =>
  duration({ description: `${description} How long; 0: for ever.` }).prefault(normally);

const groups = (role: string) =>
  z
    .array(z.string().min(1))
    .meta({ description: `Groups of the provider whose members are ${role}.`, expected: "a list of group names" })
    .default([]);

/** Sign-in by an OpenID Connect provider. */
const oidc = z.object({
  issuer: z.url({ protocol: /^https?$/ }).meta({
    description: "Address of the provider; its /.well-known/openid-configuration is read.",
    expected: "an address such as https://login.example.com",
  }),
  clientId: z.string().min(1).meta({ description: "As what the provider knows this installation." }),
  clientSecret: secret({ description: "Secret of that client; absent: a public client." }).optional(),
  scopes: z
    .array(z.string().min(1))
    .meta({ description: "What is asked of the provider, openid in any case.", expected: "a list of scopes" })
    .default(["openid", "profile", "email"]),
  nameClaim: z
    .string()
    .min(1)
    .meta({ description: "Claim that holds a person's name here; unique and not theirs to change." })
    .default("preferred_username"),
  groupsClaim: z
    .string()
    .min(1)
    .meta({ description: "Claim that holds a person's groups; dots lead into objects: realm_access.roles." })
    .default("groups"),
  label: z.string().min(1).max(60).meta({ description: "What people call the provider." }).default("your organisation's account"),
  roles: z
    .object({
      viewer: groups("viewer"),
      reviewer: groups("reviewer"),
      planner: groups("planner"),
      operator: groups("operator"),
      administrator: groups("administrator"),
    })
    .prefault({}),
});

/** Sign-in by a provider, as the settings say. */
export type OidcSettings = z.output<typeof oidc>;

/** The settings of the platform. Modules add sections of their own beside these. */
export const baseSections = {
  home: z.string().min(1).meta({ path: true, description: "Folder of everything Stockroom keeps." }).default(".stockroom"),
  database: z
    .object({
      url: secretUrl(["postgres", "postgresql"], {
        description: "A PostgreSQL of your own; absent: the embedded one. DATABASE_URL always wins.",
        expected: "a URL such as postgres://user:password@host:5432/name",
      }).optional(),
      poolSize: wholeNumber(5, 500, "Connections of one process, all together.").default(10),
    })
    .prefault({}),
  server: z
    .object({
      host: z.string().min(1).meta({ description: "Address to listen on; beyond loopback a token is needed." }).default("127.0.0.1"),
      port: wholeNumber(0, 65_535, "Port to listen on; 0 chooses a free one.").default(8080),
      token: secret({ description: "Token that callers must bring.", expected: "a token of at least 16 characters" }).min(16).optional(),
      uploadMaxBytes: bytes({ description: "Largest upload." }).prefault("5 GiB"),
    })
    .prefault({}),
  auth: z.object({
    usersFile: pathInHome("users.yaml", { description: "The password file: who may sign in by a password. Written by `stockroom users`." }),
    sessionIdleMs: duration({ description: "A session that is not used ends after so long." }).prefault("12 h"),
    sessionLongestMs: duration({ description: "A session ends after so long in any case." }).prefault("7 d"),
    publicUrl: z
      .url({ protocol: /^https?$/ })
      .refine((text) => URL.canParse(text) && new URL(text).pathname === "/" && new URL(text).search === "")
      .meta({
        description: "Where people reach the server, when a proxy stands before it.",
        expected: "an address such as https://stockroom.example.com",
      })
      .optional(),
    trustedProxies: z
      .array(z.string().refine(isNetwork))
      .meta({
        description: "Addresses of proxies whose X-Forwarded-Proto and X-Forwarded-For are believed.",
        expected: "a list of addresses or networks such as 10.0.0.0/8",
      })
      .default([]),
    oidc: oidc.optional(),
  }),
  disk: z
    .object({ minFree: bytes({ description: "Below so much room on a disk the server is not ready." }).prefault("256 MiB") })
    .prefault({}),
  objects: z.object({
    driver: z.enum(["folder"]).meta({ description: "Where sealed objects lie." }).default("folder"),
    root: pathInHome("objects", { description: "Folder of the sealed objects." }),
  }),
  vault: z.object({
    keyFile: pathInHome("keys.json", { description: "File of the wrapping keys." }),
    grants: z
      .record(z.string(), z.record(z.string(), access))
      .meta({ description: "What roles may do beyond or below their defaults: role -> zone -> none, read, write or read-write." })
      .default({}),
  }),
  workflow: z
    .object({
      executorId: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/)
        .meta({
          description: "Stable name of this process; absent: made of the home folder or the host.",
          expected: "letters, digits, dots and dashes, at most 63",
        })
        .optional(),
      threads: wholeNumber(1, 1_024, "Threads for heavy compute; absent: as many as cores.").optional(),
      concurrency: z
        .record(z.string(), z.int().min(1))
        .meta({ description: "Runs at once in one process, by queue.", expected: "queue names, each with a whole number from 1" })
        .default({}),
      livenessIntervalMs: duration({ description: "How often executors look whether the others live." }).prefault("1 s"),
      livenessMisses: wholeNumber(1, 1_000, "Looks in vain until an executor counts as dead.").default(3),
      crashLimit: wholeNumber(1, 1_000, "Deaths of the process under one run until it goes to the dead letters.").default(3),
    })
    .prefault({}),
  retention: z
    .object({
      formerVersions: kept("365 d", "Former versions of objects that nothing refers to; zones of records are kept for ever."),
      removedObjects: kept("365 d", "Rows of objects whose bytes are gone."),
      staging: kept("30 d", "Marks of finished uploads."),
      keyUses: kept("400 d", "The log of uses of keys."),
      notices: kept("180 d", "Notices and their deliveries."),
      deadLetters: kept("90 d", "Dead letters that were redriven or dropped."),
      runs: kept("30 d", "Runs that ended, with their steps."),
      events: kept("30 d", "Events that everybody has."),
    })
    .prefault({}),
  upkeep: z
    .object({
      scrubSchedule: z.string().min(1).meta({ description: "When every byte of the store is read, as cron in UTC." }).default("23 3 * * 0"),
      scrubBytesPerSecond: bytes({ description: "The pace of that reading." })
        .refine((value) => value > 0)
        .prefault("20 MB"),
    })
    .prefault({}),
  inbox: z.object({
    folder: pathInHome("inbox", { description: "Files put here are taken as uploads." }),
    settleMs: duration({ description: "How long a file must stay unchanged before it is taken." }).prefault("2 s"),
  }),
  publish: z
    .strictObject({
      targets: z
        .record(
          z.string().regex(/^[a-z][a-z0-9-]{0,30}$/),
          z.strictObject({
            url: secretUrl(["postgres", "postgresql", "redshift"], {
              description: "A database that dashboards read: PostgreSQL or Redshift.",
            }),
            schema: z.string().min(1).max(63).meta({ description: "Schema of that database for the tables." }).default("stockroom"),
            tables: z
              .array(z.string().min(1))
              .min(1)
              .meta({ description: "Tables as `stockroom sql` lists them.", expected: "a list of at least one table, e.g. aggregated" }),
            readers: z.array(z.string().min(1)).meta({ description: "Roles of that database that may read the tables." }).default([]),
          }),
        )
        .meta({ description: "Where tables are published, by name.", expected: "names of small letters, each with url and tables" })
        .default({}),
      schedule: z
        .string()
        .min(1)
        .meta({ description: "When targets are looked at besides after each change, as cron in UTC." })
        .default("7 * * * *"),
    })
    .prefault({}),
  notify: z
    .object({
      channels: z
        .record(z.string(), channel)
        .meta({ description: "Ways out for notices, by name." })
        .default({ log: { kind: "log" } }),
      topics: z
        .record(z.string(), z.array(z.string()))
        .meta({
          description: "Topic -> channels; a topic, a beginning that ends in a dot, or *.",
          expected: "topics, each with a list of channel names",
        })
        .default({ "*": ["log"] }),
    })
    .prefault({}),
  tracing: z
    .object({
      endpoint: z
        .url({ protocol: /^https?$/ })
        .meta({
          description: "Collector of OpenTelemetry that spans are sent to over OTLP/HTTP; absent: OTEL_EXPORTER_OTLP_ENDPOINT, or none.",
          expected: "an address such as http://127.0.0.1:4318",
        })
        .optional(),
      share: z.number().min(0).max(1).meta({ description: "Share of traces that is kept, of those that begin here." }).default(1),
    })
    .prefault({}),
  log: z
    .object({
      level: z.enum(["debug", "info", "warn", "error", "silent"]).meta({ description: "Least level that is written." }).default("info"),
      format: z.enum(["auto", "json", "pretty"]).meta({ description: "auto: pretty on a terminal, else json." }).default("auto"),
    })
    .prefault({}),
} as const;

/** The values of the platform's settings, all paths absolute. */
export type BaseSettings = { readonly [Name in keyof typeof baseSections]: z.output<(typeof baseSections)[Name]> };
