// The layer rules of the app as one lint rule, read from tools/parts.json.
//
//   L1. Parts of the platform import only the foundation and parts that stand before them in the table.
//   L2. A module imports the platform and itself, never another module. Inside: engine <- store <- workflows (images: service) <- http, cli, sample
//       <- module.ts.
//   L3. An engine is pure: of the platform only what the table calls pure, of node only modules without effects, of npm only what the table names.
//   L4. From outside, a module is entered through its module.ts alone.
//   L5. app.ts may import the platform and modules; server and cli may import what stands before them; nothing below imports any of these.
//   L6. Every file under src/ is in a part; none imports a file outside src/ (its tests may), a test, or the product by any name but a relative path.
//
// An import is whatever names a module in the text: `import`, `import type`, `export ... from`, `import("...")` as value or type,
// `import x = require("...")`, `require("...")`, `import.meta.resolve("...")`, and `new URL("./x.ts", import.meta.url)`, by which threads are
// started. A name that is computed at run time cannot be checked here.
import { readFileSync } from "node:fs";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "../..");
const map = JSON.parse(readFileSync(path.join(root, "tools/layers.json"), "utf8"));
const ownName = "stockroom";

const within = (file, room) => file === room || file.startsWith(`${room}/`);
const isTest = (file) => /\.(test|bench)\.ts$/.test(file);

function placeOf(file) {
  if (map.foundation.includes(file)) return { kind: "foundation", part: file };
  const rank = map.platform.findIndex((part) => within(file, part));
  if (rank >= 0) return { kind: "platform", part: map.platform[rank], rank };
  const module = map.modules.find((part) => within(file, part));
  if (module !== undefined) {
    const inner = file.slice(module.length + 1);
    const layer = map.layers.findIndex((names) => names.includes(inner.split("/")[0]));
    const highest = map.layers.length - 1;
    return { kind: "module", part: module, layer: inner === "module.ts" ? highest + 1 : layer < 0 ? highest : layer };
  }
  const top = map.top.findIndex((part) => within(file, part));
  if (top >= 0) return { kind: "top", part: map.top[top], rank: top };
  return { kind: "outside", part: "" };
}

// The tests of a foundation file stand beside it and obey its rules.
const judgedAs = (file) => file.replace(/\.(test|bench)\.ts$/, ".ts");

/** Why a file may not be where it is, or undefined when it may. */
export function homeless(file) {
  if (!file.startsWith("src/") || placeOf(judgedAs(file)).kind !== "outside") return undefined;
  return `${file} is in no part. Move it into one, or add its part to tools/layers.json.`;
}

/** Why `from` may not import `to`, or undefined when it may. Both are paths from the root with forward slashes. */
export function forbidden(from, to) {
  const a = placeOf(judgedAs(from));
  const b = placeOf(to);
  if (!from.startsWith("src/")) return undefined;
  if (isTest(to) && !isTest(from)) return `${from} is part of the product and may not import the test ${to}.`;
  if (isTest(from) && !to.startsWith("src/")) return undefined;
  if (a.kind === "outside") return homeless(from);
  if (b.kind === "outside") return `${from} is part of the product and may not import ${to}, which is not.`;
  if (a.kind === "foundation") return b.kind === "foundation" ? undefined : `The foundation may import only itself, not ${b.part}.`;
  if (a.kind === "platform") {
    if (b.kind === "foundation") return undefined;
    if (b.kind === "platform") return b.rank <= a.rank ? undefined : `${a.part} stands below ${b.part} and may not import it.`;
    return `The platform knows nothing of ${b.part}.`;
  }
  if (a.kind === "module") {
    if (b.kind === "top") return `${a.part} may not import ${b.part}: modules know nothing of where they are put together.`;
    if (b.kind === "module") {
      if (a.part !== b.part)
        return `Modules never import each other: ${a.part} wants ${b.part}. Let them meet through an object and an event.`;
      return b.layer <= a.layer
        ? undefined
        : `Within ${a.part} imports go engine <- store <- workflows <- http, cli; ${from} reaches up to ${to}.`;
    }
    if (a.layer === 0 && !isTest(from) && !map.pure.some((name) => within(to, `src/platform/${name}`)))
      return `An engine is pure: ${from} may not import ${to}.`;
    return undefined;
  }
  if (b.kind === "top") return b.rank <= a.rank ? undefined : `${a.part} stands below ${b.part} and may not import it.`;
  if (b.kind === "module" && to !== `${b.part}/module.ts`) return `${b.part} is entered through its module.ts, not ${to}.`;
  return undefined;
}

/** Why the file `from` may not import what its text calls `source`, or undefined when it may. */
export function forbiddenSource(from, source) {
  if (!from.startsWith("src/")) return undefined;
  if (source.startsWith(".")) {
    const to = path.posix.join(path.posix.dirname(from), source.replace(/[?#].*$/, ""));
    return forbidden(from, to.replace(/\.js$/, ".ts"));
  }
  if (source === ownName || source.startsWith(`${ownName}/`) || source.startsWith("#") || /^(\/|file:|data:|[a-z]:)/i.test(source)) {
    return `${from} names ${source.startsWith("data:") ? "a data URL" : source}: within the product, imports are relative paths.`;
  }
  const place = placeOf(judgedAs(from));
  if (place.kind !== "module" || place.layer !== 0 || isTest(from)) return undefined;
  const inNode = source.startsWith("node:") || nodeModules.has(source.split("/")[0]);
  const name = source.replace(/^node:/, "");
  if (inNode ? map.pureNode.includes(name) : map.purePackages.some((each) => within(name, each))) return undefined;
  return `An engine is pure: ${from} may not import ${source}. Take the effect as an argument.`;
}

const nodeModules = new Set(process.getBuiltinModule("node:module").builtinModules);

/** The text of a module name that is written out: a string, or a template without holes. */
function literal(node) {
  if (node === null || node === undefined) return undefined;
  if (node.type === "TSLiteralType") return literal(node.literal);
  if (node.type === "TSAsExpression" || node.type === "TSSatisfiesExpression" || node.type === "ParenthesizedExpression") {
    return literal(node.expression);
  }
  if (node.type === "Literal" && typeof node.value === "string") return node.value;
  if (node.type === "TemplateLiteral" && node.expressions.length === 0) return node.quasis[0].value.cooked;
  return undefined;
}

const isImportMeta = (node) => node?.type === "MetaProperty" && node.meta.name === "import";

const rule = {
  meta: { type: "problem", schema: [] },
  create(context) {
    const file = path.relative(root, context.filename).split(path.sep).join("/");
    if (!file.startsWith("src/")) return {};
    const judge = (node, named) => {
      const source = literal(named);
      const why = source === undefined ? undefined : forbiddenSource(file, source);
      if (why !== undefined) context.report({ node, message: why });
    };
    const bySource = (node) => judge(node, node.source);
    return {
      Program(node) {
        const why = homeless(file);
        if (why !== undefined) context.report({ node, message: why });
      },
      ImportDeclaration: bySource,
      ExportNamedDeclaration: bySource,
      ExportAllDeclaration: bySource,
      ImportExpression: bySource,
      TSImportType: (node) => judge(node, node.source ?? node.argument),
      TSImportEqualsDeclaration: (node) => judge(node, node.moduleReference.expression),
      CallExpression(node) {
        const { callee } = node;
        const member = callee.type === "MemberExpression" && callee.property.type === "Identifier" ? callee.property.name : "";
        const asked =
          (callee.type === "Identifier" && callee.name === "require") ||
          (member === "resolve" && (isImportMeta(callee.object) || callee.object.name === "require"));
        if (asked) judge(node, node.arguments[0]);
      },
      NewExpression(node) {
        const [named, base] = node.arguments;
        const ofThisFile = base?.type === "MemberExpression" && isImportMeta(base.object) && base.property.name === "url";
        if (node.callee.name !== "URL" || !ofThisFile) return;
        const names = named.type === "ConditionalExpression" ? [named.consequent, named.alternate] : [named];
        for (const name of names) if (/\.[jt]s$/.test(literal(name) ?? "")) judge(node, name);
      },
    };
  },
};

export default { meta: { name: "stockroom" }, rules: { layers: rule } };
