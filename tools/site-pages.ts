// The pages of the site: which documents it has, where they lie in it, and their text with the links made anew.

import { execFileSync } from "node:child_process";
import path from "node:path";

export interface SitePage {
  /** In the repository. */
  readonly from: string;
  /** In the site. */
  readonly to: string;
  readonly text: string;
}

/** Where a document of the repository lies in the site; undefined for one that is not in it. */
export function placeOf(file: string): string | undefined {
  const inDocs = /^docs\/(.+\.md)$/.exec(file)?.[1];
  if (inDocs !== undefined) return asIndex(inDocs);
  if (/^[A-Z]+\.md$/.test(file)) return `project/${file.toLowerCase()}`;
  if (/^decisions\/[^/]+\.md$/.test(file)) return asIndex(file);
  const measured = /^bench\/(?:results\/)?([^/]+\.md)$/.exec(file)?.[1];
  return measured === undefined ? undefined : asIndex(`measured/${measured}`);
}

const asIndex = (file: string): string => file.replace(/(^|\/)README\.md$/, "$1index.md");

/** Where a link of a document leads within the repository; undefined for one that leads elsewhere. */
function targetOf(from: string, link: string): { readonly file: string; readonly anchor: string } | undefined {
  if (/^[a-z]+:|^\/|^#/.test(link)) return undefined;
  const [file = "", anchor] = link.split("#");
  return { file: path.posix.join(path.posix.dirname(from), file).replace(/\/$/, ""), anchor: anchor === undefined ? "" : `#${anchor}` };
}

/** What Vue would read as a template, or a browser as a tag, said so that both show it. */
const plain = (text: string): string =>
  text.replaceAll("{{", "&#123;&#123;").replaceAll(/<(?!!--|\/?(?:a|br|img|p|picture|source)\b)/g, "&lt;");

/** Fences, indented blocks, and code within a line: what stays as it is. */
const code = /^[ \t]*```[^]*?^[ \t]*```[ \t]*$|^ {4}.*$|`+[^`\n]+`+/gm;

/** A page's text in the site. `isFile`: whether a name is a file of the repository, not a folder; those that a link needs are added to `files`. */
export function pageText(
  { from, to, text }: SitePage,
  { isFile, files }: { readonly isFile: (file: string) => boolean; readonly files: Set<string> },
): string {
  const kept: string[] = [];
  const masked = text.replaceAll(code, (each) => `\u{E000}${kept.push(each) - 1}\u{E001}`);
  const linked = masked.replaceAll(/(!?\[(?:[^\][]|\[[^\]]*\])*\])\(([^)\s]+)\)/g, (all, label: string, target: string) => {
    const found = targetOf(from, target);
    if (found === undefined) return all;
    const place = placeOf(found.file) ?? placeOf(`${found.file}/README.md`);
    if (place !== undefined && isFile(found.file.endsWith(".md") ? found.file : `${found.file}/README.md`)) {
      const way = path.posix.relative(path.posix.dirname(to), place);
      return `${label}(${way.startsWith(".") ? way : `./${way}`}${found.anchor})`;
    }
    // Of a folder there is no page, and a file without an ending would be taken for one.
    if (!isFile(found.file) || path.posix.extname(found.file) === "") return label.replaceAll(/^!?\[|\]$/g, "");
    files.add(found.file);
    return `${label}(/${found.file})`;
  });
  return plain(linked).replaceAll(/\u{E000}(\d+)\u{E001}/gu, (_, at: string) =>
    (kept[Number(at)] ?? "").replace(/^```(?:json-)?examples$/m, "```text"),
  );
}

/** Every page of the site, and the other files that they lead to. */
export async function pagesOf(
  root: string,
  read: (file: string) => Promise<string>,
): Promise<{ readonly pages: readonly SitePage[]; readonly files: readonly string[] }> {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate"], {
    cwd: root,
    encoding: "utf8",
  });
  const names = listed.trim().split("\n");
  const known = new Set(names);
  const files = new Set<string>();
  const pages: SitePage[] = [];
  for (const from of names) {
    const to = placeOf(from);
    if (to === undefined) continue;
    const page = { from, to, text: await read(from) };
    pages.push({ ...page, text: pageText(page, { isFile: (file) => known.has(file), files }) });
  }
  return { pages, files: [...files] };
}
