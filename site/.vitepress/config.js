// The site of the documents: VitePress on the pages that tools/docs.ts lays out in `.pages`. decisions/documents.md says why this tool.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { slugOf } from "../../tools/links.ts";

const pages = path.resolve(import.meta.dirname, "../.pages");
const titleOf = (file) => /^# (.+)$/m.exec(readFileSync(path.join(pages, file), "utf8"))?.[1]?.replaceAll("`", "") ?? file;

/** The pages of a folder, in the order of their names; its own page first. */
const itemsIn = (folder, isMine = () => true) =>
  readdirSync(path.join(pages, folder))
    .filter((name) => name.endsWith(".md") && isMine(name))
    .toSorted((a, b) => Number(b === "index.md") - Number(a === "index.md") || (a < b ? -1 : 1))
    .map((name) => ({ text: titleOf(`${folder}/${name}`), link: `/${folder}/${name.replace(/(?:index)?\.md$/, "")}` }));

const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

// oxlint-disable-next-line import/no-default-export -- as VitePress reads it
export default {
  title: "Stockroom",
  description: "The back room of a retailer as software: classify every item, forecast every product, serve every picture.",
  srcDir: ".pages",
  outDir: "dist",
  cacheDir: ".cache",
  lastUpdated: false,
  markdown: {
    anchor: { slugify: slugOf },
    config: (md) => {
      // Indented blocks as they are: nothing in them is a template.
      md.renderer.rules.code_block = (tokens, at) =>
        `<div class="language-sh"><pre v-pre><code>${escape(tokens[at].content)}</code></pre></div>`;
    },
  },
  themeConfig: {
    search: { provider: "local" },
    outline: { level: [2, 3] },
    nav: [
      { text: "Tutorial", link: "/tutorial/" },
      { text: "How to", link: "/how-to/classify-your-file" },
      { text: "Reference", link: "/reference/settings" },
      { text: "Explanation", link: "/explanation/classify-champions" },
    ],
    sidebar: [
      { text: "Tutorial", items: itemsIn("tutorial") },
      { text: "How to", items: itemsIn("how-to", (name) => !name.startsWith("migrate-")) },
      { text: "Move here", collapsed: true, items: itemsIn("how-to", (name) => name.startsWith("migrate-")) },
      { text: "Reference", items: itemsIn("reference") },
      { text: "Explanation", items: itemsIn("explanation") },
      { text: "The project", collapsed: true, items: itemsIn("project") },
      { text: "Decisions", collapsed: true, items: itemsIn("decisions") },
      { text: "Measured", collapsed: true, items: itemsIn("measured") },
    ],
  },
};
