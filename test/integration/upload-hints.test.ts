// What somebody is told who uploads under a key that nothing waits for, by each way there is.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { runCommand } from "citty";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeCommandTools } from "../../src/platform/command/output.ts";
import type { Output } from "../../src/platform/command/output.ts";
import type { Tools } from "../../src/cli/tools.ts";
import { putCommand } from "../../src/cli/commands/put.ts";
import type { App } from "../../src/app.ts";
import type { StoredObject } from "../../src/server/api.ts";
import { openServer, type OpenServer } from "../../src/server/index.ts";
import { shopDefaults } from "../kit/forecast-shop.ts";
import { makePlace, openAt, operator, textBytes, waitFor, type TestPlace } from "../kit/app.ts";
import { askingHere } from "../kit/tools.ts";

let place: TestPlace;
let app: App;
let server: OpenServer;

beforeAll(async () => {
  place = await makePlace({ STOCKROOM_INBOX_SETTLE_MS: "50", STOCKROOM_FORECAST_SETTLE_MS: "0" });
  app = await openAt(place, { work: true, quiet: true });
  server = await openServer({ deps: app, settings: { host: "127.0.0.1", port: 0, uploadMaxBytes: 1_000_000 }, version: "1.2.3" });
});

afterAll(async () => {
  await server.close();
  await app.close();
  await place.remove();
});

/** What the command prints to standard output and to standard error. */
async function put(key: string, ...more: readonly string[]): Promise<readonly [string, string]> {
  const [out, err]: [string[], string[]] = [[], []];
  await writeFile(path.join(place.home, "x.csv"), `a,b\n${key},1\n`);
  const output: Output = {
    columns: 200,
    live: false,
    print: (text) => void out.push(text),
    say: (text) => void err.push(text),
    write: async () => undefined,
  };
  const signal = new AbortController().signal;
  const tools: Tools = {
    ...makeCommandTools(output, { signal, cwd: place.home, version: "1.2.3", exitWith: () => undefined }),
    where: () => ({ cwd: place.home, env: place.env }),
    checkConfig: () => Promise.reject(new Error("is not asked")),
    open: async () => app,
    ...askingHere(async () => await Promise.resolve(app)),
  };
  await runCommand(putCommand(tools, []), { rawArgs: ["x.csv", key, ...more] });
  return [out.join("\n"), err.join("\n")];
}

const putHttp = async (
  key: string,
): Promise<{ readonly hint: string | undefined; readonly header: string | null; readonly status: number }> => {
  const answer = await fetch(`${server.url}/objects/${key}`, { method: "PUT", body: `a,b\n${key},1\n` });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the test then checks
  const { hint } = (await answer.json()) as StoredObject;
  return { hint, header: answer.headers.get("x-stockroom-hint"), status: answer.status };
};

const noDefaults = /nothing is forecast before forecast-defaults\.yaml is there/;

describe.each([
  ["train/x.csv", "forecast/train/x.csv"],
  ["forecast/trian/x.csv", "forecast/train/x.csv"],
  ["classify/labeled/GBR/x.csv", "classify/labelled/GBR/x.csv"],
  ["forecast/train/x.xls", "forecast/train/x.xlsx"],
  ["forecast-default.yaml", "forecast-defaults.yaml"],
  ["Classify/Sales/2026-10/gbr.csv", "classify/sales/2026-10/GBR.csv"],
])("%s", (key, meant) => {
  const told = `nothing waits for such a key; did you mean ${meant}?`;

  test("is stored, and the command says what was meant", async () => {
    const [out, err] = await put(key);
    expect(err).toBe(`note: stored, but ${told}`);
    expect(out).toMatch(/^stored: /);
    const [json] = await put(key, "--json");
    expect(JSON.parse(json)).toMatchObject({ key, hint: told });
  });

  test("is stored, and the answer over HTTP says what was meant", async () => {
    expect(await putHttp(key)).toMatchObject({ hint: told, header: told });
  });
});

test("the inbox folder tells by a notice and in the log, once", async () => {
  const inbox = app.settings.inbox.folder;
  await mkdir(path.join(inbox, "forecast", "trian"), { recursive: true });
  await writeFile(path.join(inbox, "forecast", "trian", "shop.csv"), "a\n1\n");
  const notice = await waitFor("the notice", async () =>
    (await app.notices.list({ topic: "uploads" })).find(({ title }) => title.includes("trian/shop")),
  );
  expect(notice).toMatchObject({
    severity: "warning",
    title: "forecast/trian/shop.csv was stored, but nothing waits for such a key; did you mean forecast/train/shop.csv?",
  });
  expect(await app.objects.head("forecast/trian/shop.csv")).toBeDefined();
});

test("a file under the right key is told what keeps it from being read, and nothing when all is well", async () => {
  expect((await putHttp("forecast/train/shop.related.csv")).hint).toMatch(noDefaults);
  await app.objects.put(operator, "forecast-defaults.yaml", textBytes("Default: 7\n"));
  expect((await putHttp("forecast/train/shop.csv")).hint).toMatch(/as long as forecast-defaults\.yaml has mistakes/);
  const predictor =
    "{ PerformAutoML: true, ForecastHorizon: 3, FeaturizationConfig: { ForecastFrequency: M, ForecastDimensions: [store] } }";
  const more = `shop:\n  DatasetGroup: { Domain: RETAIL }\nother:\n  DatasetGroup: { Domain: RETAIL }\n  Datasets: { From: shop }\n  Predictor: ${predictor}\n`;
  await app.objects.put(operator, "forecast-defaults.yaml", textBytes(shopDefaults({ more })));
  expect((await putHttp("forecast/train/shop.related.csv")).hint).toMatch(
    /^the settings of shop name no related series, so it is not read; add a dataset with `DatasetType: RELATED_TIME_SERIES`/,
  );
  expect((await putHttp("forecast/train/other.csv")).hint).toMatch(/^the settings of other take the files of shop, so it is not read/);
  expect((await putHttp("forecast/train/shop.metadata.csv")).hint).toBeUndefined();
  expect(await putHttp("forecast/train/shop.csv")).toMatchObject({ hint: undefined, header: null });
  expect((await put("forecast/stock/shop.csv"))[1]).toBe("");
  expect((await put("notes/readme.txt"))[1]).toBe("note: stored, but nothing waits for such a key");
  expect((await putHttp("forecast/train/shop_metadata.csv")).hint).toMatch(
    /^it is read as the target of a group named shop_metadata; did you mean forecast\/train\/shop\.metadata\.csv\?$/,
  );
  expect((await putHttp("conf/stockroom.yaml")).hint).toMatch(/the file stockroom\.yaml in its home folder$/);
});
