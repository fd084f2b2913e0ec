import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StockroomError } from "./errors.ts";
import { conceal, concealText, isSecretName, makeLog, makeMemoryLog } from "./log.ts";
import type { LogLevel } from "./log.ts";

function linesOf(options: { level?: LogLevel; format?: "json" | "pretty" } = {}): { log: ReturnType<typeof makeLog>; lines: string[] } {
  const lines: string[] = [];
  return { lines, log: makeLog({ ...options, destination: { write: (line) => lines.push(line) } }) };
}

describe("lines", () => {
  it("are JSON with time, level, message and facts; a child adds its own", () => {
    const { log, lines } = linesOf();
    log.child({ part: "database", run: 1 }).info("opened", { tookMs: 12, run: 2 });
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      message: "opened",
      part: "database",
      run: 2,
      tookMs: 12,
    });
  });

  it("below the level are not written", () => {
    const { log, lines } = linesOf({ level: "warn" });
    log.debug("no");
    log.info("no");
    log.warn("yes");
    log.error("yes");
    expect(lines).toHaveLength(2);
    const quiet = linesOf({ level: "silent" });
    quiet.log.error("no");
    expect(quiet.lines).toEqual([]);
  });

  it("keep their own time, level and message whatever the facts are called", () => {
    const { log, lines } = linesOf();
    log.info("real", { message: "forged", level: "error", time: "never" });
    expect(lines[0]?.match(/"message":/g)).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ message: "real", level: "info", fact_message: "forged", fact_level: "error" });
  });

  it("for people are one line each, with the error in plain words", () => {
    const { log, lines } = linesOf({ format: "pretty" });
    log.error("could not read", {
      file: "a b.csv",
      rows: 3,
      error: new StockroomError("input", "CSV_BAD", "Expected a header\nbut got none."),
    });
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} error could not read file="a b\.csv" rows=3 error="CSV_BAD: Expected a header\\nbut got none\."\n$/,
    );
    fc.assert(
      fc.property(fc.string(), fc.dictionary(fc.string(), fc.jsonValue()), (message, facts) => {
        const one = linesOf({ format: "pretty" });
        one.log.info(message, facts);
        expect(one.lines).toHaveLength(1);
        expect(one.lines[0]?.match(/[\r\n]/g)).toHaveLength(1);
      }),
    );
  });

  it("go to a file when asked to", () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), "stockroom-log-"));
    const file = path.join(folder, "deep", "app.log");
    makeLog({ destination: file }).info("written");
    expect(readFileSync(file, "utf8")).toContain('"message":"written"');
    rmSync(folder, { recursive: true });
  });

  it("never stop the work they tell of", () => {
    const hostile = {
      get trap(): string {
        throw new Error("no");
      },
    };
    const loop: Record<string, unknown> = { name: "loop" };
    loop["self"] = loop;
    const { log, lines } = linesOf();
    log.info("odd values", {
      inner: hostile,
      loop,
      big: 10n,
      fn: () => 1,
      symbol: Symbol("s"),
      date: new Date(Number.NaN),
      nothing: undefined,
    });
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ inner: "[unreadable]", big: "10", fn: "[function]", date: "[invalid date]" });
    log.info("odd facts", hostile);
    log.child(hostile).info("odd child");
    expect(lines).toHaveLength(3);
    const full = makeLog({
      destination: {
        write: () => {
          throw new Error("disk full");
        },
      },
    });
    expect(() => full.info("into the void")).not.toThrow();
  });
});

describe("secrets", () => {
  const names = [
    "password",
    "PGPASSWORD".replace("PG", "PG_"),
    "apiKey",
    "api_key",
    "x-api-key",
    "Authorization",
    "set-cookie",
    "wrappingKey",
    "dbPassword",
    "slackToken",
    "client_secret",
    "webhookUrl",
    "accessKeyId",
  ];

  it.each(names)("under the name %s are concealed at any depth", (name) => {
    fc.assert(
      fc.property(fc.stringMatching(/^[!-~]{8,30}$/), fc.integer({ min: 0, max: 5 }), (secret, depth) => {
        let facts: Record<string, unknown> = {
          [name]: secret,
          list: [{ [name]: secret }],
          map: new Map([[name, secret]]),
          bytes: Buffer.from(secret),
        };
        for (let i = 0; i < depth; i++) facts = { inner: facts };
        const log = makeMemoryLog();
        log.child(facts).info("hello", facts);
        expect(JSON.stringify(log.lines)).not.toContain(JSON.stringify(secret).slice(1, -1));
      }),
      { numRuns: 20 },
    );
  });

  it("names are told from harmless ones", () => {
    expect(names.filter((name) => !isSecretName(name))).toEqual([]);
    const harmless = ["key", "keyVersion", "passed", "compass", "tokenizer", "monkey", "zone", "secretary", "path", "author"];
    expect(harmless.filter(isSecretName)).toEqual([]);
  });

  it("in texts are taken out: connection strings, tokens, pairs, hooks", () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[A-Za-z0-9!$%*+_.~@/-]{8,20}$/),
        fc.constantFrom("postgres", "smtp", "https", "redshift"),
        (secret, scheme) => {
          for (const text of [
            `could not reach ${scheme}://user:${secret}@host:5432/db now`,
            `${scheme}://:${secret}@host`,
            `host=h password=${secret} dbname=d`,
            `{"password": "${secret}"}`,
            `PGPASSWORD_TOKEN: ${secret}`,
            `https://hooks.slack.com/services/${secret}`,
            `https://prod-1.logic.azure.com:443/workflows/1/triggers/manual/paths/invoke?api-version=2016-06-01&sig=${encodeURIComponent(secret)}`,
            `Authorization: Bearer ${secret.replaceAll(/[^A-Za-z0-9._~+/=-]/g, "a")}`,
          ]) {
            for (const form of [secret, encodeURIComponent(secret)]) expect(concealText(text)).not.toContain(form);
            expect(concealText(text)).toContain("[secret]");
          }
        },
      ),
    );
    expect(concealText("postgres://me:pass@h:1/d?x=1")).toBe("postgres://me:[secret]@h:1/d?x=1");
    expect(concealText("see https://example.org/a:b and mail me@x.org")).toBe("see https://example.org/a:b and mail me@x.org");
    expect(concealText("trained 3 models: GB-WEEE=0.98")).toBe("trained 3 models: GB-WEEE=0.98");
  });

  it("in errors, their stacks and causes are taken out", () => {
    const url = "postgres://me:hunter2@h/d";
    const error = new StockroomError("busy", "X", `no ${url}`, {
      facts: { url },
      cause: Object.assign(new Error(url), { password: "hunter2" }),
    });
    const log = makeMemoryLog();
    log.error(`failed: ${url}`, { error });
    expect(JSON.stringify(log.lines)).not.toContain("hunter2");
    expect(log.lines[0]).toMatchObject({
      facts: { error: { code: "X", kind: "busy", name: "StockroomError", cause: { password: "[secret]" } } },
    });
  });

  it("leave flags and absences readable", () => {
    expect(conceal({ password: null, hasToken: true, token: undefined, secret: "" })).toEqual({
      password: null,
      hasToken: true,
      secret: "[secret]",
    });
  });
});

it("shows in a line for people what hides, and keeps it one line", () => {
  const { log, lines } = linesOf({ format: "pretty" });
  log.warn("taken: a\u202Eb\u001B[2J\nnext", { key: "c\u200Bd", error: new Error("e\u2066f") });
  expect(lines).toHaveLength(1);
  expect(lines[0]?.slice(0, -1)).not.toMatch(/[\u202E\u200B\u2066\n]/);
  expect(lines[0]).toContain("a\\u{202E}b\\u{001B}[2J\\nnext");
  expect(lines[0]).toContain("c\\u{200B}d");
});
