import { InferenceSession, Tensor } from "onnxruntime-web/wasm";
import { beforeAll, describe, expect, test } from "vitest";
import { makeRandom } from "../../platform/random.ts";
import type { Calibration } from "./calibration.ts";
import { makeDatasetBuilder } from "./dataset.ts";
import type { Item } from "./dataset.ts";
import { fitModel } from "./fit.ts";
import type { Model } from "./model.ts";
import type { HashingRule } from "./onnx-rule.ts";
import { exportOnnx } from "./onnx.ts";
import { openPredictor } from "./predict.ts";

const kinds = [
  { code: "1", words: ["fridge", "freezer", "Kühlschrank", "冷蔵庫", "køleskab"] },
  { code: "2", words: ["monitor", "television", "Bildschirm", "テレビ", "skærm"] },
  { code: "3", words: ["lamp", "bulb", "Glühbirne", "電球", "ampoule"] },
  { code: "5", words: ["kettle", "toaster", "Wasserkocher", "чайник", "grille-pain"] },
  { code: "6", words: ["phone", "router", "Drucker", "電話", "smartphone"] },
];

function sample(): Model {
  const random = makeRandom(3);
  const builder = makeDatasetBuilder({ text: ["title", "description"], categories: ["country", "brand"], numbers: ["price"] });
  const any = <T>(list: readonly T[]): T => list[random.below(list.length)];
  for (let i = 0; i < 1500; i++) {
    const k = random.below(kinds.length);
    const kind = kinds[random.next() < 0.12 ? random.below(kinds.length) : k];
    builder.add(
      {
        text: [
          random.next() < 0.2 ? "" : `${any(kind.words)} ${any(["white", "small", "XL-200", "neu"])} ${i % 97}`,
          any(["broken", "does not start", `${any(kind.words)} again`, ""]),
        ],
        categories: [any(["GBR", "DEU", "JPN"]), any(["Acme", "Ōkami", ""])],
        numbers: [random.next() < 0.1 ? "" : (20 + 100 * k + 30 * random.normal()).toFixed(2)],
      },
      kinds[k].code,
      `g${i}`,
    );
  }
  return fitModel(builder.build(), {
    seed: 1,
    label: "category",
    date: "2026-11-01",
    data: { name: "test", hash: "", rows: 1500, badRows: 0 },
  });
}

const samples: readonly Item[] = [
  { text: ["fridge white 12", "does not start"], categories: ["GBR", "Acme"], numbers: ["25"] },
  { text: ["", ""], categories: ["", ""], numbers: [""] },
  { text: ["冷蔵庫ＸＬ-200 neu", "テレビ again"], categories: ["JPN", "ŌKAMI"], numbers: ["999999"] },
  { text: ["Wasserkocher-Kühlschrank, groß & GRÜN!", "broken   kettle\tkettle kettle"], categories: [" deu ", "acme"], numbers: ["-1e3"] },
  { text: ["e\u0301lite cafe\u0301 \u{1D54F}\u{1F600} ﬁne \ud83d", "чайник ЧАЙНИК"], categories: ["FRA", "x"], numbers: ["n/a"] },
  { text: ["a", "bulb ".repeat(3000)], categories: ["GBR", ""], numbers: ["120.5"] },
  { text: ["電話電話 router".repeat(20), "ßẞ"], categories: ["JPN", "Acme"], numbers: ["0"] },
];

const isotonic: Calibration = {
  kind: "isotonic",
  temperature: 0.8,
  before: [0, 0.3, 0.62, 0.9, 0.999, 0.99995, 1],
  after: [0, 0.21, 0.5, 0.8, 0.93, 0.985, 0.9995],
};

const integers = (numbers: readonly number[]): Tensor => new Tensor("int64", BigInt64Array.from(numbers, BigInt), [numbers.length]);

async function run(onnx: Uint8Array, vectors: readonly { readonly features: readonly number[]; readonly values: readonly number[] }[]) {
  const session = await InferenceSession.create(onnx);
  const answers = await session.run({
    features: integers(vectors.flatMap((vector) => vector.features)),
    values: new Tensor("float32", Float32Array.from(vectors.flatMap((vector) => vector.values)), [
      vectors.reduce((n, v) => n + v.values.length, 0),
    ]),
    items: integers(vectors.flatMap((vector, item) => vector.features.map(() => item))),
    count: integers([vectors.length]),
  });
  await session.release();
  return {
    logits: Array.from(answers["logits"].data, Number),
    probabilities: Array.from(answers["probabilities"].data, Number),
    label: Array.from(answers["label"].data, Number),
  };
}

const farthest = (a: readonly number[], b: readonly number[]): number =>
  a.length === b.length ? a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0) : Number.POSITIVE_INFINITY;

let model: Model;
beforeAll(() => {
  model = sample();
});

describe("the graph in onnxruntime", () => {
  test("gives our logits, probabilities and labels, with either calibration", async () => {
    for (const calibration of [isotonic, { kind: "temperature", temperature: 1.7 } as const, model.calibration]) {
      const { onnx, vectors } = exportOnnx({ ...model, calibration }, samples);
      const answers = await run(onnx, vectors);
      expect(
        farthest(
          answers.logits,
          vectors.flatMap((vector) => vector.logits),
        ),
      ).toBeLessThan(1e-5);
      expect(
        farthest(
          answers.probabilities,
          vectors.flatMap((vector) => vector.probabilities),
        ),
      ).toBeLessThan(1e-5);
      expect(answers.label.map((label) => model.classes[label])).toEqual(vectors.map((vector) => vector.label));
    }
  });

  test("gives what the predictor says, over items of every kind", async () => {
    const { onnx, vectors } = exportOnnx(model, samples);
    const answers = await run(onnx, vectors);
    const predictions = openPredictor(model).predict(samples);
    expect(answers.label.map((label) => model.classes[label])).toEqual(predictions.map((prediction) => prediction.code));
    const tops = predictions.map((_, item) =>
      Math.max(...answers.probabilities.slice(item * model.classes.length, (item + 1) * model.classes.length)),
    );
    expect(
      farthest(
        tops,
        predictions.map((prediction) => prediction.probability),
      ),
    ).toBeLessThan(1e-5);
  });

  test("stands certainty, ties and items without a known feature", async () => {
    const loud = { ...model, calibration: isotonic, scales: model.scales.map((scale) => scale * 2000) };
    const { onnx, vectors } = exportOnnx(loud, samples);
    const nothing = { features: [], values: [], logits: model.classes.map(() => 0), probabilities: [] };
    const answers = await run(onnx, [...vectors, nothing]);
    expect(answers.probabilities.every(Number.isFinite)).toBe(true);
    expect(
      farthest(
        answers.probabilities.slice(0, -model.classes.length),
        vectors.flatMap((vector) => vector.probabilities),
      ),
    ).toBeLessThan(1e-5);
    expect(answers.label.at(-1)).toBe(0);
    expect(answers.logits.slice(-model.classes.length)).toEqual(nothing.logits);
  });

  test("is the same file each time, small, and knows its codes", () => {
    const one = exportOnnx(model, samples);
    expect(Buffer.compare(one.onnx, exportOnnx(model, samples).onnx)).toBe(0);
    expect(one.onnx.byteLength).toBeLessThan(model.weights.byteLength + 4 * model.scales.length + 10_000);
    expect(Buffer.from(one.onnx).includes(JSON.stringify(model.classes))).toBe(true);
  });
});

const fold = (text: string): string => text.normalize("NFKC").toLowerCase();

const bytesOf = (text: string): DataView => {
  const bytes = Buffer.from(text, "base64");
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
};

/** Follows the JSON rule and nothing else; written from its prose. */
function follow(rule: HashingRule, item: Item): { features: number[]; values: number[] } {
  const { spec, namespaces, constants, used, tables } = rule;
  const P = constants.prime;
  const mix = (hash: number): number => {
    let key = Math.imul(hash ^ (hash >>> 16), constants.mix[0]);
    key = Math.imul(key ^ (key >>> 13), constants.mix[1]);
    return (key ^ (key >>> 16)) >>> 0;
  };
  const hashed = (salt: number, value: string): number => {
    let h = salt;
    for (const unit of fold(value).trim().split("")) h = Math.imul(h ^ unit.charCodeAt(0), P);
    return h;
  };
  const entries = new Map<number, { namespace: number; what: string; length: number; amount: number }>();
  const put = (hash: number, namespace: number, what: string, length = 0): void => {
    const entry = entries.get(mix(hash));
    if (entry === undefined) entries.set(mix(hash), { namespace, what, length, amount: 1 });
    else entry.amount += 1;
  };
  const place = (kind: string, name: string): number => namespaces.findIndex((one) => one.kind === kind && one.name === name);

  put(namespaces[0].salt, 0, "whole");
  spec.text.forEach((column, c) => {
    const namespace = place("text", column.column);
    const s = namespaces[namespace].salt;
    const raw = item.text[c];
    const short = /[^\0-\x7f]/.test(raw) && raw.length > 2 * spec.maxPoints ? raw.slice(0, 2 * spec.maxPoints) : raw;
    const points = Array.from(fold(short)).slice(0, spec.maxPoints);
    const words: string[][] = [];
    const line: string[] = [" "];
    let open = false;
    for (const point of points) {
      const letter = point.codePointAt(0)! < 128 ? /[a-z0-9]/.test(point) : /[\p{L}\p{N}\p{M}]/u.test(point);
      const alone = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(point);
      if (!letter) {
        open = false;
        if (line.at(-1) !== " ") line.push(" ");
        continue;
      }
      if (open && !alone) words.at(-1)?.push(point);
      else words.push([point]);
      open = !alone;
      line.push(point);
    }
    if (line.at(-1) !== " ") line.push(" ");
    const hashes = words.map((word) => word.reduce((h, point) => Math.imul(h ^ point.codePointAt(0)!, P), constants.wordStart));
    if (words.length === 0) put(s, namespace, "whole");
    else {
      hashes.forEach((hash, w) => {
        const one = Math.imul(hash ^ s, P);
        put(one, namespace, "word");
        if (column.pairs && w + 1 < hashes.length) put(Math.imul(one, constants.pairFactor) + hashes[w + 1], namespace, "pair");
      });
      for (let a = 0; a + column.minChars <= line.length; a++) {
        let h = ~s;
        for (let b = a; b < Math.min(line.length, a + column.maxChars); b++) {
          h = Math.imul(h ^ line[b].codePointAt(0)!, P);
          if (b - a + 1 >= column.minChars) put(h, namespace, "piece", b - a + 1);
          if (!column.across && line[b] === " " && b > a) break;
        }
      }
    }
    if (c > 0) return;
    for (const index of spec.crosses) {
      const cross = place("cross", spec.categories[index]);
      const base = mix(hashed(namespaces[cross].salt, item.categories[index]));
      let whole = base;
      for (const hash of hashes) {
        put(Math.imul(base ^ hash, P), cross, "word");
        whole = Math.imul(whole, constants.pairFactor) + hash;
      }
      put(~whole, cross, "whole");
    }
  });
  spec.categories.forEach((name, c) =>
    put(hashed(namespaces[place("category", name)].salt, item.categories[c]), place("category", name), "whole"),
  );
  spec.numbers.forEach(({ column, mean, deviation, edges }, n) => {
    const namespace = place("number", column);
    const s = namespaces[namespace].salt;
    const value = item.numbers[n].trim() === "" ? Number.NaN : Number(item.numbers[n]);
    if (!Number.isFinite(value)) return put(s, namespace, "whole");
    put(s + Math.imul(edges.filter((edge) => value >= edge).length + 1, constants.binStep), namespace, "whole");
    put(~s, namespace, "amount");
    const entry = entries.get(mix(~s));
    if (entry !== undefined) entry.amount = Math.min(4, Math.max(-4, (value - mean) / deviation));
  });

  const [buckets, inverse] = [bytesOf(tables.buckets), bytesOf(tables.inverseFrequencies)];
  const rowOf = new Map(Array.from({ length: tables.rows }, (_, row) => [buckets.getUint32(row * 4, true), row]));
  const kept = [...entries].flatMap(([key, entry]) => {
    const row = rowOf.get(key >>> (32 - spec.bits));
    const weight = row === undefined ? 0 : inverse.getFloat32(row * 4, true);
    const out =
      (entry.what === "pair" && !used.pairs) || (entry.what === "piece" && (entry.length < used.minChars || entry.length > used.maxChars));
    if (row === undefined || weight === 0 || out) return [];
    return [{ row, namespace: entry.namespace, value: entry.what === "amount" ? entry.amount : (1 + Math.log(entry.amount)) * weight }];
  });
  const squares = new Map<number, number>();
  for (const { namespace, value } of kept) squares.set(namespace, (squares.get(namespace) ?? 0) + value * value);
  return {
    features: kept.map((entry) => entry.row),
    values: kept.map(({ namespace, value }) => {
      const { scale, normalised } = namespaces[namespace];
      return normalised ? (value * scale) / Math.sqrt(squares.get(namespace) ?? 1) : value * scale;
    }),
  };
}

describe("the rule, followed from its JSON alone", () => {
  test("finds the features and values of every vector", () => {
    const { rule, vectors } = exportOnnx(model, samples);
    const read: HashingRule = JSON.parse(JSON.stringify(rule)); // as another program would have it
    for (const vector of vectors) {
      const found = follow(read, vector.item);
      expect(found.features).toEqual(vector.features);
      expect(farthest(found.values, vector.values)).toBeLessThan(1e-6);
    }
    expect(vectors.map((vector) => vector.features.length > 3)).toEqual(samples.map(() => true));
  });

  test("leaves out what the hyperparameters leave out", () => {
    const narrow: Model = {
      ...model,
      parameters: { ...model.parameters, pairs: false, minChars: 4, maxChars: 4, idfPower: 1, minItems: 3 },
    };
    const { rule, vectors } = exportOnnx(narrow, samples);
    for (const vector of vectors) {
      const found = follow(rule, vector.item);
      expect(found.features).toEqual(vector.features);
      expect(farthest(found.values, vector.values)).toBeLessThan(1e-6);
    }
  });

  test("vectors survive JSON", () => {
    const { vectors } = exportOnnx(model, samples);
    expect(JSON.parse(JSON.stringify(vectors))).toEqual(vectors);
  });
});
