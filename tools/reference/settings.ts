// The reference of settings: every path there may be in stockroom.yaml, with its environment name, what it takes and what holds without it.

import { z } from "zod";
import { baseSections, type SettingMeta } from "../../src/platform/config/schema.ts";
import { environmentName } from "../../src/platform/config/walk.ts";
import { unwrap, type Schema } from "../../src/platform/documents/index.ts";
import { modules } from "../../src/modules.ts";
import { generated, inCell, table, type Page } from "./page.ts";

interface Row {
  readonly path: readonly string[];
  readonly takes: string;
  readonly usual: string;
  readonly says: string;
  readonly isSecret: boolean;
}

/** The default that stands nearest to the value; undefined where there is none. */
function usualOf(schema: Schema): unknown {
  for (let at: Schema = schema; ;) {
    if (at instanceof z.ZodDefault || at instanceof z.ZodPrefault) return at.def.defaultValue;
    if (at instanceof z.ZodOptional || at instanceof z.ZodNullable || at instanceof z.ZodReadonly || at instanceof z.ZodNonOptional)
      at = at.unwrap();
    else if (at instanceof z.ZodPipe) at = at.in;
    else return undefined;
  }
}

function takesOf(at: Schema, meta: SettingMeta): string {
  if (meta.expected !== undefined) return meta.expected;
  if (at instanceof z.ZodEnum) return at.options.map(String).join(", ");
  if (at instanceof z.ZodLiteral) return [...at.values].map(String).join(", ");
  if (at instanceof z.ZodBoolean) return "true or false";
  if (at instanceof z.ZodNumber) {
    const { minValue, maxValue } = at;
    const what = at.isInt ? "a whole number" : "a number";
    const isBound = (value: number | null): value is number => value !== null && Math.abs(value) < Number.MAX_SAFE_INTEGER;
    return `${what}${isBound(minValue) ? ` from ${minValue}` : ""}${isBound(maxValue) ? ` to ${maxValue}` : ""}`;
  }
  if (at instanceof z.ZodArray) return `a list, each ${takesOf(unwrap(at.element).at, {})}`;
  if (meta.path === true) return "a path";
  if (at instanceof z.ZodString || at instanceof z.ZodStringFormat) return "a text";
  if (at instanceof z.ZodUnion) return at.options.map((option) => takesOf(unwrap(option).at, {})).join(", or ");
  if (at instanceof z.ZodObject) return `a map of ${Object.keys(at.shape).join(", ")}`;
  return "any value";
}

const plainly = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** Whether a map or a list of them is written out, path by path. */
const isWritten = (at: Schema): at is z.ZodObject | z.ZodDiscriminatedUnion =>
  at instanceof z.ZodObject || at instanceof z.ZodDiscriminatedUnion;

function rowsOf(schema: Schema, path: readonly string[], kind = ""): readonly Row[] {
  const { at, meta } = unwrap(schema);
  const setting: SettingMeta = meta;
  const below = (inner: Schema, name: string, of = kind): readonly Row[] => rowsOf(inner, [...path, name], of);
  const usual = usualOf(schema);
  const own = (takes: string): Row => ({
    path,
    takes,
    usual: usual !== undefined ? plainly(usual) : setting.inHome === undefined ? "" : `${setting.inHome} in the home folder`,
    says: `${kind}${setting.description ?? ""}`,
    isSecret: setting.secret !== undefined,
  });
  const head =
    setting.description === undefined || path.length === 0 ? [] : [own(at instanceof z.ZodObject ? "a map" : takesOf(at, setting))];
  if (at instanceof z.ZodObject) return [...head, ...Object.entries(at.shape).flatMap(([name, inner]) => below(inner, name))];
  if (at instanceof z.ZodDiscriminatedUnion) {
    const { discriminator } = at.def;
    const options = at.options.filter((option): option is z.ZodObject => option instanceof z.ZodObject);
    const names = options.map((option) => takesOf(unwrap(option.shape[discriminator]).at, {}));
    // What every kind takes alike is told once.
    const isCommon = (name: string, inner: Schema): boolean => options.every((option) => option.shape[name] === inner);
    const [first] = options;
    return [
      ...head,
      {
        path: [...path, discriminator],
        takes: names.join(", "),
        usual: "",
        says: "What it is; others of the settings depend on it.",
        isSecret: false,
      },
      ...Object.entries(first?.shape ?? {}).flatMap(([name, inner]) => (isCommon(name, inner) ? below(inner, name) : [])),
      ...options.flatMap((option, i) =>
        Object.entries(option.shape).flatMap(([name, inner]) =>
          name === discriminator || isCommon(name, inner) ? [] : below(inner, name, `\`${discriminator}: ${names[i]}\`. `),
        ),
      ),
    ];
  }
  if (at instanceof z.ZodRecord) {
    const inner = unwrap(at.valueType).at;
    const known = [
      own(setting.expected ?? (isWritten(inner) ? "a map, by name" : `a map, each ${takesOf(inner, unwrap(at.valueType).meta)}`)),
    ];
    return isWritten(inner) ? [...known, ...below(at.valueType, "NAME")] : known;
  }
  if (at instanceof z.ZodArray && isWritten(unwrap(at.element).at)) return [own("a list of maps"), ...below(at.element, "N")];
  return [own(takesOf(at, setting))];
}

/** The page, and the settings that say nothing of themselves. */
export function settingsPage(): { readonly page: Page; readonly problems: readonly string[] } {
  const sections = [
    ["The installation", z.object(baseSections), []] as const,
    ...modules.map(({ name, settings }) => [name.charAt(0).toUpperCase() + name.slice(1), settings, [name]] as const),
  ];
  const all = sections.map(([title, schema, path]) => [title, rowsOf(schema, path)] as const);
  const problems = all.flatMap(([, rows]) =>
    rows.filter(({ says }) => says.replace(/^`[^`]*`\. /, "") === "").map(({ path }) => `${path.join(".")} has no description`),
  );
  const text = [
    "# Every setting",
    generated("the schemas that read them"),
    `In \`stockroom.yaml\` a setting stands under its path, in the environment under its name: flags go before the environment, that before the file, and \`DATABASE_URL\` before all. \`stockroom config print\`
shows those in force and where each came from, \`stockroom config check\` every mistake at once. NAME is a name of your own, N the place in a list. A
secret (marked so) may come from a file: \`NAME_FILE\` in the environment, \`{ file: PATH }\` or \`{ env: NAME }\` in the settings. Sizes are written \`512 MiB\`, durations \`30 s\`; a path is meant from the folder of the file it stands in.`,
    ...all.map(([title, rows]) => {
      const lines = rows.map(({ path, takes, usual, says, isSecret }) => {
        const isNamed = path.some((part) => part === "NAME" || part === "N");
        return [
          `\`${path.join(".")}\`${isNamed ? "" : `<br>\`${environmentName(path)}\``}`,
          `${inCell(says)}${isSecret ? " Secret." : ""}`,
          inCell(takes),
          usual === "" ? "" : `\`${usual.replaceAll("|", String.raw`\|`)}\``,
        ];
      });
      return `## ${title}\n\n${table(["setting", "says", "takes", "default"], lines)}`;
    }),
  ].join("\n\n");
  return { page: { name: "settings.md", text: `${text}\n` }, problems };
}
