// Links: what comments and documents name: files, and laws by their ids.
//
// A law is a numbered line of a file's header (a letter, a number and a dot), which may begin with its part (`files.`). It is named by its id
// within its own folder, those above and those below, and with its part from elsewhere: the name of its file or of a folder it is in.
// A link of a document is relative; it leads to a file or a folder, and with `#` to a heading of it.

import path from "node:path";

export interface TextFile {
  /** From the root, with forward slashes. */
  readonly name: string;
  readonly text: string;
}

interface Line {
  readonly line: number;
  readonly text: string;
}

/** The lines of a source's comments. Texts, templates and the usual regular expressions are stepped over; it is no parser. */
export function commentsOf(source: string): readonly Line[] {
  const found: Line[] = [];
  const token =
    /\/\/([^\n]*)|\/\*([\s\S]*?)\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`|(?<=[(,=:[!&|?{};]\s*)\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//g;
  for (const { 0: all, 1: short, 2: long, index } of source.matchAll(token)) {
    const comment = short ?? long;
    if (comment === undefined || all.startsWith('"')) continue;
    const first = source.slice(0, index).split("\n").length;
    for (const [i, text] of comment.split("\n").entries()) found.push({ line: first + i, text });
  }
  return found;
}

const linesOf = ({ name, text }: TextFile): readonly Line[] =>
  name.endsWith(".md") ? text.split("\n").map((line, i) => ({ line: i + 1, text: line })) : commentsOf(text);

const byText = (a: string, b: string): number => (a < b ? -1 : 1);

/** Names in examples, and of parts that are under way. */
const allowedFiles = new Set(["./fit-task.ts", "./x.ts"]);

const isAllowed = (name: string): boolean => allowedFiles.has(name) || /\b(NAME|PART)\b/.test(name);

/** `file:line: name` of every `.ts` and `.md` that is named and that is no file, or end of the path of a file, of `all`. */
export function absentFiles(files: readonly TextFile[], all: readonly string[]): readonly string[] {
  const ends = new Set(all.flatMap((name) => name.split("/").map((_, i, parts) => parts.slice(i).join("/"))));
  const absent = files.flatMap((file) =>
    linesOf(file).flatMap(({ line, text }) => {
      const plain = text.replaceAll(/https?:\/\/\S+/g, "");
      return [...plain.matchAll(/[\w./*{},-]*[\w*}]\.(?:ts|md)\b(?![\w/-])/g)]
        .map(([name]) => name)
        .filter((name) => !/[*{}]/.test(name) && !isAllowed(name) && !ends.has(name.replace(/^(\.{1,2}\/)+/, "")))
        .map((name) => `${file.name}:${line}: ${name}`);
    }),
  );
  return absent.toSorted(byText);
}

/** A law at the begin of a comment's line. */
const definition = /^\s{2,}(?:([a-z][a-z-]*)\.)?([A-Z]{1,2}\d{1,2})\. /;

interface Law {
  readonly id: string;
  readonly line: number;
}

const lawsOf = (file: TextFile): readonly Law[] =>
  file.name.endsWith(".md")
    ? []
    : commentsOf(file.text).flatMap(({ line, text }) => {
        const id = definition.exec(text)?.[2];
        return id === undefined ? [] : [{ id, line }];
      });

/** Laws that a file numbers twice. */
export function repeatedLaws(files: readonly TextFile[]): readonly string[] {
  return files.flatMap((file) => {
    const laws = lawsOf(file);
    return laws.filter(({ id }, i) => laws.findIndex((other) => other.id === id) < i).map(({ id, line }) => `${file.name}:${line}: ${id}`);
  });
}

const folderOf = (name: string): string => name.split("/").slice(0, -1).join("/");

/** What looks like a law and is none: forecasting competitions, a store's protocol, versions of OData, a JavaScript engine. */
const otherIds = new Set(["M1", "M3", "M4", "M5", "S3", "V2", "V8"]);

/** Laws that the comments of sources name and that no header has. */
export function absentLaws(files: readonly TextFile[]): readonly string[] {
  const inFolder = new Map<string, Set<string>>();
  const inPart = new Map<string, Set<string>>();
  const add = (into: Map<string, Set<string>>, key: string, id: string): void => void into.set(key, (into.get(key) ?? new Set()).add(id));
  for (const file of files) {
    const stem =
      file.name
        .split("/")
        .at(-1)
        ?.replace(/(\.test)?\.\w+$/, "") ?? "";
    for (const { id } of lawsOf(file)) {
      add(inFolder, folderOf(file.name), id);
      add(inPart, stem, id);
      for (const part of folderOf(file.name).split("/")) add(inPart, part, id);
    }
  }
  const letters = new Set([...inFolder.values()].flatMap((ids) => [...ids].map((id) => id.replace(/\d+$/, ""))));
  return files
    .filter(({ name }) => name.startsWith("src/"))
    .flatMap((file) =>
      commentsOf(file.text).flatMap(({ line, text }) => {
        const named = [...text.replace(definition, "").matchAll(/(?<![\w.-])(?:([a-z][a-z-]*)\.)?([A-Z]{1,2})(\d{1,2})(?![\w.-]*\w)/g)];
        return named
          .filter(([, part, letter = "", digits = ""]) => {
            const id = letter + digits;
            // Of a part that is none, e.g. the code UK15, nothing is meant here.
            if (part !== undefined) return inPart.has(part) && inPart.get(part)?.has(id) !== true;
            return letters.has(letter) && !otherIds.has(id) && !isNear(file.name, id, inFolder);
          })
          .map(([all]) => `${file.name}:${line}: ${all}`);
      }),
    );
}

/** Whether the folder of a file, one above it, or one below has the law. */
function isNear(name: string, id: string, inFolder: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  const own = folderOf(name);
  return [...inFolder].some(
    ([folder, ids]) => ids.has(id) && (folder === own || own.startsWith(`${folder}/`) || folder.startsWith(`${own}/`)),
  );
}

/** What a heading is called in an address, as GitHub and our site make it. */
export const slugOf = (heading: string): string =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");

/** A document without its code, line for line. */
const withoutCode = (text: string): string =>
  text
    .replaceAll(/^```[\s\S]*?^```/gm, (block) => block.replaceAll(/[^\n]/g, ""))
    .replaceAll(/`[^`\n]*`/g, (span) => span.replaceAll("](", "  "));

function anchorsOf(markdown: string): ReadonlySet<string> {
  const found = new Map<string, number>();
  const anchors = new Set<string>([...markdown.matchAll(/<a id="([^"]+)"/g)].map(([, id = ""]) => id));
  for (const [, heading = ""] of withoutCode(markdown).matchAll(/^#{1,6} +(.*?)\s*$/gm)) {
    const slug = slugOf(heading);
    const before = found.get(slug) ?? 0;
    found.set(slug, before + 1);
    anchors.add(before === 0 ? slug : `${slug}-${before}`);
  }
  return anchors;
}

/** `file:line: target` of every relative link of a document that leads to no file or folder of `all`, or to no heading of it. */
export function brokenLinks(files: readonly TextFile[], all: readonly string[]): readonly string[] {
  const known = new Set(all.flatMap((name) => name.split("/").map((_, i, parts) => parts.slice(0, i + 1).join("/"))));
  const documents = new Map(files.filter(({ name }) => name.endsWith(".md")).map((file) => [file.name, file.text]));
  return [...documents]
    .flatMap(([name, markdown]) =>
      withoutCode(markdown)
        .split("\n")
        .flatMap((text, i) =>
          [...text.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)|<img[^>]* src="([^"]+)"/g)]
            .map(([, link, image]) => link ?? image ?? "")
            .filter((target) => !/^[a-z]+:/.test(target) && !leads(name, target))
            .map((target) => `${name}:${i + 1}: ${target}`),
        ),
    )
    .toSorted(byText);

  function leads(from: string, target: string): boolean {
    const [file = "", anchor] = target.split("#");
    const to = file === "" ? from : path.posix.join(folderOf(from), decodeURIComponent(file)).replace(/\/$/, "");
    if (to !== "." && !known.has(to)) return false;
    return anchor === undefined || anchorsOf(documents.get(to) ?? "").has(anchor);
  }
}
