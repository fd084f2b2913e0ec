import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { checkConfig, describeConfig, formatProblem, printConfig, readConfig, sampleFile } from "./index.ts";
import type { Config, Sections } from "./index.ts";
import { secret } from "./schema.ts";
import { environmentName } from "./walk.ts";

const root = mkdtempSync(path.join(os.tmpdir(), "stockroom-config-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
/** A folder with a settings file in it. */
function folderWith(yaml: string | undefined): string {
  const folder = path.join(root, String(count++));
  mkdirSync(folder);
  if (yaml !== undefined) writeFileSync(path.join(folder, "stockroom.yaml"), yaml);
  return folder;
}

interface Given<S extends Sections> {
  readonly yaml?: string;
  readonly env?: Record<string, string>;
  readonly flags?: Record<string, string | number | boolean | undefined>;
  readonly sections?: S;
  readonly cwd?: string;
}

function read(given: Given<Sections> = {}): Config<Sections> & { cwd: string } {
  const cwd = given.cwd ?? folderWith(given.yaml);
  return { ...readConfig({ sections: given.sections ?? {}, env: given.env ?? {}, flags: given.flags ?? {}, cwd }), cwd };
}

function mistakes(given: Given<Sections>): string[] {
  const cwd = given.cwd ?? folderWith(given.yaml);
  const check = checkConfig({ sections: given.sections ?? {}, env: given.env ?? {}, flags: given.flags ?? {}, cwd });
  return check.kind === "bad" ? check.problems.map(formatProblem) : [];
}

describe("values", () => {
  it("are complete without any file", () => {
    const { values, cwd, file } = read();
    expect(file).toBeUndefined();
    const home = path.join(cwd, ".stockroom");
    expect(values).toEqual({
      home,
      database: { poolSize: 10 },
      server: { host: "127.0.0.1", port: 8080, uploadMaxBytes: 5 * 2 ** 30 },
      auth: {
        usersFile: path.join(home, "users.yaml"),
        sessionIdleMs: 12 * 3_600_000,
        sessionLongestMs: 7 * 86_400_000,
        trustedProxies: [],
      },
      disk: { minFree: 2 ** 28 },
      objects: { driver: "folder", root: path.join(home, "objects") },
      publish: { targets: {}, schedule: "7 * * * *" },
      vault: { keyFile: path.join(home, "keys.json"), grants: {} },
      workflow: { concurrency: {}, livenessIntervalMs: 1000, livenessMisses: 3, crashLimit: 3 },
      retention: {
        formerVersions: 365 * 86_400_000,
        removedObjects: 365 * 86_400_000,
        staging: 30 * 86_400_000,
        keyUses: 400 * 86_400_000,
        notices: 180 * 86_400_000,
        deadLetters: 90 * 86_400_000,
        runs: 30 * 86_400_000,
        events: 30 * 86_400_000,
      },
      upkeep: { scrubSchedule: "23 3 * * 0", scrubBytesPerSecond: 20_000_000 },
      inbox: { folder: path.join(home, "inbox"), settleMs: 2000 },
      notify: { channels: { log: { kind: "log" } }, topics: { "*": ["log"] } },
      tracing: { share: 1 },
      log: { level: "info", format: "auto" },
    });
  });

  it("of the sign-in are checked, each at its place", () => {
    const yaml = [
      "auth:",
      "  publicUrl: stockroom.example.com",
      "  trustedProxies: [10.0.0.0/99]",
      "  oidc:",
      "    issuer: http://login.example.com",
      "    clientId: stockroom",
      "    scopes: [profile]",
      "    roles:",
      "      king: [all]",
    ].join("\n");
    const told = mistakes({ yaml });
    expect(told).toContainEqual(expect.stringMatching(/^stockroom.yaml:2:14: auth.publicUrl: expected an address/));
    expect(told).toContainEqual(
      expect.stringMatching(/^stockroom.yaml:3:20: auth.trustedProxies.0: expected a list of addresses|^stockroom.yaml:3:/),
    );
    expect(told).toContainEqual(expect.stringMatching(/^stockroom.yaml:9:7: auth.oidc.roles.king: unknown/));
    const good = yaml.replace("stockroom.example.com", "https://stockroom.example.com").replace("/99", "/8");
    const later = mistakes({ yaml: good.replace("king: [all]", "viewer: []") });
    expect(later.map((line) => line.split(": ").slice(0, 2).join(": "))).toEqual([
      "stockroom.yaml:8:5: auth.oidc.roles",
      "stockroom.yaml:5:13: auth.oidc.issuer",
    ]);
    const whole = good.replace("http://login", "https://login").replace("[profile]", "[openid]").replace("king", "viewer");
    expect(read({ yaml: whole }).values.auth.oidc).toMatchObject({
      nameClaim: "preferred_username",
      roles: { viewer: ["all"], operator: [] },
    });
    // With a provider strangers may reach the address: they have to sign in.
    expect(mistakes({ yaml: `server: { host: 0.0.0.0 }\n${whole}` })).toEqual([]);
    expect(mistakes({ yaml: "server: { host: 0.0.0.0 }" })).toHaveLength(1);
  });

  it("take flags before environment before file before default", () => {
    const yaml = "server:\n  port: 1001\n";
    const env = { STOCKROOM_SERVER_PORT: "1002" };
    const flags = { "server.port": "1003" };
    expect(read().values.server.port).toBe(8080);
    expect(read({ yaml }).values.server.port).toBe(1001);
    expect(read({ yaml, env }).values.server.port).toBe(1002);
    expect(read({ yaml, env, flags }).values.server.port).toBe(1003);
    expect(read({ yaml, env, flags: { "server.port": undefined } }).values.server.port).toBe(1002);
  });

  it("take DATABASE_URL before all", () => {
    const url = "postgres://u:p@host/db";
    const other = "postgres://other/db";
    const given = read({
      yaml: `database: { url: "${other}" }`,
      env: { DATABASE_URL: url, STOCKROOM_DATABASE_URL: other },
      flags: { "database.url": other },
    });
    expect(given.values.database.url).toBe(url);
    expect(given.origins.get("database.url")).toEqual({ kind: "env", name: "DATABASE_URL" });
  });

  it("read sizes, durations, lists and maps from texts", () => {
    const { values } = read({
      env: {
        STOCKROOM_SERVER_UPLOAD_MAX_BYTES: "512 MiB",
        STOCKROOM_INBOX_SETTLE_MS: "1.5s",
        STOCKROOM_WORKFLOW_CONCURRENCY: "{train: 2, infer: 3}",
        STOCKROOM_NOTIFY_TOPICS: '{"mlops": ["log"]}',
        STOCKROOM_WORKFLOW_LIVENESS_INTERVAL_MS: "250",
      },
    });
    expect(values.server.uploadMaxBytes).toBe(512 * 2 ** 20);
    expect(values.inbox.settleMs).toBe(1500);
    expect(values.workflow.concurrency).toEqual({ train: 2, infer: 3 });
    expect(values.notify.topics).toEqual({ mlops: ["log"] });
    expect(values.workflow.livenessIntervalMs).toBe(250);
  });

  it("count paths from the file that names them, defaults from the home folder", () => {
    const cwd = folderWith(undefined);
    mkdirSync(path.join(cwd, "etc"));
    writeFileSync(path.join(cwd, "etc", "s.yaml"), "home: data\nvault:\n  keyFile: ../keys/k.json\n");
    const { values } = readConfig({ sections: {}, env: { STOCKROOM_CONFIG: "etc/s.yaml", STOCKROOM_OBJECTS_ROOT: "o" }, cwd });
    expect(values.home).toBe(path.join(cwd, "etc", "data"));
    expect(values.vault.keyFile).toBe(path.join(cwd, "keys", "k.json"));
    expect(values.objects.root).toBe(path.join(cwd, "o"));
    expect(values.inbox.folder).toBe(path.join(cwd, "etc", "data", "inbox"));
  });

  it("are frozen, and empty sections and variables count as not given", () => {
    const { values } = read({ yaml: "server:\ndatabase: {}\n# all comments\n", env: { STOCKROOM_SERVER_PORT: "" } });
    expect(values.server.port).toBe(8080);
    expect(() => Object.assign(values.server, { port: 1 })).toThrow(TypeError);
  });
});

describe("sections of the modules", () => {
  const sections = {
    classify: z.object({
      precision: z.number().min(0).max(1).default(0.98),
      warehouses: z.record(z.string(), z.object({ url: secret() })).default({}),
    }),
  };

  it("come with their defaults, variables and flags", () => {
    expect(read({ sections }).values).toMatchObject({ classify: { precision: 0.98 } });
    expect(read({ sections, env: { STOCKROOM_CLASSIFY_PRECISION: "0.9" } }).values).toMatchObject({ classify: { precision: 0.9 } });
    const env = { STOCKROOM_CLASSIFY_WAREHOUSES_MAIN_URL: "x" };
    expect(read({ sections, yaml: "classify: { warehouses: { main: {} } }", env }).values).toMatchObject({
      classify: { warehouses: { main: { url: "x" } } },
    });
  });

  it("may not take a name of the platform", () => {
    expect(() => read({ sections: { server: z.object({}) } })).toThrow(/the platform's/);
  });

  it("tell what they demand even if nobody wrote them", () => {
    expect(mistakes({ sections: { shop: z.object({ name: z.string() }) } })).toEqual([
      "settings: shop.name: expected text but it is missing; set it here or by STOCKROOM_SHOP_NAME",
    ]);
  });
});

describe("mistakes", () => {
  it("are told once each, however many demands the value fails", () => {
    expect(mistakes({ yaml: "upkeep: { scrubBytesPerSecond: quick }" })).toEqual([
      'stockroom.yaml:1:32: upkeep.scrubBytesPerSecond: expected a size such as 1048576, 512 MiB or 5 GiB but got "quick"',
    ]);
  });

  it("are told all at once, each with its place", () => {
    const yaml = [
      "server:", //
      "  port: eighty",
      "  prot: 1",
      "  uploadMaxBytes: 5 GiBs",
      "workflow:",
      "  crashLimit: 2.5",
      "  executorId: a b",
      "notify:",
      "  channels:",
      "    ops: { kind: pigeon }",
      "    mail: { kind: smtp, url: 'ftp://x', from: me@x, to: [] }",
      "log: { level: loud }",
      "objets: {}",
    ].join("\n");
    expect(mistakes({ yaml, env: { STOCKROOM_DATABASE_POOL_SIZE: "many" }, flags: { "server.hots": "x" } })).toEqual([
      "flag server.hots: server.hots: unknown setting; did you mean server.host?",
      "stockroom.yaml:3:3: server.prot: unknown setting; did you mean port?",
      "stockroom.yaml:13:1: objets: unknown setting; did you mean objects?",
      'environment STOCKROOM_DATABASE_POOL_SIZE: database.poolSize: expected a whole number from 5 to 500 but got "many"',
      'stockroom.yaml:2:9: server.port: expected a whole number from 0 to 65535 but got "eighty"',
      'stockroom.yaml:4:19: server.uploadMaxBytes: expected a size such as 1048576, 512 MiB or 5 GiB but got "5 GiBs"',
      'stockroom.yaml:7:15: workflow.executorId: expected letters, digits, dots and dashes, at most 63 but got "a b"',
      "stockroom.yaml:6:15: workflow.crashLimit: expected a whole number from 1 to 1000 but got 2.5",
      'stockroom.yaml:10:18: notify.channels.ops.kind: expected one of log, smtp, webhook, slack, teams but got "pigeon"',
      "stockroom.yaml:11:30: notify.channels.mail.url: expected a URL that begins with smtp:// or smtps:// but got a secret of 7 characters",
      "stockroom.yaml:11:53: notify.channels.mail.to: expected a list of at least one address but got a list of 0",
      'stockroom.yaml:12:15: log.level: expected one of debug, info, warn, error, silent but got "loud"',
    ]);
  });

  it("become one input error", () => {
    expect(() => read({ yaml: "server: { port: -1, host: 3 }" })).toThrow(
      expect.objectContaining({ kind: "input", code: "CONFIG_INVALID", facts: { problems: 2 } }),
    );
  });

  it("of the file itself have a place too", () => {
    expect(mistakes({ yaml: "server: {\n  port: [\n" })[0]).toMatch(/^stockroom\.yaml:\d+:\d+: expected YAML/);
    expect(mistakes({ yaml: "server:\n  port: 1\n  port: 2\n" })[0]).toMatch(
      /^stockroom\.yaml:3:3: expected YAML but got this: Map keys must be unique/,
    );
    expect(mistakes({ yaml: "- a\n" })).toEqual([
      "stockroom.yaml:1:1: expected sections such as `server:` but got a single value or a list",
    ]);
    const check = checkConfig({ sections: {}, env: {}, cwd: root, file: "nowhere.yaml" });
    expect(check).toMatchObject({ kind: "bad", problems: [{ message: "expected a readable file but got ENOENT", where: "nowhere.yaml" }] });
    expect(mistakes({ yaml: "server: 7\n" })).toEqual(["stockroom.yaml:1:9: server: expected a section but got 7"]);
  });

  it("in the names of variables are found, but not those of others", () => {
    expect(mistakes({ env: { STOCKROOM_SERVER_PROT: "1" } })).toEqual([
      "environment STOCKROOM_SERVER_PROT: unknown variable; did you mean STOCKROOM_SERVER_PORT?",
    ]);
    const kubernetes = {
      STOCKROOM_SERVICE_HOST: "10.0.0.1",
      STOCKROOM_SERVICE_PORT: "80",
      STOCKROOM_PORT: "tcp://10.0.0.1:80",
      STOCKROOM_PORT_80_TCP_ADDR: "x",
    };
    expect(mistakes({ env: kubernetes })).toEqual([]);
    // What the launcher tells the process it starts is no setting, and nobody's mistake.
    expect(read({ env: { STOCKROOM_LAUNCHER: "1" } }).warnings).toEqual([]);
    expect(read({ env: { STOCKROOM_WHATEVER_IS_THIS: "1" } }).warnings).toEqual([expect.stringContaining("STOCKROOM_WHATEVER_IS_THIS")]);
  });

  it("inside maps given by the environment are found too", () => {
    const env = { STOCKROOM_NOTIFY_CHANNELS: '{"ops": {"kind": "log", "level": "warn"}}' };
    expect(mistakes({ yaml: "notify: { channels: { ops: { kind: log } } }", env })).toEqual([
      "environment STOCKROOM_NOTIFY_CHANNELS: notify.channels.ops.level: unknown setting; known here: kind",
    ]);
  });

  it("include listening to the world without a token, and topics without a channel", () => {
    expect(mistakes({ yaml: "server: { host: 0.0.0.0 }" })).toEqual([
      expect.stringContaining("server.token: expected a token because server.host 0.0.0.0"),
    ]);
    expect(mistakes({ yaml: "server: { host: 0.0.0.0, token: 0123456789abcdef }" })).toEqual([]);
    expect(mistakes({ yaml: "notify:\n  channels: { slackers: { kind: log } }\n  topics: { mlops: [slacker] }" })).toEqual([
      "stockroom.yaml:3:13: notify.topics.mlops: expected a channel of notify.channels but got slacker; did you mean slackers?",
    ]);
  });
});

describe("mistakes at any depth", () => {
  const sections = {
    shop: z.strictObject({
      sources: z
        .array(
          z.strictObject({
            name: z.string().regex(/^[a-z]+$/, "lower-case letters"),
            pages: z.int().min(1).default(1),
            fields: z.record(
              z.string().regex(/^[A-Z]+$/, "capital letters"),
              z.union([z.strictObject({ from: z.string(), decimals: z.int().default(0) }), z.strictObject({ value: z.string() })]),
            ),
          }),
        )
        .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, "names that differ")
        .default([]),
    }),
  };

  it("are found in lists, maps and unions, with place and what was meant", () => {
    const yaml = [
      "shop:",
      "  sources:",
      "    - name: a",
      "      page: 2",
      "      fields:",
      "        QTY: { from: q, decimal: 2 }",
      "        UOM: { vlaue: EA }",
      "    - { name: b, fields: {}, colour: red }",
    ].join("\n");
    expect(mistakes({ sections, yaml })).toEqual([
      "stockroom.yaml:4:7: shop.sources.0.page: unknown setting; did you mean pages?",
      "stockroom.yaml:6:25: shop.sources.0.fields.QTY.decimal: unknown setting; did you mean decimals?",
      "stockroom.yaml:7:16: shop.sources.0.fields.UOM.vlaue: unknown setting; did you mean value?",
      "stockroom.yaml:8:30: shop.sources.1.colour: unknown setting; known here: name, pages, fields",
    ]);
  });

  it("of the values have a place of their own too, in the words of the schema", () => {
    const yaml = [
      "shop:",
      "  sources:",
      "    - name: A1",
      "      fields: { qty: { value: x } }",
      "    - name: b",
      "      pages: 0",
      "      fields: { QTY: { from: q, decimals: many } }",
      "    - 7",
    ].join("\n");
    expect(mistakes({ sections, yaml })).toEqual([
      'stockroom.yaml:3:13: shop.sources.0.name: expected lower-case letters but got "A1"',
      'stockroom.yaml:4:17: shop.sources.0.fields.qty: expected a name that is capital letters but got "qty"',
      "stockroom.yaml:6:14: shop.sources.1.pages: expected at least 1 but got 0",
      'stockroom.yaml:7:43: shop.sources.1.fields.QTY.decimals: expected a number but got "many"',
      "stockroom.yaml:8:7: shop.sources.2: expected a section but got 7",
    ]);
    expect(mistakes({ sections, yaml: "shop: { sources: [{ name: a, fields: {} }, { name: a, fields: {} }] }" })).toEqual([
      "stockroom.yaml:1:9: shop.sources: expected names that differ but got a list of 2",
    ]);
  });

  it("are found in lists given by the environment", () => {
    const env = { STOCKROOM_SHOP_SOURCES: '[{"name": "a", "fields": {}, "pgaes": 2}]' };
    expect(mistakes({ sections, env })).toEqual([
      "environment STOCKROOM_SHOP_SOURCES: shop.sources.0.pgaes: unknown setting; did you mean pages?",
    ]);
  });
});

describe("the settings file", () => {
  it("of the home folder is read where none stands here", () => {
    const cwd = folderWith(undefined);
    mkdirSync(path.join(cwd, ".stockroom"));
    writeFileSync(path.join(cwd, ".stockroom", "stockroom.yaml"), "server: { port: 1001 }\nobjects: { root: sealed }\n");
    const config = read({ cwd });
    expect(config.values.server.port).toBe(1001);
    expect(config.values.objects.root).toBe(path.join(cwd, ".stockroom", "sealed"));
    expect(printConfig(config, cwd)).toContain(`# settings file: ${path.join(".stockroom", "stockroom.yaml")}\n`);
    expect(config.warnings).toEqual([]);
  });

  it("is looked for in the home folder that a flag or the environment names", () => {
    const cwd = folderWith(undefined);
    const [flagged, named] = [folderWith("server: { port: 1001 }\n"), folderWith("server: { port: 1002 }\n")];
    expect(read({ cwd, env: { STOCKROOM_HOME: named } }).values.server.port).toBe(1002);
    expect(read({ cwd, env: { STOCKROOM_HOME: named }, flags: { home: flagged } }).values.server.port).toBe(1001);
    expect(read({ cwd }).values.server.port).toBe(8080);
    expect(printConfig(read({ cwd }), cwd)).toContain("# settings file: none");
  });

  it("that stands here wins, and the other is told of", () => {
    const cwd = folderWith("server: { port: 1001 }\n");
    const home = folderWith("server: { port: 1002 }\n");
    const config = read({ cwd, env: { STOCKROOM_HOME: home } });
    expect(config.values.server.port).toBe(1001);
    expect(config.warnings).toEqual([
      `stockroom.yaml is the settings file; ${path.join(home, "stockroom.yaml")} is there too and was not read`,
    ]);
    writeFileSync(path.join(cwd, "own.yaml"), "server: { port: 1003 }\n");
    const given = read({ cwd, env: { STOCKROOM_HOME: home, STOCKROOM_CONFIG: "own.yaml" } });
    expect([given.values.server.port, given.warnings]).toEqual([1003, []]);
  });

  it("in the home folder cannot name another home", () => {
    const cwd = folderWith(undefined);
    mkdirSync(path.join(cwd, ".stockroom"));
    const file = path.join(cwd, ".stockroom", "stockroom.yaml");
    writeFileSync(file, "home: elsewhere\n");
    expect(mistakes({ cwd })[0]).toMatch(/stockroom\.yaml:1:7: home: expected no other home .* "elsewhere"/);
    writeFileSync(file, "home: .\n");
    expect(read({ cwd }).values.home).toBe(path.join(cwd, ".stockroom"));
  });
});

describe("secrets", () => {
  const token = "correct-horse-battery-staple";

  it("come from files named by NAME_FILE, without the last line end", () => {
    const cwd = folderWith(undefined);
    writeFileSync(path.join(cwd, "token"), `${token}\n`);
    writeFileSync(path.join(cwd, "empty"), "");
    expect(read({ cwd, env: { STOCKROOM_SERVER_TOKEN_FILE: "token" } }).values.server.token).toBe(token);
    writeFileSync(path.join(cwd, "url"), "postgres://u:p@h/d");
    expect(read({ cwd, env: { DATABASE_URL_FILE: "url" } }).values.database.url).toBe("postgres://u:p@h/d");
    expect(mistakes({ cwd, env: { STOCKROOM_SERVER_TOKEN_FILE: "empty" } })[0]).toMatch(/the file is empty/);
    expect(mistakes({ cwd, env: { STOCKROOM_SERVER_TOKEN_FILE: "nowhere" } })[0]).toMatch(/got ENOENT/);
    expect(mistakes({ cwd, env: { STOCKROOM_SERVER_TOKEN_FILE: "token", STOCKROOM_SERVER_TOKEN: token } })[0]).toMatch(/both are set/);
    // Only secrets have such a variable.
    expect(mistakes({ cwd, env: { STOCKROOM_SERVER_PORT_FILE: "token" } })[0]).toMatch(/unknown variable/);
  });

  it("may be named in the file instead of written", () => {
    const yaml =
      "notify:\n  channels:\n    hook: { kind: webhook, url: 'https://x/y', secret: { env: HOOK } }\n    chat: { kind: slack, url: { file: chat } }\n";
    const cwd = folderWith(yaml);
    writeFileSync(path.join(cwd, "chat"), "https://hooks.slack.com/services/T/B/x");
    expect(read({ cwd, env: { HOOK: "whsec_abc" } }).values.notify.channels).toMatchObject({
      hook: { secret: "whsec_abc" },
      chat: { url: "https://hooks.slack.com/services/T/B/x" },
    });
    const env = { STOCKROOM_NOTIFY_CHANNELS_HOOK_SECRET: "whsec_other" };
    expect(read({ cwd, env }).values.notify.channels).toMatchObject({ hook: { secret: "whsec_other" } });
    expect(mistakes({ cwd })[0]).toBe(
      "stockroom.yaml:3:48: notify.channels.hook.secret: expected the secret in the variable HOOK but it is not set",
    );
  });

  it("are in no mistake and in no print, wherever they came from", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9]{20,30}$/), fc.boolean(), (word, good) => {
        const cwd = folderWith(
          `database: { url: "${good ? "postgres" : "mysql"}://user:${word}@host/db" }\nnotify: { channels: { s: { kind: slack, url: "${good ? "https" : "ftp"}://hooks.slack.com/${word}" } } }\n`,
        );
        const env = { STOCKROOM_SERVER_TOKEN: good ? word : word.slice(0, 12), STOCKROOM_SERVER_PORT: good ? "1" : "x" };
        const check = checkConfig({ sections: {}, env, cwd });
        expect(check.kind).toBe(good ? "good" : "bad");
        const told =
          check.kind === "good" ? printConfig(check.config, cwd) + JSON.stringify(describeConfig(check.config)) : JSON.stringify(check);
        expect(told).not.toContain(word.slice(0, 12));
      }),
      { numRuns: 50 },
    );
  });
});

describe("print", () => {
  it("says what is in force and why", () => {
    const config = read({
      yaml: "server:\n  port: 1\n  token: 0123456789abcdef\ndatabase: { url: 'postgres://me:pass@h/d' }\n",
      env: { STOCKROOM_HOME: "/h", STOCKROOM_NOTIFY_TOPICS: "{}" },
      flags: { "log.level": "debug" },
    });
    const text = printConfig(config, config.cwd);
    expect(text.replaceAll(/ +#/g, " #").split("\n")).toEqual([
      "# settings file: stockroom.yaml",
      "home = /h # environment STOCKROOM_HOME",
      "database.url = postgres://me:[secret]@h/d # stockroom.yaml:4:18",
      "database.poolSize = 10 # default",
      "server.host = 127.0.0.1 # default",
      "server.port = 1 # stockroom.yaml:2:9",
      "server.token = [secret] # stockroom.yaml:3:10",
      "server.uploadMaxBytes = 5368709120 # default",
      "auth.usersFile = /h/users.yaml # default",
      "auth.sessionIdleMs = 43200000 # default",
      "auth.sessionLongestMs = 604800000 # default",
      "auth.publicUrl = (not set)",
      "auth.trustedProxies = [] # default",
      ...["issuer", "clientId", "clientSecret", "scopes", "nameClaim", "groupsClaim", "label"].map(
        (name) => `auth.oidc.${name} = (not set)`,
      ),
      ...["viewer", "reviewer", "planner", "operator", "administrator"].map((role) => `auth.oidc.roles.${role} = (not set)`),
      "disk.minFree = 268435456 # default",
      "objects.driver = folder # default",
      "objects.root = /h/objects # default",
      "vault.keyFile = /h/keys.json # default",
      "vault.grants = {} # default",
      "workflow.executorId = (not set)",
      "workflow.threads = (not set)",
      "workflow.concurrency = {} # default",
      "workflow.livenessIntervalMs = 1000 # default",
      "workflow.livenessMisses = 3 # default",
      "workflow.crashLimit = 3 # default",
      "retention.formerVersions = 31536000000 # default",
      "retention.removedObjects = 31536000000 # default",
      "retention.staging = 2592000000 # default",
      "retention.keyUses = 34560000000 # default",
      "retention.notices = 15552000000 # default",
      "retention.deadLetters = 7776000000 # default",
      "retention.runs = 2592000000 # default",
      "retention.events = 2592000000 # default",
      "upkeep.scrubSchedule = 23 3 * * 0 # default",
      "upkeep.scrubBytesPerSecond = 20000000 # default",
      "inbox.folder = /h/inbox # default",
      "inbox.settleMs = 2000 # default",
      "publish.targets = {} # default",
      "publish.schedule = 7 * * * * # default",
      "notify.channels.log.kind = log # default",
      "notify.topics = {} # environment STOCKROOM_NOTIFY_TOPICS",
      "tracing.endpoint = (not set)",
      "tracing.share = 1 # default",
      "log.level = debug # flag log.level",
      "log.format = auto # default",
      "",
    ]);
  });
});

/** Without what has no value. */
const filled = (value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .map(([name, inner]) => [name, filled(inner)] as const)
          .filter(([, inner]) => inner !== null && JSON.stringify(inner) !== "{}"),
      )
    : value;

describe("a file to begin with", () => {
  it("changes nothing as it is, nor uncommented; it holds no secret", () => {
    const flags = { home: "/h" };
    const usual = read({ flags });
    const sample = sampleFile(read({ flags, env: { STOCKROOM_SERVER_TOKEN: "0123456789abcdef" } }));
    expect(sample).not.toContain("0123456789abcdef");
    const same = read({ flags, yaml: sample });
    expect(same.values).toEqual(usual.values);
    expect(same.warnings).toEqual([]);
    const uncommented: unknown = parse(sample.replaceAll(/^# /gm, ""));
    expect(uncommented).toMatchObject({
      server: { host: "127.0.0.1", port: 8080, token: null },
      auth: { oidc: { roles: { viewer: null } } },
    });
    const again = read({ flags, yaml: JSON.stringify(filled(uncommented)) });
    expect(again.values).toEqual(usual.values);
    expect(again.origins.get("server.port")).toMatchObject({ kind: "file" });
  });
});

describe("names", () => {
  it("of variables are systematic and collide nowhere", () => {
    expect(environmentName(["server", "uploadMaxBytes"])).toBe("STOCKROOM_SERVER_UPLOAD_MAX_BYTES");
    const rows = describeConfig(read());
    expect(new Set(rows.map((row) => row.environment)).size).toBe(rows.length);
    const silent = rows.filter((row) => row.description === "").map((row) => row.path);
    expect(silent).toEqual(["notify.channels.log.kind", "notify.topics.*"]);
  });
});
