import { expect, test } from "vitest";
import { type FileProfile, profileFile } from "../../platform/intake/profile.ts";
import { adviceOn, proposalOf } from "./look.ts";

const profileOf = async (lines: readonly string[]): Promise<FileProfile> =>
  await profileFile({
    name: "products.csv",
    open: async function* () {
      yield Buffer.from(lines.join("\n"));
    },
  });

const look = async (lines: readonly string[]): Promise<readonly string[]> => adviceOn(await profileOf(lines));

const products = (row: (i: number) => string): readonly string[] => Array.from({ length: 60 }, (_, i) => row(i));

test("a catalogue with codes and titles is told as one to learn from", async () => {
  const advice = await look([
    "Handle,Title,Body HTML,Vendor,Product Type,Price",
    ...products((i) => `h-${i},Thing ${i},"<p>Some ${i}</p>",V${i % 4},Type ${i % 5},${i}.5`),
  ]);
  expect(advice).toEqual([
    "code: Product Type (its name; 5 codes)",
    ...["Title", "Body HTML", "Vendor"].map((name) => `text: ${name} (as in a Shopify products export)`),
    'HTML in "Body HTML" is read as the text it shows.',
    "stockroom classify fit products.csv --map 'Title=text,Body HTML=text,Vendor=text,Product Type=label' --categories none --export shopify-products --out products.model",
  ]);
});

test("paths of categories are told as such", async () => {
  const advice = await look(["title;category", ...products((i) => `Thing ${i};Home > Kitchen > K${i % 3}`)]);
  expect(advice.join("\n")).toMatch(/"category" holds paths of up to 3 parts; the code is the whole path \(3 codes/);
});

test("a file of sales is none, and neither is one whose every row has a code of its own", async () => {
  expect(await look(["date,sku,quantity", ...products((i) => `2024-01-${String((i % 28) + 1).padStart(2, "0")},A,${i}`)])).toEqual([]);
  expect(await look(["title,category", ...products((i) => `Thing ${i},C${i}`)])).toEqual([]);
});

test("programs get the same proposal as plain JSON, its questions too, and none of a file that is no catalogue", async () => {
  const sure = proposalOf(await profileOf(["sku;Bezeichnung;Warengruppe", ...products((i) => `S${i};Ding ${i} gross;W${i % 4}`)]));
  expect(sure).toMatchObject({ questions: [], plan: { text: ["Bezeichnung"], label: { columns: ["Warengruppe"] }, id: "sku" } });
  expect(sure?.flags.join(" ")).toMatch(/^--map '?Bezeichnung=text,Warengruppe=label,sku=id'? --categories none$/);
  expect(JSON.parse(JSON.stringify(sure))).toEqual(sure);
  const doubt = proposalOf(
    await profileOf(["title,category,category name", ...products((i) => `Red thing ${i},C${i % 3},K${(i * 7) % 5}`)]),
  );
  expect(doubt).toMatchObject({ questions: [{ about: "label", answers: expect.arrayContaining(['--map "category=label"']) }] });
  expect(
    proposalOf(await profileOf(["date,sku,quantity", ...products((i) => `2024-01-${String((i % 28) + 1).padStart(2, "0")},A,${i}`)])),
  ).toBeUndefined();
});
