import { expect, test } from "vitest";
import { makeRandom } from "../../../platform/random.ts";
import { placeEvents } from "../calendar/events.ts";
import { liftPanel, withoutEvents } from "../events/lifts.ts";
import { fitGlobal } from "../global/global.ts";
import { makePanel } from "../panel/make.ts";
import { explainWithEvents } from "./with-events.ts";

test("events are an attribute, and base plus impacts is the mean with them", () => {
  const random = makeRandom(4);
  const [length, horizon] = [300, 7];
  const times = [50, 150, 250, 303];
  const plain = makePanel({
    grid: { frequency: { unit: "D", multiple: 1 }, startMs: 4 * 86_400_000, length, horizon },
    series: Array.from({ length: 6 }, (_, s) => ({
      item: `item ${s}`,
      values: Array.from({ length }, (__, t) => Math.max(0, Math.round((10 + s) * (times.includes(t) ? 4 : 1) + 2 * random.normal()))),
    })),
    seasons: [7],
  });
  const events = times.map((t) => ({ name: "sale", day: 4 + t, days: 1, place: undefined, before: 0, after: 0 }));
  const panel = { ...plain, shared: placeEvents(plain, events).shared };
  const [lifts] = liftPanel(panel, [length]) ?? [];
  const options = { cut: length, horizon, levels: [0.5], random: makeRandom(1), nonNegative: true, rows: 3000, tuning: { trees: 20 } };
  const model = fitGlobal(withoutEvents(panel, lifts), options);
  if (model.kind === "unfit") throw new Error(model.reason);
  const explanation = explainWithEvents(model, panel, [0, 5], { cut: length, horizon });
  expect(explanation.attributes).toContain("events");
  const a = explanation.attributes.indexOf("events");
  for (const { base, mean, impacts } of explanation.series) {
    for (let h = 0; h < horizon; h++) {
      let sum = base[h];
      for (let k = 0; k < explanation.attributes.length; k++) sum += impacts[k * horizon + h];
      expect(sum).toBeCloseTo(mean[h], 8);
      const own = impacts[a * horizon + h];
      expect(Math.abs(mean[h] / (mean[h] - own) - (h === 3 ? 4 : 1))).toBeLessThan(h === 3 ? 0.5 : 1e-9);
    }
  }
});
