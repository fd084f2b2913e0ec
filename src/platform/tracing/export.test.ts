import { expect, test } from "vitest";
import { makeMemoryLog } from "../log.ts";
import { makeManualClock } from "../time.ts";
import { openTracing, toldNowAndThen } from "./export.ts";

test("that spans are lost is told at once, then at most every ten minutes", () => {
  const log = makeMemoryLog();
  const clock = makeManualClock(0);
  const diag = toldNowAndThen(log, clock);
  for (let minute = 0; minute < 25; minute++) {
    diag.error(JSON.stringify({ stack: "Error: Timeout at ...", message: "Timeout", name: "Error" }));
    diag.info("sent");
    clock.advance(60_000);
  }
  expect(log.lines.map(({ facts }) => facts["error"])).toEqual(["Timeout", "Timeout", "Timeout"]);
  expect(log.lines.map(({ level, message }) => `${level} ${message}`)).toEqual(
    Array.from({ length: 3 }, () => "warn spans are lost: the collector of tracing.endpoint does not take them"),
  );
});

test("without a collector, or switched off, nothing is opened", async () => {
  const log = makeMemoryLog();
  const settings = { share: 1 };
  expect(await openTracing({ settings, env: {}, instance: "a", log })).toBeUndefined();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", OTEL_SDK_DISABLED: "true" };
  expect(await openTracing({ settings, env, instance: "a", log })).toBeUndefined();
});
