// The engine alone: learn from a few hundred labelled titles, ask about new ones, keep the model as one file.
//
//     node examples/classify.ts          (in a clone; with the package installed, import from "stockroom/classify")

import { decodeModel, encodeModel, fitModel, makeDatasetBuilder, openPredictor } from "../src/classify/library.ts";

const words = { kettle: "85161", toaster: "85167", headset: "85183" } as const;
const builder = makeDatasetBuilder({ text: ["title"], categories: ["lang"], numbers: [] });
for (let i = 0; i < 300; i++) {
  for (const [word, code] of Object.entries(words)) {
    builder.add({ text: [`${["steel", "red", "small", "travel"][i % 4]} ${word} no ${i}`], categories: ["en"], numbers: [] }, code);
  }
}
const dataset = builder.build();
const model = fitModel(dataset, {
  seed: 1,
  label: "code",
  date: "2026-10-31",
  data: { name: "example", hash: "", rows: dataset.size, badRows: 0 },
});

const file = encodeModel(model);
const predictor = openPredictor(decodeModel(file));
for (const title of ["blue kettle 1.7 L", "wireless headset", "garden gnome"]) {
  const [answer] = predictor.predict([{ text: [title], categories: ["en"], numbers: [] }]);
  const evidence = answer.evidence.map((word) => word.text).join(", ");
  console.log(
    `${title}: ${answer.code} (${answer.probability.toFixed(3)}, ${answer.decision}) because of ${evidence || "nothing it knows"}`,
  );
}
console.log(`model file: ${file.byteLength} bytes, macro-F1 ${model.card.metrics.macroF1.toFixed(3)} on what was set aside`);
