// The struck words as a lint rule: names in the code are the field's own terms. The list is tools/words.json, the dictionary ARCHITECTURE.md.
//
//   W1. A declared name, or a file's or folder's name, holds no struck word: `readTicket` holds "ticket", `ticketing` does not.
//   W2. What stands on disk keeps its name: strings (of workflows, queues, tables, codes, settings) are not judged.
//   W3. Other people's names are not ours: members of values (`sdk.verb`) and names that are imported are judged where they are declared.
import { readFileSync } from "node:fs";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "../..");
const { everywhere, within } = JSON.parse(readFileSync(path.join(root, "tools/words.json"), "utf8"));

/** The words of a name: `readHTMLTicket2` is read, HTML, Ticket2. */
const wordsOf = (name) => name.split(/[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/).map((word) => word.toLowerCase());

/** What a name in `file` holds that was struck, with what to say instead; undefined when it holds nothing. */
export function struckIn(name, file) {
  const lists = [everywhere, ...within.flatMap(({ folders, words }) => (folders.some((folder) => file.startsWith(folder)) ? [words] : []))];
  for (const list of lists) {
    if (Object.hasOwn(list, name)) return { word: name, instead: list[name] };
    for (const word of wordsOf(name)) if (Object.hasOwn(list, word)) return { word, instead: list[word] };
  }
  return undefined;
}

/** Whether an identifier declares a name of ours, and does not only use one. */
function declares(node) {
  const { parent } = node;
  switch (parent?.type) {
    case "VariableDeclarator":
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ClassDeclaration":
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
      return parent.id === node || parent.params?.includes(node) === true;
    case "ArrowFunctionExpression":
      return parent.params.includes(node);
    case "TSPropertySignature":
    case "TSMethodSignature":
    case "PropertyDefinition":
    case "MethodDefinition":
      return parent.key === node && !parent.computed;
    case "Property":
      // Of a pattern `{ theirs: ours }` the value is ours; of a literal `{ ours: value }` the key.
      return parent.parent?.type === "ObjectPattern" ? parent.value === node : parent.key === node && !parent.computed && !parent.shorthand;
    case "AssignmentPattern":
      return parent.left === node;
    default:
      return false;
  }
}

const rule = {
  meta: { type: "problem", schema: [] },
  create(context) {
    const file = path.relative(root, context.filename).split(path.sep).join("/");
    const told = new Set();
    const judge = (node, name, what) => {
      const found = told.has(name) ? undefined : struckIn(name, file);
      if (found === undefined) return;
      told.add(name);
      context.report({
        node,
        message: `${what} holds the struck word "${found.word}". Say ${found.instead} (ARCHITECTURE.md, the dictionary).`,
      });
    };
    return {
      Program: (node) => judge(node, file.replace(/\.[a-z.]+$/, ""), `The path ${file}`),
      Identifier: (node) => {
        if (declares(node)) judge(node, node.name, `The name ${node.name}`);
      },
    };
  },
};

export default { meta: { name: "dictionary" }, rules: { struck: rule } };
