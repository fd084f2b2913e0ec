// The layer rules of the house as one lint rule, read from tools/rooms.json.
//
//   L1. base rooms import only the ground files and base rooms that stand before them in the table.
//   L2. A wing imports base and itself, never another wing. Inside: engine <- store <- flow <- doors (routes, verbs).
//   L3. An engine is pure: of base only what the table calls pure, of node nothing but `node:` modules without effects.
//   L4. From outside, a wing is entered through its index.ts alone.
//   L5. house.ts may import base and wings; server and cli may import house, base and wings; nothing imports them.
import { readFileSync } from "node:fs";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "../..");
const map = JSON.parse(readFileSync(path.join(root, "tools/rooms.json"), "utf8"));

const within = (file, room) => file === room || file.startsWith(`${room}/`);
const effects = new Set([
  "fs",
  "fs/promises",
  "net",
  "http",
  "https",
  "http2",
  "child_process",
  "worker_threads",
  "cluster",
  "dgram",
  "dns",
  "process",
  "timers",
  "timers/promises",
]);

function placeOf(file) {
  if (map.ground.includes(file)) return { kind: "ground", room: file };
  const base = map.base.findIndex((room) => within(file, room));
  if (base >= 0) return { kind: "base", room: map.base[base], rank: base };
  const wing = map.wings.find((room) => within(file, room));
  if (wing !== undefined) {
    const floor = map.floors.indexOf(file.slice(wing.length + 1).split("/")[0]);
    return { kind: "wing", room: wing, floor: floor < 0 ? map.floors.length : floor };
  }
  const top = map.top.findIndex((room) => within(file, room));
  if (top >= 0) return { kind: "top", room: map.top[top], rank: top };
  return { kind: "outside", room: "" };
}

/** Why `from` may not import `to`, or undefined when it may. Both are paths from the root with forward slashes. */
export function forbidden(from, to) {
  const a = placeOf(from);
  const b = placeOf(to);
  if (a.kind === "outside") return undefined;
  if (b.kind === "outside") return `${from} is part of the product and may not import ${to}, which is not.`;
  if (a.kind === "ground") return b.kind === "ground" ? undefined : `The ground files may import only each other, not ${b.room}.`;
  if (a.kind === "base") {
    if (b.kind === "ground") return undefined;
    if (b.kind === "base") return b.rank <= a.rank ? undefined : `${a.room} stands below ${b.room} and may not import it.`;
    return `The ground floor knows nothing of ${b.room}.`;
  }
  if (a.kind === "wing") {
    if (b.kind === "top") return `${a.room} may not import ${b.room}: wings know nothing of where they are put together.`;
    if (b.kind === "wing") {
      if (a.room !== b.room)
        return `Wings never import each other: ${a.room} wants ${b.room}. Let them meet through an object and an event.`;
      return b.floor <= a.floor ? undefined : `Within ${a.room} imports go engine <- store <- flow <- doors; ${from} reaches up to ${to}.`;
    }
    if (a.floor === 0 && !map.pure.some((name) => within(to, `src/base/${name}`)))
      return `An engine is pure: ${from} may not import ${to}.`;
    return undefined;
  }
  if (b.kind === "top") return b.rank <= a.rank ? undefined : `${a.room} stands below ${b.room} and may not import it.`;
  if (b.kind === "wing" && to !== `${b.room}/index.ts`) return `${b.room} is entered through its index.ts, not ${to}.`;
  return undefined;
}

const rule = {
  meta: { type: "problem", schema: [] },
  create(context) {
    const file = path.relative(root, context.filename).split(path.sep).join("/");
    if (!file.startsWith("src/")) return {};
    const isTest = /\.(test|bench)\.ts$/.test(file);
    const check = (node) => {
      const source = node.source?.value;
      if (typeof source !== "string") return;
      if (source.startsWith(".")) {
        const to = path.posix.normalize(path.posix.join(path.posix.dirname(file), source));
        if (isTest && !to.startsWith("src/")) return;
        const why = forbidden(file, to);
        if (why !== undefined) context.report({ node, message: why });
        return;
      }
      const name = source.startsWith("node:") ? source.slice(5) : source;
      if (!isTest && /^src\/[a-z]+\/engine\//.test(file) && effects.has(name)) {
        context.report({ node, message: `An engine is pure: ${file} may not import ${source}. Take the effect as an argument.` });
      }
    };
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check, ImportExpression: check };
  },
};

export default { meta: { name: "house" }, rules: { rooms: rule } };
