// Codes: every error code of the sources, with what is said where it is made. Read from the syntax tree, so that it is what the program says.
//
// A code is made by `new StockroomError(kind, code, message)`, by a function that ends in one and is given the code, or as a record with `code` and
// `message`. What a message takes from its moment stands between marks by its name.
//   X1. A text that looks like a code and is made nowhere is told (`unread`): either it is one, and its words are to be found, or it is a name.

import path from "node:path";
import { parseSync } from "vite";
import { meanings, type ErrorKind } from "../../src/platform/errors.ts";

export interface Source {
  /** From the root, with forward slashes. */
  readonly name: string;
  readonly text: string;
}

export interface Code {
  readonly code: string;
  /** One, or several where it is not the same wherever it is made; none where that is known only as it happens. */
  readonly kinds: readonly ErrorKind[];
  /** A remark on what was read: work goes on. */
  readonly isRemark: boolean;
  /** Each as it is said, with `open`name`close` for what it takes from its moment. */
  readonly messages: readonly string[];
  readonly files: readonly string[];
}

export const open = "\u{E000}";
export const close = "\u{E001}";

type Node = { readonly type: string; readonly start: number } & Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";

const childrenOf = (node: Node): Node[] =>
  Object.entries(node).flatMap(([key, value]) =>
    key === "parent" ? [] : Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : [],
  );

const upper = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/;
/** The picture system has the words of the classic handler. */
const classic = /^[A-Z][A-Za-z]+(?:::[A-Z][A-Za-z]+)?$/;
const isKind = (text: unknown): text is ErrorKind => typeof text === "string" && Object.hasOwn(meanings, text);

/** A function that makes an error of what it is given. */
interface Maker {
  readonly file: string;
  readonly params: readonly string[];
  readonly parts: Parts;
}

interface Tree {
  readonly file: string;
  readonly root: Node;
  /** What a name of the file is set to where it is a constant. */
  readonly constants: ReadonlyMap<string, readonly Node[]>;
  /** From which file a name comes. */
  readonly imports: ReadonlyMap<string, string>;
}

/** What the names in an expression stand for. */
type Given = ReadonlyMap<string, { readonly node: Node; readonly tree: Tree; readonly given: Given }>;
const nothing: Given = new Map();

const nameOf = (node: unknown): string | undefined =>
  !isNode(node)
    ? undefined
    : node.type === "Identifier" || node.type === "PrivateIdentifier"
      ? String(node["name"])
      : node.type === "MemberExpression"
        ? nameOf(node["property"])
        : undefined;

const listOf = (value: unknown): Node[] => (Array.isArray(value) ? value.filter(isNode) : []);

function* walk(node: Node): Generator<Node> {
  yield node;
  for (const child of childrenOf(node)) yield* walk(child);
}

const isText = (node: Node): boolean => node.type === "Literal" && typeof node["value"] === "string";

function read({ name, text }: Source): Tree {
  const { program, errors } = parseSync(name, text);
  if (errors.length > 0) throw new Error(`Expected ${name} to be TypeScript but ${errors[0]?.message}.`);
  const constants = new Map<string, Node[]>();
  const imports = new Map<string, string>();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the parser's nodes, seen as plain records
  const root = program as unknown as Node;
  for (const node of walk(root)) {
    const id = node.type === "VariableDeclarator" ? nameOf(node["id"]) : undefined;
    if (id !== undefined && isNode(node["init"])) constants.set(id, [...(constants.get(id) ?? []), node["init"]]);
    const source = node.type === "ImportDeclaration" && isNode(node["source"]) ? String(node["source"]["value"]) : "";
    if (!source.startsWith(".")) continue;
    for (const each of listOf(node["specifiers"]))
      imports.set(nameOf(each["local"]) ?? "", path.posix.join(path.posix.dirname(name), source));
  }
  return { file: name, root, constants, imports };
}

/** What a name was set to last, read from above; the same name of another function is taken for it at worst. */
const constantOf = (name: string, at: Node, tree: Tree): Node | undefined => {
  const all = tree.constants.get(name) ?? [];
  return all.findLast(({ start }) => start < at.start) ?? all[0];
};

/** The choices an expression leaves, looking through names, `as` and conditions. */
function choices(
  node: Node,
  tree: Tree,
  given: Given,
  depth = 0,
): readonly { readonly node: Node; readonly tree: Tree; readonly given: Given }[] {
  if (depth > 6) return [{ node, tree, given }];
  const inner = (next: unknown): ReturnType<typeof choices> => (isNode(next) ? choices(next, tree, given, depth + 1) : []);
  if (/^(?:TSAs|TSSatisfies|TSNonNull|Parenthesized)/.test(node.type)) return inner(node["expression"]);
  if (node.type === "ConditionalExpression") return [...inner(node["consequent"]), ...inner(node["alternate"])];
  if (node.type === "LogicalExpression" && node["operator"] === "??") return [...inner(node["left"]), ...inner(node["right"])];
  if (node.type === "Identifier") {
    const name = String(node["name"]);
    const from = given.get(name);
    if (from !== undefined) return choices(from.node, from.tree, from.given, depth + 1);
    const constant = constantOf(name, node, tree);
    if (constant !== undefined) return choices(constant, tree, nothing, depth + 1);
  }
  return [{ node, tree, given }];
}

/** What a message takes from its moment, as one may name it in a sentence: a number of things by the things, a sum by its first part. */
function marked(node: unknown): string {
  if (isNode(node) && node.type === "BinaryExpression") return marked(node["left"]);
  const isCount = isNode(node) && node.type === "MemberExpression" && /^(?:length|size)$/.test(nameOf(node) ?? "");
  return `${open}${nameOf(isCount ? node["object"] : node) ?? "..."}${close}`;
}

/** Whether something is written out in an expression: without it `+` adds numbers. */
const holdsText = (node: Node): boolean => [...walk(node)].some((each) => isText(each) || each.type === "TemplateLiteral");

/** The text an expression gives; undefined for one that gives none that is written down. */
function textOf(node: Node, tree: Tree, given: Given, depth = 0): string | undefined {
  if (depth > 6) return undefined;
  const inner = (next: unknown): string | undefined => (isNode(next) ? textOf(next, tree, given, depth + 1) : undefined);
  const or = (next: unknown): string => inner(next) ?? marked(next);
  /** What a name stands for; a bare number, or nothing, is what it was on one way to here. */
  const named = (text: string | undefined): string | undefined => (text !== undefined && /[A-Za-z]/.test(text) ? text : undefined);
  if (node.type === "Literal")
    return typeof node["value"] === "string" || typeof node["value"] === "number" ? String(node["value"]) : undefined;
  if (node.type === "TemplateLiteral") {
    const values = listOf(node["expressions"]);
    return listOf(node["quasis"])
      .map((quasi, i) => {
        const cooked = isRecord(quasi["value"]) ? String(quasi["value"]["cooked"]) : "";
        const value = values[i];
        return value === undefined ? cooked : cooked + or(value);
      })
      .join("");
  }
  if (node.type === "BinaryExpression" && node["operator"] === "+" && holdsText(node)) return `${or(node["left"])}${or(node["right"])}`;
  if (node.type === "CallExpression" && nameOf(node["callee"]) === "join") {
    const object = isNode(node["callee"]) ? node["callee"]["object"] : undefined;
    if (isNode(object) && object.type === "ArrayExpression")
      return listOf(object["elements"])
        .map((each) => (each.type === "SpreadElement" ? marked(each) : or(each)))
        .join(" ");
  }
  if (/^(?:TSAs|TSSatisfies|TSNonNull|Parenthesized)/.test(node.type)) return inner(node["expression"]);
  // A text that is made of what is handed in.
  if (node.type === "ArrowFunctionExpression") return inner(node["body"]);
  if (node.type === "ConditionalExpression") {
    const both = [inner(node["consequent"]), inner(node["alternate"])].filter((each) => each !== undefined && each !== "");
    return both.length === 0 ? undefined : both[0];
  }
  if (node.type === "Identifier") {
    const from = given.get(String(node["name"]));
    if (from !== undefined) return named(textOf(from.node, from.tree, from.given, depth + 1));
    const constant = constantOf(String(node["name"]), node, tree);
    if (constant !== undefined && constant.type !== "Literal") return named(textOf(constant, tree, nothing, depth + 1));
    if (constant !== undefined && isText(constant) && constant["value"] !== "") return String(constant["value"]);
  }
  return undefined;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null;

const functionTypes = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

/** What functions make: the errors each ends in, by its name. */
function makersOf(trees: readonly Tree[]): ReadonlyMap<string, readonly Maker[]> {
  const found = new Map<string, Maker[]>();
  const add = (name: string | undefined, func: unknown, tree: Tree): void => {
    if (name === undefined || !isNode(func) || !functionTypes.has(func.type)) return;
    const params = listOf(func["params"]).map((param) => nameOf(param.type === "AssignmentPattern" ? param["left"] : param) ?? "");
    for (const node of isNode(func["body"]) ? walk(func["body"]) : []) {
      const parts = partsOf(node);
      if (parts === undefined) continue;
      const makes = { file: tree.file, params, parts };
      found.set(name, [...(found.get(name) ?? []), makes]);
    }
  };
  for (const tree of trees)
    for (const node of walk(tree.root)) {
      if (node.type === "FunctionDeclaration") add(nameOf(node["id"]), node, tree);
      else if (node.type === "VariableDeclarator") add(nameOf(node["id"]), node["init"], tree);
      else if (node.type === "MethodDefinition" || node.type === "Property") add(nameOf(node["key"]), node["value"], tree);
    }
  return found;
}

/** Whether a call of `name` in `tree` means the function of that name in `file`: its own, or one that it imports. */
function isSeen(file: string, name: string, call: Node, tree: Tree): boolean {
  if (file === tree.file) return true;
  const from = tree.imports.get(name);
  if (from === undefined || !isNode(call["callee"]) || call["callee"].type !== "Identifier") return false;
  return file === from || (from.endsWith("/index.ts") && file.startsWith(from.slice(0, -"index.ts".length)));
}

interface Parts {
  readonly kind: Node | undefined;
  readonly code: Node;
  readonly message: Node | undefined;
  /** A record, whose kind may be left out. */
  readonly isRecord: boolean;
}

/** The parts of an error of ours that is being made: by the class, by one of the makers of the classic words, or as a record. */
function partsOf(node: Node): Parts | undefined {
  const callee = node.type === "NewExpression" || node.type === "CallExpression" ? nameOf(node["callee"]) : undefined;
  if (
    (node.type === "NewExpression" && callee === "StockroomError") ||
    (node.type === "CallExpression" && (callee === "refusal" || callee === "problem"))
  ) {
    const [kind, code, message] = listOf(node["arguments"]);
    return code === undefined ? undefined : { kind, code, message, isRecord: false };
  }
  if (node.type !== "ObjectExpression") return undefined;
  const fields = new Map(
    listOf(node["properties"]).flatMap((each) => (each.type === "Property" ? [[nameOf(each["key"]) ?? "", each["value"]] as const] : [])),
  );
  const [code, message, kind] = [
    fields.get("code"),
    ["message", "reason", "said"].map((name) => fields.get(name)).find(isNode),
    fields.get("kind"),
  ];
  if (!isNode(code)) return undefined;
  return { kind: isNode(kind) ? kind : undefined, code, message, isRecord: true };
}

const kindOfStatus = (status: number): ErrorKind =>
  status === 403
    ? "denied"
    : status === 404
      ? "missing"
      : status === 409
        ? "conflict"
        : status === 503
          ? "busy"
          : status >= 500
            ? "fault"
            : "input";

interface Said {
  readonly text: string | undefined;
  /** The same as its maker says it, whatever is handed in. */
  readonly general: string | undefined;
}

export interface Codes {
  readonly codes: readonly Code[];
  /** Texts that look like codes and are made nowhere. */
  readonly unread: readonly string[];
}

/** Every code of the sources. */
export function codesOf(sources: readonly Source[]): Codes {
  const trees = sources.map(read);
  const makers = makersOf(trees);
  const byName = new Map(trees.map((tree) => [tree.file, tree]));
  const found = new Map<string, { kinds: Set<ErrorKind>; messages: Map<string, string>; files: Set<string>; isRemark: boolean }>();
  const lookAlike = new Set<string>();

  const keep = (code: string, kinds: readonly ErrorKind[], messages: readonly Said[], file: string, isRemark = false): void => {
    const at = found.get(code) ?? { kinds: new Set(), messages: new Map(), files: new Set(), isRemark: true };
    for (const kind of kinds) at.kinds.add(kind);
    for (const { text, general } of messages) {
      const [one, all] = [text, general].map((each) =>
        each === undefined || !/[a-z] /.test(each) ? undefined : each.replaceAll(/\s*\n\s*/g, " ").trim(),
      );
      if (one !== undefined) at.messages.set(one, all ?? one);
    }
    at.files.add(file);
    at.isRemark &&= isRemark;
    found.set(code, at);
  };

  /** An error being made, seen from `tree` with what its names stand for. */
  const made = ({ kind, code, message, isRecord: isRemark }: Parts, tree: Tree, given: Given, file: string): void => {
    const codes = choices(code, tree, given).flatMap(({ node: each }) => (isText(each) ? [String(each["value"])] : []));
    const kinds = (kind === undefined ? [] : choices(kind, tree, given)).flatMap(({ node: each }): ErrorKind[] => {
      const value = each["value"];
      return isKind(value) ? [value] : typeof value === "number" ? [kindOfStatus(value)] : [];
    });
    const said =
      message === undefined
        ? []
        : choices(message, tree, given).map((each): Said => ({
            text: textOf(each.node, each.tree, each.given),
            general: textOf(each.node, each.tree, nothing),
          }));
    for (const [i, each] of codes.entries()) {
      if (!upper.test(each) && (isRemark || !classic.test(each))) continue;
      // Where one choice decides both, each code has its own words and its own kind.
      const own = <T>(all: readonly T[]): readonly T[] => (all.length === codes.length && codes.length > 1 ? all.slice(i, i + 1) : all);
      keep(each, own(kinds), own(said), file, isRemark && kinds.length === 0);
    }
  };

  const call = (node: Node, tree: Tree): void => {
    const name = nameOf(node["callee"]) ?? "";
    const args = listOf(node["arguments"]);
    for (const { params, parts, file } of (makers.get(name) ?? []).filter((each) => isSeen(each.file, name, node, tree))) {
      const home = byName.get(file) ?? tree;
      const given: Given = new Map(
        params.flatMap((param, i) => (args[i] === undefined ? [] : [[param, { node: args[i], tree, given: nothing }] as const])),
      );
      // What has all its words in the maker is read there.
      const isHanded = [parts.code, parts.message].some(
        (part) => part !== undefined && [...walk(part)].some((each) => each.type === "Identifier" && given.has(String(each["name"]))),
      );
      if (isHanded) made(parts, home, given, tree.file);
    }
  };

  /** `["busy", "CODE", "Expected ..."]` and `["CODE", "Expected ..."]`: a row of a table of codes. */
  const row = (node: Node, tree: Tree): void => {
    const parts = listOf(node["elements"]);
    const at = parts.findIndex((part) => isText(part) && upper.test(String(part["value"])));
    const [code, message] = parts.slice(at);
    if (at < 0 || at > 1 || code === undefined || message === undefined) return;
    const kind = parts[0]?.["value"];
    const text = textOf(message, tree, nothing);
    // Not a part of a sentence that is made elsewhere.
    if (text !== undefined && /^[A-Z\u{E000}][^]*[a-z] /u.test(text))
      keep(String(code["value"]), isKind(kind) ? [kind] : [], [{ text, general: text }], tree.file);
  };

  for (const tree of trees)
    for (const node of walk(tree.root)) {
      const parts = partsOf(node);
      if (parts !== undefined) made(parts, tree, nothing, tree.file);
      else if (node.type === "NewExpression" || node.type === "CallExpression") call(node, tree);
      else if (node.type === "ArrayExpression") row(node, tree);
      else if (isText(node) && upper.test(String(node["value"]))) lookAlike.add(String(node["value"]));
    }

  const byText = (a: string, b: string): number => (a < b ? -1 : 1);
  return {
    codes: [...found]
      .map(([code, { kinds, messages, files, isRemark }]) => ({
        code,
        kinds: [...kinds],
        isRemark,
        messages: [...(messages.size > 4 ? new Set(messages.values()) : messages.keys())],
        files: [...files].toSorted(byText),
      }))
      .toSorted((a, b) => byText(a.code, b.code)),
    unread: [...lookAlike].filter((text) => !found.has(text)).toSorted(byText),
  };
}
