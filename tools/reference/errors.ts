// The reference of errors: every code with its kind, what is said, what to do and where it is made.

import { meanings, type ErrorKind } from "../../src/platform/errors.ts";
import { remedyOf } from "../../src/platform/web/problem.ts";
import { codesOf, type Code, type Source } from "./codes.ts";
import { generated, inCell, type Page } from "./page.ts";
import { declared, names } from "./said.ts";

const kinds = {
  input: ["What was given cannot be taken.", "Correct it; the message says where and how."],
  missing: ["What was named is not there.", "Name another, or make it."],
  denied: ["Not allowed.", "Sign in, or ask who may."],
  conflict: ["It does not fit how things are.", "Look at how things are, and ask again."],
  busy: ["Not now.", "Try again later; steps of runs are tried again by themselves."],
  fault: ["Stockroom failed.", "Look at the log; report it with the code."],
} as const satisfies Record<ErrorKind, readonly [string, string]>;

/** Which system a code belongs to: that of the files that make it, where they are of one. */
function ownerOf({ files }: Code): string {
  const owners = new Set(files.map((file) => /^src\/(classify|forecast|images)\//.exec(file)?.[1] ?? "platform"));
  return owners.size === 1 ? ([...owners][0] ?? "platform") : "platform";
}

const shown = (message: string): string =>
  inCell(message)
    .split(/(`[^`]*`)/)
    .map((part) =>
      part.replaceAll(/\u{E000}([^\u{E001}]*)\u{E001}/gu, (_, name: string) =>
        name === "..." ? "…" : part.startsWith("`") ? name.toUpperCase() : `*${name}*`,
      ),
    )
    .join("")
    .replaceAll("**", "* *")
    .replaceAll(/…{2,}/g, "…")
    // What may follow a sentence.
    .replace(/(?<=[.!?])…$/, "");

function sectionOf(code: Code): string {
  const told = declared[code.code];
  const own = told?.kinds ?? code.kinds;
  const isRemark = code.isRemark && told?.kinds === undefined;
  const lines = [...code.messages, ...(told?.messages ?? [])].map((message) => {
    const remedy = remedyOf(message);
    const says = remedy === undefined ? message : message.slice(0, message.length - remedy.length).trimEnd();
    return [shown(says), remedy === undefined ? undefined : shown(remedy)] as const;
  });
  const usual = own.length === 1 && own[0] !== undefined ? kinds[own[0]][1] : undefined;
  const body = lines.map(([says, remedy]) => `- ${says}${remedy === undefined ? "" : `\n  *Do:* ${remedy}`}`);
  const rest = lines.some(([, remedy]) => remedy !== undefined) || usual === undefined ? "" : `\n*Do:* ${usual}`;
  return [
    `### ${code.code}`,
    `${isRemark ? "remark" : own.join(", ")} · ${code.files.map((file) => `\`${file}\``).join(", ")}`,
    body.join("\n") + rest,
  ].join("\n\n");
}

/** The page, and what is wrong with what the sources say: codes without words, entries of said.ts that are not needed. */
export function errorsPage(sources: readonly Source[]): { readonly page: Page; readonly problems: readonly string[] } {
  const { codes, unread } = codesOf(sources);
  const known = new Set(codes.map(({ code }) => code));
  const problems = [
    ...codes.flatMap(({ code, kinds: own, messages, isRemark }) => {
      const told = declared[code];
      return [
        ...(messages.length === 0 && told?.messages === undefined ? [`${code} has no words: declare them in tools/reference/said.ts`] : []),
        ...(own.length === 0 && !isRemark && told?.kinds === undefined
          ? [`${code} has no kind: declare it in tools/reference/said.ts`]
          : []),
        ...(messages.length > 0 && told?.messages !== undefined
          ? [`${code} has words of its own: take those in tools/reference/said.ts out`]
          : []),
      ];
    }),
    ...unread
      .filter((text) => !names.has(text))
      .map((text) => `${text} looks like a code and is made nowhere: name it in tools/reference/said.ts`),
    ...[...names].filter((text) => !unread.includes(text)).map((text) => `${text} of tools/reference/said.ts is nowhere`),
    ...Object.keys(declared).flatMap((code) => (known.has(code) ? [] : [`${code} of tools/reference/said.ts is nowhere`])),
  ];
  const groups = Map.groupBy(codes, ownerOf);
  const sections = (["platform", "classify", "forecast", "images"] as const).map(
    (owner) => `## ${owner.charAt(0).toUpperCase()}${owner.slice(1)}\n\n${(groups.get(owner) ?? []).map(sectionOf).join("\n\n")}`,
  );
  const rows = Object.entries(kinds).map(([kind, [means, remedy]]) => {
    const { status, exit, retry } = meanings[kind as ErrorKind]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the keys of a record of kinds
    return `| \`${kind}\` | ${means} | ${status} | ${exit} | ${retry ? "yes" : "no"} | ${remedy} |`;
  });
  const text = [
    "# Every error code",
    generated("the places where the sources make them"),
    `A code is stable and may be relied on; there are ${codes.length}. What a message takes from its moment stands *so*, or as … where it has no name. \`remark\`: of a row or a file, told
beside the result while the rest goes on, or as the reason when too much is set apart. Over HTTP an error is a problem with these members: [http.md](http.md#errors).`,
    `## Kinds\n\n| kind | means | HTTP | exit | a step is tried again | do |\n| --- | --- | --- | --- | --- | --- |\n${rows.join("\n")}`,
    ...sections,
  ].join("\n\n");
  return { page: { name: "errors.md", text: `${text}\n` }, problems };
}
