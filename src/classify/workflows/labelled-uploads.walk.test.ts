// Labelled uploads with columns of their own: whatever a catalogue looks like, what is learned from is what a person would take from it, or one question.

import { zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { catalogueFiles } from "../../../test/kit/catalogues.ts";
import { openClassify, type ClassifyParts } from "../../../test/kit/classify.ts";
import { runUntil, runWorkflow } from "../../../test/kit/workflow.ts";
import type { Workflows } from "../../platform/workflow/contract.ts";
import { listLines } from "../store/lines.ts";
import { type IntakeInput, makeIntake } from "./intake.ts";
import { answerFor, forgetFor, listKept, understandLabelled } from "./kept.ts";
import type { ClassifyDeps } from "./deps.ts";
import { importSchemes } from "./schemes.ts";
import { makeTrain, type TrainInput } from "./train.ts";

let parts: ClassifyParts;
beforeAll(async () => {
  parts = await openClassify();
});
afterAll(async () => await parts.close());

const look = async (key: string, content: readonly string[] | Buffer) => {
  const object = await parts.put(key, content);
  return await runWorkflow(makeIntake(parts.deps, makeTrain(parts.deps)), object, { runId: `intake/${key}@${object.version}` });
};

/** What a line learns from: counts of the first step of its training. */
async function learned(input: TrainInput): Promise<{ readonly counts: Readonly<Record<string, number>>; readonly version: string }> {
  const recorded = await runUntil(makeTrain(parts.deps), input, "fit", { runId: `train/${input.line}/${input.version}` });
  // As the step records it.
  return recorded.get("prepare") as { readonly counts: Readonly<Record<string, number>>; readonly version: string };
}

const childrenOf = (run: Awaited<ReturnType<typeof look>>): readonly TrainInput[] => run.children.map(({ input }) => input as TrainInput);

/** What would be started and gone on with. */
function asking() {
  const started: string[] = [];
  const workflows: Pick<Workflows, "deadLetters" | "redrive" | "start"> = {
    deadLetters: async () => [
      {
        id: "1",
        runId: "",
        workflow: "",
        title: "",
        error: { message: "", code: "INTAKE_QUESTION", kind: "input", facts: {} },
        tries: 1,
        crashes: 0,
        at: "",
        state: "waiting",
      },
    ],
    redrive: async () => {
      started.push("redriven");
      return "";
    },
    start: async (_, input) => {
      started.push(JSON.stringify(input));
      return "";
    },
  };
  return { started, workflows };
}

/** `AAA`, `AAB`, ... : each file is a country's own. */
const countryOfFile = (i: number): string => `Q${String.fromCharCode(65 + Math.floor(i / 26))}${String.fromCharCode(65 + (i % 26))}`;
const files = catalogueFiles().map((file, i) => [file.name, file, countryOfFile(i)] as const);

describe("catalogues of strangers, as they lie", () => {
  // A column `title` alone is a file of ours whose labels were left out: intake.test.ts.
  test.each(files.filter(([name, { question }]) => question !== undefined && name !== "titles-only.csv"))(
    "%s is asked about",
    async (_, file, country) => {
      const key = `classify/labelled/${country}/${file.name}`;
      await expect(look(key, file.bytes)).rejects.toMatchObject({
        code: "INTAKE_QUESTION",
        kind: "input",
        message: expect.stringContaining(`stockroom classify mappings set ${key} --map`),
      });
      expect(await listLines(parts.database, { country })).toEqual([]);
      expect((await listKept(parts.database, key)).length).toBe(0);
    },
  );

  test.each(files.filter(([, { question }]) => question === undefined))("%s is read", async (_, file, country) => {
    const key = `classify/labelled/${country}/${file.name}`;
    const [child, ...others] = childrenOf(await look(key, file.bytes));
    expect(others).toEqual([]);
    const notice = (await parts.notices()).find(({ id }) => id.includes(key));
    expect(notice?.body).toMatch(/It has columns of its own and was read so: .*code: .*scheme: /s);
    expect((await understandLabelled(parts.deps, key))?.length).toBeLessThanOrEqual(10);
    const { counts } = await learned(child ?? { line: "", key: "", version: "" });
    // With flags another level is asked for than is found.
    const classes = file.flags === undefined ? file.codes : undefined;
    expect(counts).toMatchObject({
      badRows: 0,
      ...(classes === undefined ? {} : { classes }),
      ...(file.items === undefined ? {} : { rows: file.items }),
    });
  });
});

const german = (rows: number, more: { readonly header?: string; readonly row?: (i: number) => string } = {}): readonly string[] => [
  more.header ?? "Artikelnummer;Bezeichnung;Marke;Warengruppe;Sprache",
  ...Array.from({ length: rows }, (_, i) =>
    more.row === undefined
      ? `A${i};${["Wasserkocher", "Bratpfanne", "Stehlampe"][i % 3] ?? ""} ${i};Marke ${i % 5};0${i % 3}0;${i % 2 === 0 ? "de" : "en"}`
      : more.row(i),
  ),
];

describe("an upload", () => {
  test("fills the columns that the settings name, each with what means the same", async () => {
    const [child] = childrenOf(await look("classify/labelled/DEU/katalog.csv", german(60)));
    expect(child).toMatchObject({ line: "DEU-WARENGRUPPE" });
    const { counts } = await learned(child ?? { line: "", key: "", version: "" });
    expect(counts).toMatchObject({ rows: 60, classes: 3, badRows: 0, others: 0 });
    const [kept] = await listKept(parts.database, "DEU/katalog");
    expect(kept?.intake).toEqual({
      map: { Bezeichnung: "text", Marke: "text", Warengruppe: "label", Artikelnummer: "id" },
      categories: ["Sprache"],
      scheme: "WARENGRUPPE",
    });
  });

  test("of an archive or a workbook's kind is read as well, and one that names its schemes exactly as before", async () => {
    const packed = Buffer.from(zipSync({ "katalog.csv": Buffer.from(german(60).join("\n")) }));
    expect(childrenOf(await look("classify/labelled/CHE/katalog.zip", packed))).toMatchObject([{ line: "CHE-WARENGRUPPE" }]);
    const strict = await look("classify/labelled/CHE/strict.csv", [
      "id,title,code.WASTE,Warengruppe",
      ...Array.from({ length: 9 }, (_, i) => `${i},kettle ${i},K,x`),
    ]);
    expect(childrenOf(strict)).toMatchObject([{ line: "CHE-WASTE" }]);
    expect(await understandLabelled(parts.deps, "classify/labelled/CHE/strict.csv")).toBeUndefined();
    expect(await listKept(parts.database, "CHE/strict")).toEqual([]);
  });

  test("asks the store nothing while it holds the audit log: as many at once as there are connections would wait for ever", async () => {
    const { database, objects } = parts;
    let [open, asked] = [0, 0];
    const deps: ClassifyDeps = {
      ...parts.deps,
      database: {
        ...database,
        transaction: async (work, options) => {
          open++;
          return await database.transaction(work, options).finally(() => open--);
        },
      },
      objects: {
        ...objects,
        head: async (key, version) => {
          if (open > 0) asked++;
          return await objects.head(key, version);
        },
      },
    };
    const object = await parts.put("classify/labelled/LUX/katalog.csv", german(60));
    await runWorkflow(makeIntake(deps, makeTrain(deps)), object, { runId: "intake/lux" });
    expect(asked).toBe(0);
    expect(await listKept(parts.database, "LUX/katalog")).toHaveLength(1);
  });

  test("whose codes are those of a scheme that was imported is of that scheme; of two that fit it is asked", async () => {
    const versions = [{ version: "1", valid_from: "2020-01-01", codes: ["000", "010", "020"].map((code) => ({ code })) }];
    const scheme = (name: string) => ({ scheme: name, country: "AUT", versions });
    const put = async (...names: readonly string[]) =>
      await importSchemes(parts.deps, [{ name: "s.json", bytes: Buffer.from(JSON.stringify(names.map(scheme))) }], "test");
    await put("AUT-GOODS");
    expect(childrenOf(await look("classify/labelled/AUT/katalog.csv", german(60)))).toMatchObject([{ line: "AUT-AUT-GOODS" }]);
    await put("AUT-OTHER");
    await expect(look("classify/labelled/AUT/neu.csv", german(61))).rejects.toMatchObject({
      message: expect.stringMatching(/Of which scheme .*AUT-GOODS and AUT-OTHER fit alike.*--scheme AUT-GOODS` \(or --scheme AUT-OTHER\)/s),
    });
    // The same sender's next file stays with the scheme of the one before.
    expect(childrenOf(await look("classify/labelled/AUT/2026-11/katalog.csv", german(62)))).toMatchObject([{ line: "AUT-AUT-GOODS" }]);
  });

  test("without a country is asked for it, and with a column of countries each row is its own country's", async () => {
    await expect(look("classify/labelled/irgendwo.csv", german(60))).rejects.toMatchObject({
      message: expect.stringMatching(/Of which country .*mappings set classify\/labelled\/irgendwo\.csv --country GBR.*country: GBR/s),
    });
    const rows = german(180, {
      header: "Titel;Kategorie;Land",
      row: (i) => `Ding ${["rund", "eckig"][i % 2] ?? ""} ${i};K${i % 2};${["Österreich", "Polska", "IT"][i % 3] ?? ""}`,
    });
    const children = childrenOf(await look("classify/labelled/laender.csv", rows));
    expect(children.map(({ line }) => line).toSorted()).toEqual(["AUT-KATEGORIE", "ITA-KATEGORIE", "POL-KATEGORIE"]);
    const [first] = children.filter(({ line }) => line === "POL-KATEGORIE");
    expect((await learned(first ?? { line: "", key: "", version: "" })).counts).toMatchObject({ rows: 60, classes: 2 });
  });

  test("in a country's folder is that country's, whatever a column of origins says; rows of another country are set apart", async () => {
    const row = (land: (i: number) => string) => (i: number) => `Ding ${["rund", "eckig"][i % 2] ?? ""} ${i};K${i % 2};${land(i)}`;
    const header = "Titel;Kategorie;Land";
    const origins = await look(
      "classify/labelled/ESP/herkunft.csv",
      german(60, { header, row: row((i) => (i % 3 === 0 ? "Spain" : "China")) }),
    );
    expect(origins.output).toMatchObject({ rows: 60, badRows: 0 });
    expect((await parts.notices()).find(({ id }) => id.includes("ESP/herkunft"))?.body).toMatch(
      /All rows count for ESP, .*"Land" mostly names other countries/,
    );
    const mixed = await look(
      "classify/labelled/ESP/gemischt.csv",
      german(60, { header, row: row((i) => (i % 10 === 0 ? "Francia" : "España")) }),
    );
    expect(mixed.output).toMatchObject({ rows: 54, badRows: 6 });
  });
});

describe("the next file of the same sender", () => {
  const key = "classify/labelled/NLD/artikelen.csv";
  test("is read alike, and told what is new in it", async () => {
    await look(key, german(60));
    const wider = german(63).map((line, i) => `${line};${i === 0 ? "Neu" : "x"}`);
    await look("classify/labelled/NLD/2026/11/artikelen.csv", wider);
    const notice = (await parts.notices()).find(({ id }) => id.includes("NLD/2026/11/artikelen"));
    expect(notice?.body).toMatch(/made otherwise than the file before it: new: Neu; not used/);
    expect((await listKept(parts.database, "NLD/artikelen"))[0]?.row).toMatchObject({
      by: "proposal",
      key: "classify/labelled/NLD/2026/11/artikelen.csv",
    });
  });

  test("with a change that could give other codes asks, and nothing is trained or kept of it", async () => {
    const before = await listKept(parts.database, "NLD/artikelen");
    const renamed = german(64).map((line, i) => (i === 0 ? line.replace("Warengruppe", "Gruppe") : line));
    await expect(look(key, renamed)).rejects.toMatchObject({
      code: "INTAKE_QUESTION",
      message: expect.stringMatching(
        /the column "Warengruppe", which was in use, is gone\. Is that meant\? .*mappings forget classify\/labelled\/NLD/s,
      ),
    });
    expect(await listKept(parts.database, "NLD/artikelen")).toEqual(before);
    // Forgetting lets the run go on that asked.
    const { started, workflows } = asking();
    expect(await forgetFor(parts.deps, workflows, "NLD/artikelen", undefined)).toEqual({ forgotten: 1, goesOn: true });
    expect(started).toEqual(["redriven"]);
    await expect(forgetFor(parts.deps, workflows, "NLD/artikelen", undefined)).rejects.toMatchObject({ code: "CLASSIFY_MAPPING_MISSING" });
    expect(
      childrenOf(
        await look(
          key,
          german(65).map((line, i) => (i === 0 ? line.replace("Warengruppe", "Gruppe") : line)),
        ),
      ),
    ).toMatchObject([{ line: "NLD-GRUPPE" }]);
  });

  test("whose categories are written otherwise asks too: all its codes would be others", async () => {
    const paths = (sign: string): readonly string[] =>
      german(90, {
        header: "Titel;Kategorie",
        row: (i) => `Ding ${i};${["Haus", "Garten"][i % 2] ?? ""}${sign}${["Topf", "Spaten", "Lampe"][i % 3] ?? ""}`,
      });
    await look("classify/labelled/BEL/pfade.csv", paths(" > "));
    await expect(look("classify/labelled/BEL/pfade.csv", paths("/"))).rejects.toMatchObject({
      message: expect.stringMatching(/the parts of "Kategorie" are separated by \/ now \(.*\) and were by >/),
    });
  });
});

describe("an answer", () => {
  const key = "classify/labelled/SWE/varor.csv";
  const rows = german(60, { header: "Titel;a;b", row: (i) => `Sak ${i};A${i % 3};B${(i * 7) % 4}` });
  test("lets the run go on that asked; answers to one question after the other count together", async () => {
    await expect(look("classify/labelled/varor.csv", rows)).rejects.toMatchObject({ message: expect.stringMatching(/Which of "a", "b"/) });
    const { started, workflows } = asking();
    expect(await answerFor(parts.deps, workflows, "varor", { map: { a: "label" } })).toMatchObject({ goesOn: true });
    expect(started).toEqual(["redriven"]);
    await expect(look("classify/labelled/varor.csv", rows)).rejects.toMatchObject({ message: expect.stringMatching(/Of which country/) });
    await answerFor(parts.deps, workflows, "varor.csv", { country: "SWE" });
    const [child] = childrenOf(await look("classify/labelled/varor.csv", [...rows, "Sak 60;A0;B1"]));
    expect(child).toMatchObject({ line: "SWE-A" });
    expect((await listKept(parts.database, "varor"))[0]).toMatchObject({ row: { by: "answer" }, intake: { country: "SWE", scheme: "A" } });
  });

  test("about a file that was read already has it read anew, and trained on again", async () => {
    await look(key, german(60));
    const { started, workflows } = asking();
    // Nothing waits: the file was read.
    const idle = { ...workflows, deadLetters: async () => [] };
    const said = await answerFor(parts.deps, idle, "SWE/varor", { scheme: "SWE-VAROR" });
    expect(said).toMatchObject({ key, goesOn: true });
    const again: unknown = JSON.parse(started[0] ?? "");
    const run = await runWorkflow(makeIntake(parts.deps, makeTrain(parts.deps)), again as IntakeInput, { runId: "again" });
    expect(run.children).toMatchObject([{ id: expect.stringMatching(/\/again\//), input: { line: "SWE-SWE-VAROR" } }]);
  });

  test("with a column that is not there is told at once, with those there are", async () => {
    const { workflows } = asking();
    await look("classify/labelled/NOR/varer.csv", german(60));
    await answerFor(parts.deps, workflows, "NOR/varer", { map: { Grupe: "label" } });
    await expect(look("classify/labelled/NOR/varer.csv", german(61))).rejects.toMatchObject({
      code: "INTAKE_COLUMN_MISSING",
      message: expect.stringMatching(/Expected Grupe among the columns of .*Warengruppe/),
    });
    await expect(answerFor(parts.deps, workflows, "NOR/nichts", { scheme: "X" })).rejects.toMatchObject({ code: "LABELLED_MISSING" });
  });
});
