// The reference of commands: each with its words, its options and what it does, as it declares them.

import { makeRoot } from "../../src/cli/root.ts";
import type { Tools } from "../../src/cli/tools.ts";
import { quietTools } from "../../test/kit/tools.ts";
import type { Command } from "../../src/platform/command/contract.ts";
import { argsOf, childrenOf, descriptionOf, resolve } from "../../src/platform/command/declared.ts";
import { describeArg, flagLabel } from "../../src/platform/command/help.ts";
import { everywhere } from "../../src/platform/command/parse.ts";
import { generated, inCell, type Page } from "./page.ts";

const no = (): never => {
  throw new Error("Expected declarations alone to be read but something was to run.");
};
const tools: Tools = { ...quietTools(), where: no, checkConfig: no, open: no };

interface Listed {
  /** The words that lead to it. */
  readonly path: string;
  /** The words and required flags it takes. */
  readonly takes: string;
  readonly summary: string;
  readonly more: string;
  readonly options: readonly (readonly [label: string, says: string])[];
}

/** Each command that runs. */
async function commandsBelow(command: Command, before: readonly string[] = []): Promise<readonly Listed[]> {
  const children = Object.entries(await childrenOf(command));
  const below = await Promise.all(
    children.map(async ([name, child]) => await commandsBelow((await resolve<Command>(child)) ?? {}, [...before, name])),
  );
  if (command.run === undefined) return below.flat();
  const args = Object.entries(await argsOf(command));
  const takes = args.flatMap(([name, def]) => {
    if (def.type === "positional") return [def.required === false ? `[${name.toUpperCase()}]` : name.toUpperCase()];
    return def.required === true ? [`--${name} ${("valueHint" in def ? def.valueHint : undefined) ?? name.toUpperCase()}`] : [];
  });
  const [summary = "", ...more] = (await descriptionOf(command)).split("\n");
  const options = args.map(
    ([name, def]) => [def.type === "positional" ? name.toUpperCase() : flagLabel(name, def), describeArg(def)] as const,
  );
  return [{ path: before.join(" "), takes: takes.join(" "), summary, more: more.join("\n").trim(), options }, ...below.flat()];
}

function sectionOf({ path, takes, summary, more, options }: Listed): string {
  return [
    `### stockroom ${path}`,
    inCell(summary),
    `    stockroom ${path} ${takes}`.trimEnd(),
    ...(more === "" ? [] : [["```text", more, "```"].join("\n")]),
    ...(options.length === 0 ? [] : [options.map(([label, says]) => `- \`${label}\`: ${inCell(says)}`).join("\n")]),
  ].join("\n\n");
}

/** The page, and the commands and options that say nothing of themselves. */
export async function commandsPage(): Promise<{ readonly page: Page; readonly problems: readonly string[] }> {
  const commands = await commandsBelow(makeRoot(tools));
  const problems = commands.flatMap(({ path, summary, options }) => [
    ...(summary === "" ? [`stockroom ${path} has no description`] : []),
    ...options.flatMap(([label, says]) => (/^(?: \(|$)/.test(says) ? [`stockroom ${path}: ${label} has no description`] : [])),
  ]);
  const groups = Map.groupBy(commands, ({ path }) => /^(?:classify|forecast|images) /.exec(path)?.[0].trim() ?? "the installation");
  const text = [
    "# Every command",
    generated("the declarations of the commands"),
    `Each takes besides, wherever it stands: ${Object.entries(everywhere)
      .map(([name, def]) => `\`${flagLabel(name, def)}\` (${inCell(describeArg(def))})`)
      .join(", ")}. \`stockroom COMMAND --help\` says the same at the shell.`,
    ...[...groups].flatMap(([name, list]) => [`## ${name.charAt(0).toUpperCase()}${name.slice(1)}`, ...list.map(sectionOf)]),
  ].join("\n\n");
  return { page: { name: "commands.md", text: `${text}\n` }, problems };
}
