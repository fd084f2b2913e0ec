import { describe, expect, test } from "vitest";
import { makeDatasetBuilder } from "./dataset.ts";
import { fitModel } from "./fit.ts";
import { openPredictor } from "./predict.ts";

const columns = { text: ["title", "brand"], categories: ["country"], numbers: [] };
const kinds = ["electric kettle", "bread toaster", "desk lamp", "elektrisk kaffemaskine"];

/** Flawless: each title names its kind and nothing misleads, so validation shows no error at all. */
function flawless() {
  const builder = makeDatasetBuilder(columns);
  for (let i = 0; i < 1200; i++) {
    const kind = i % kinds.length;
    const colour = ["red", "blue", "green", "white"][(i >> 2) % 4];
    builder.add({ text: [`${colour} ${kinds[kind]} ${1 + (i % 97)}`, "Acme"], categories: ["GBR"], numbers: [] }, `C${kind}`);
  }
  return builder.build();
}

const model = fitModel(flawless(), { seed: 1, label: "code", date: "", data: { name: "", hash: "", rows: 0, badRows: 0 } });
const ask = (title: string, brand = "", country = "GBR", floor?: number) =>
  openPredictor(model, floor === undefined ? {} : { floor }).predict([{ text: [title, brand], categories: [country], numbers: [] }])[0];

describe("items of which too little is known", () => {
  test("go to a person, with the reason, though no unseen item was wrong", () => {
    expect(model.decisions.segments["GBR"]).toMatchObject({ kind: "from", seen: { wrong: 0 } });
    expect(ask("red electric kettle 5", "Acme")).toMatchObject({ code: "C0", decision: "auto", reason: "" });
    for (const title of ["", "   ", "?!", "…"]) expect(ask(title)).toMatchObject({ decision: "review", reason: "no words" });
    for (const title of ["qwxzj vbnm", "ζωή", "日", "0x9f", "zzzz zzzz zzzz"])
      expect(ask(title)).toMatchObject({ decision: "review", reason: "no known word" });
    expect(ask("kettle qwxzj vbnmq wkrtzp yyxhq fghjwq", "Acme").reason).toBe("little known text");
  });

  test("a known word and a sure model are enough, also in capitals, accents and within other words", () => {
    expect(ask("KETTLE, electric", "Acme").decision).toBe("auto");
    expect(ask("Elektrisk Kaffemaskine", "Acme").decision).toBe("auto");
  });

  test("a higher floor holds more back, a lower one nothing less", () => {
    const sure = ask("red electric kettle 5", "Acme");
    expect(ask("red electric kettle 5", "Acme", "GBR", (1 + sure.probability) / 2).reason).toBe("below the floor");
    expect(ask("qwxzj vbnm", "", "GBR", 0).decision).toBe("review");
  });
});
