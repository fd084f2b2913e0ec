// A node of the tree as a text of the URL: `category=tea;store=oslo`, each part percent-encoded. Empty: all series.

/** Axes held at levels, in the order in which they were chosen. The axis of items is `identifier`, whatever a group calls it. */
export type Node = readonly (readonly [axis: string, level: string])[];

export const itemAxis = "identifier";

export const printNode = (node: Node): string =>
  node.map(([axis, level]) => `${encodeURIComponent(axis)}=${encodeURIComponent(level)}`).join(";");

export function parseNode(text: string): Node {
  return text.split(";").flatMap((part): [string, string][] => {
    const at = part.indexOf("=");
    if (at < 1) return [];
    try {
      return [[decodeURIComponent(part.slice(0, at)), decodeURIComponent(part.slice(at + 1))]];
    } catch {
      // A percent sign that stands for nothing: someone wrote the address by hand.
      return [];
    }
  });
}

export const titleOf = (node: Node): string =>
  node.length === 0
    ? "all series"
    : node.map(([axis, level]) => `${axis === itemAxis ? "item" : axis} ${level === "" ? "(none)" : level}`).join(", ");

/** As a query of the API. */
export const queryOf = (node: Node): Readonly<Record<string, string>> => Object.fromEntries(node);

/** A value in the language of conditions: plain words as they are, all others in quotes. */
export const saidValue = (value: string): string => (/^[\p{L}\p{N}_.-]+$/u.test(value) ? value : `"${value.replaceAll('"', '""')}"`);

/** The node as conditions: `category = tea and store = oslo`. */
export const whereOf = (node: Node): string =>
  node.map(([axis, level]) => `${axis === itemAxis ? "item_id" : saidValue(axis)} = ${saidValue(level)}`).join(" and ");
