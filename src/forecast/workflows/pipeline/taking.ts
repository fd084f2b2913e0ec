// Taking: the files of a group, each read as it stands when it has the domain's own columns, and looked at when it has not.
//
// Owns: which of its files are looked at, with which words; what is kept of that with a run. Does not own: looking (workflows/intake).
//   K1. A file with the domain's own columns is read exactly as if nobody could look, unless the settings say how its columns are called.
//   K2. Nothing is read by a proposal with a question: the first is thrown, with the settings that answer it.

import type { Body } from "../../../platform/bytes.ts";
import { findDateStyle } from "../../../platform/intake/dates.ts";
import type { IntakeFile } from "../../../platform/intake/profile.ts";
import { type FileShape, type ShapeChange, shapeOf } from "../../../platform/intake/shape.ts";
import type { ReadBy } from "../../../platform/mappings/held.ts";
import { defaultsKey } from "../../store/keys.ts";
import { inputOptionsOf } from "../defaults/parse.ts";
import type { InputFile } from "../inputs/open.ts";
import type { ReadInputsOptions } from "../inputs/options.ts";
import type { InputNote } from "../inputs/read.ts";
import { domains, type InputKind, targetAliases } from "../inputs/schema.ts";
import { isStrict } from "../inputs/strict.ts";
import { applyPlan, type IntakePart } from "../intake/apply.ts";
import { valuesOf } from "../intake/beside.ts";
import type { TakenIn } from "../intake/intake.ts";
import { blockOf, type IntakeBlock, type SaidIntake, saidOf } from "../intake/said.ts";
import {
  dimensionsOf,
  type KeptIntake,
  linesOf,
  type Look,
  lookAtTarget,
  lookBeside,
  type Looking,
  questionError,
  sentenceOf,
} from "../intake/take-in.ts";
import type { Recipe } from "./recipe.ts";

/** The files of a group that have columns; each can be opened more than once. */
export type GroupSources = { readonly target: IntakeFile } & { readonly [kind in Exclude<InputKind, "target">]?: IntakeFile };

/** Plain JSON: what was understood of a file, kept with the run that it was read for, and as the mapping for the next one. */
export type IntakeRecord = {
  readonly kind: InputKind;
  readonly file: string;
  readonly by: ReadBy;
  /** At most ten. */
  readonly lines: readonly string[];
  readonly changes: readonly ShapeChange[];
  /** What in settings does the same again. */
  readonly intake: IntakeBlock;
  readonly taken: TakenIn;
  readonly shape: FileShape;
  /** Share of its rows, and of value, that may be bad; null: the usual one. */
  readonly maxBadShare: number | null;
};

export interface TakenGroup {
  /** What `readInputs` is to be given beside or in the place of the settings' own. */
  readonly options: Pick<ReadInputsOptions, "target" | "related" | "metadata"> & Partial<ReadInputsOptions>;
  /** Of the files that were looked at. */
  readonly records: readonly IntakeRecord[];
  readonly notes: readonly InputNote[];
}

export interface Taking {
  readonly recipe: Recipe;
  /** How files of the same senders were read before. */
  readonly kept: { readonly [kind in InputKind]?: KeptIntake };
  /** What a person answered when a file was asked about; the settings count before it. */
  readonly answers: { readonly [kind in InputKind]?: IntakeBlock };
  readonly signal?: AbortSignal | undefined;
}

const besides = ["related", "metadata"] as const;

/** What the settings, or an answer, say of a kind's columns; undefined: nothing. */
function blockFor({ recipe: { intake = {} }, answers }: Taking, kind: InputKind): IntakeBlock | undefined {
  const { related, metadata, ...target } = intake;
  const block = kind === "target" ? target : kind === "related" ? related : metadata;
  return block === undefined || Object.keys(block).length === 0 ? answers[kind] : block;
}

/** What the section `Inputs` says of every file, as far as a look can use it. */
function usualOf({ inputs = {} }: Recipe): SaidIntake {
  const { without, decimal, encoding, dateFormat, map, stockColumn } = inputs;
  return {
    given: {
      ...(without === undefined ? {} : { without }),
      ...(map === undefined ? {} : { map }),
      ...(stockColumn === undefined ? {} : { stock: stockColumn }),
      ...(decimal === undefined ? {} : { decimal }),
      ...(dateFormat === undefined || findDateStyle(dateFormat) === undefined ? {} : { dateStyle: dateFormat }),
    },
    filter: {},
    hints: { ...(encoding === undefined ? {} : { encoding }), ...(decimal === undefined ? {} : { decimal }) },
  };
}

/** Looks at those files of a group that have not the domain's own columns. */
export async function lookAtGroup(sources: GroupSources, taking: Taking): Promise<readonly (readonly [InputKind, Look])[]> {
  const { recipe, kept, signal } = taking;
  const options = inputOptionsOf(recipe);
  const isLookedAt = async (kind: InputKind): Promise<boolean> => {
    const source = sources[kind];
    if (source === undefined) return false;
    if (blockFor(taking, kind) !== undefined) return true;
    const schema = recipe.datasets[kind]?.schema;
    const file: InputFile = { name: source.name, body: source.open(), ...(schema === undefined ? {} : { schema }) };
    return !(await isStrict(kind, file, { ...options, ...(signal === undefined ? {} : { signal }) }));
  };
  const looking = (kind: InputKind): Looking => {
    const block = blockFor(taking, kind);
    return { said: block === undefined ? undefined : saidOf(block), kept: kept[kind], usual: usualOf(recipe), signal };
  };
  const looks: (readonly [InputKind, Look])[] = [];
  const ofTarget = async (): Promise<Look> =>
    await lookAtTarget(sources.target, {
      ...looking("target"),
      dimensions: recipe.dimensions,
      frequency: options.frequency,
      end: options.end,
    });
  if (await isLookedAt("target")) looks.push(["target", await ofTarget()]);
  for (const kind of besides) {
    const source = sources[kind];
    if (source === undefined || !(await isLookedAt(kind))) continue;
    // What it is joined by stands in the target, whoever reads that.
    const target = looks[0]?.[0] === "target" ? looks[0][1] : await ofTarget();
    looks.push([kind, await lookBeside(kind, source, looking(kind), valuesOf(target.profile, target.taken.plan))]);
  }
  return looks;
}

/** The files of a group, ready to be read. Throws `input` `INTAKE_QUESTION`, and what looking at a file throws. */
export async function takeInGroup(sources: GroupSources, taking: Taking): Promise<TakenGroup> {
  const { recipe, signal } = taking;
  const looks = await lookAtGroup(sources, taking);
  for (const [kind, look] of looks) {
    const error = questionError(look, recipe.name, kind, defaultsKey);
    if (error !== undefined) throw error;
  }
  const lookOf = (kind: InputKind): Look | undefined => looks.find(([each]) => each === kind)?.[1];
  const names = namesOf(recipe);
  const opened = (kind: InputKind, source: IntakeFile, part: IntakePart = kind): InputFile => {
    const look = lookOf(kind);
    const schema = recipe.datasets[kind]?.schema;
    if (look === undefined) return { name: source.name, body: source.open(), ...(schema === undefined ? {} : { schema }) };
    const { filter, hints } = look.taken;
    // What was in stock stands beside what was sold: it is read once.
    const plan = kind === part ? look.taken.plan : { ...look.taken.plan, stock: undefined };
    return {
      name: source.name,
      body: nothing(),
      decimal: plan.decimal,
      stockColumn: plan.stock,
      table: async (onBadRow) => await applyPlan(source, plan, part, { ...filter, hints: { ...hints, signal }, onBadRow, names }),
    };
  };
  const target = lookOf("target");
  const known = target?.taken.plan.known ?? [];
  const { related, metadata } = sources;
  const share = shareOf("target", taking);
  const end = target?.taken.end ?? null;
  return {
    options: {
      target: opened("target", sources.target),
      ...(related !== undefined
        ? { related: opened("related", related) }
        : known.length > 0
          ? { related: opened("target", sources.target, "related"), shortRelated: "leave-out" as const }
          : {}),
      ...(metadata === undefined ? {} : { metadata: opened("metadata", metadata) }),
      ...(target === undefined ? {} : { dimensions: dimensionsOf(target.taken.plan) }),
      ...(end === null ? {} : { end }),
      ...(share === undefined ? {} : { mostBadShare: share }),
    },
    records: looks.map(([kind, look]) => recordOf(kind, look, taking)),
    notes: [
      ...looks.flatMap(([kind, look]) => notesOn(kind, look, names)),
      ...(related !== undefined && known.length > 0
        ? [
            {
              code: "INTAKE_LEFT_OUT",
              message: `${known.join(", ")} of ${sources.target.name} are not used: ${related.name} says what is known ahead.`,
            },
          ]
        : []),
    ],
  };
}

/** What item and demand are called where a group's rules speak of them. */
function namesOf({ domain, datasets }: Recipe): { readonly item: string; readonly target: string } {
  const { item, target } = domains[domain];
  const wanted = [target, ...(targetAliases[domain] ?? [])];
  return { item, target: datasets.target.schema.find(({ name }) => wanted.includes(name))?.name ?? target };
}

const shareOf = (kind: InputKind, taking: Taking): number | undefined =>
  blockFor(taking, kind)?.maxBadShare ?? taking.kept[kind]?.maxBadShare;

function recordOf(kind: InputKind, look: Look, taking: Taking): IntakeRecord {
  const { profile, by, changes, taken } = look;
  return {
    kind,
    file: profile.name,
    by,
    lines: linesOf(look),
    changes,
    intake: blockOf(taken.plan, taken.filter, taken.hints),
    taken,
    shape: shapeOf(profile, taken.plan.timestamp === null ? {} : { [taken.plan.timestamp]: taken.plan.dateStyle }),
    maxBadShare: shareOf(kind, taking) ?? null,
  };
}

/** What a planner is told: a warning where nobody said how the file is to be read, and where it is made otherwise than before. */
function notesOn(kind: InputKind, look: Look, names: { readonly item: string; readonly target: string }): readonly InputNote[] {
  const usual =
    kind === "target" ? `${names.item}, timestamp, ${names.target}` : kind === "related" ? `${names.item}, timestamp` : names.item;
  const changes = look.changes.map(({ text }) => text);
  return [
    { code: look.by === "proposal" ? "INTAKE_PROPOSED" : "INTAKE_READ_AS", message: sentenceOf(look, usual) },
    ...(changes.length === 0
      ? []
      : [
          {
            code: "INTAKE_SHAPE_CHANGED",
            message: `${look.profile.name} is made otherwise than the file before it: ${changes.join("; ")}.`,
          },
        ]),
  ];
}

async function* nothing(): Body {}
