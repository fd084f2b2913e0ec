// Views: what can be asked of the module by SQL, and which sealed objects and tables it is made of.

import { listPart, openSealed, type LakeColumn, type LakeTable } from "../../platform/warehouse/index.ts";
import type { Actor } from "../../platform/vault/contract.ts";
import { currentInferences, listPeriods } from "../store/inferences.ts";
import { readFigureRows } from "../store/reports.ts";
import type { ClassifyDeps } from "./deps.ts";

const text = (name: string): LakeColumn => ({ name, type: "text" });
const number = (name: string): LakeColumn => ({ name, type: "number" });

const place: readonly LakeColumn[] = [text("period"), text("country"), text("line")];

const prediction: readonly LakeColumn[] = [
  text("id"),
  text("date"),
  number("units"),
  number("kg"),
  text("code"),
  number("probability"),
  text("decision"),
  text("runner_up"),
  text("evidence"),
  text("scheme_version"),
  text("model"),
  text("reason"),
];

const figure: readonly LakeColumn[] = [
  text("period"),
  text("country"),
  text("scheme"),
  text("scheme_version"),
  text("code"),
  number("revision"),
  number("items"),
  number("units"),
  number("kg"),
  number("items_margin"),
  number("units_margin"),
  number("kg_margin"),
  number("returned_units"),
  number("returned_kg"),
];

/** The module's tables as `actor` may read them. */
export function makeTables({ database, objects }: Pick<ClassifyDeps, "database" | "objects">, actor: Actor): readonly LakeTable[] {
  const sealed = openSealed(objects, actor);
  return [
    {
      name: "classify_predictions",
      about: "Codes of items, the codings that count for each period",
      open: async () => {
        const periods = await listPeriods(database);
        const current = (await Promise.all(periods.map(async ({ period }) => await currentInferences(database, period)))).flat();
        return {
          columns: [...place, ...prediction],
          places: current.map(({ period, country, line, predictions }) => ({
            part: sealed.part(predictions, prediction, true),
            constants: { period, country, line },
          })),
        };
      },
    },
    {
      name: "classify_figures",
      about: "Figures of the reports with their margins, every revision",
      open: async () => ({
        columns: figure,
        places: [
          {
            part: listPart("classify figures", figure, async () =>
              readFigureRows(
                database,
                figure.map(({ name }) => name),
              ),
            ),
            constants: {},
          },
        ],
      }),
    },
  ];
}
