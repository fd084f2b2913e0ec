// Changes: what a what-if does to the regressors of the future, as plain values, and their JSON form.
//
// The JSON form is Amazon Forecast's TimeSeriesTransformations (API reference, data types TimeSeriesTransformation, Action, TimeSeriesCondition),
// so that its users' files serve here; SET and the two comparisons with equality are ours.

export const operations = ["ADD", "SUBTRACT", "MULTIPLY", "DIVIDE", "SET"] as const;
export type Operation = (typeof operations)[number];

export const comparisons = ["EQUALS", "NOT_EQUALS", "LESS_THAN", "GREATER_THAN", "AT_MOST", "AT_LEAST"] as const;
export type Comparison = (typeof comparisons)[number];

/** Holds for a cell when its attribute compares so with one of `values`; NOT_EQUALS with all of them. */
export interface Condition {
  /** `item_id`, a dimension, a metadata column, `timestamp` or a regressor; case does not matter. */
  readonly attribute: string;
  readonly comparison: Comparison;
  /** As written. One, except for EQUALS and NOT_EQUALS. */
  readonly values: readonly string[];
}

/** One operation on one regressor, on the cells for which all conditions hold. */
export interface Change {
  readonly attribute: string;
  readonly operation: Operation;
  readonly value: number;
  readonly conditions: readonly Condition[];
}

/** What is wrong and where: a JSON path, or a column of a command counted from 1. */
export interface Fault {
  readonly where: string;
  readonly message: string;
}

export type Parsed =
  | { readonly kind: "changes"; readonly changes: readonly Change[] }
  | { readonly kind: "faults"; readonly faults: readonly Fault[] };

/** Amazon Forecast's own limits. */
const maxChanges = 30;
const maxConditions = 10;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const show = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value));

/**
 * Reads TimeSeriesTransformations: the array itself, or an object that holds it under that name. All faults are reported together.
 *
 * @example
 * parseTransformations([{ Action: { AttributeName: "price", Operation: "MULTIPLY", Value: 0.9 },
 *   TimeSeriesConditions: [{ AttributeName: "category", AttributeValue: "juice", Condition: "EQUALS" }] }]);
 */
export function parseTransformations(json: unknown): Parsed {
  const faults: Fault[] = [];
  const fault = (where: string, expected: string, got: unknown): void => {
    faults.push({ where, message: `Expected ${expected} but received ${show(got)}.` });
  };
  const text = (where: string, value: unknown): string => {
    if (typeof value === "string" && value.trim() !== "") return value.trim();
    fault(where, "a name", value);
    return "";
  };
  const onlyKeys = (where: string, value: Readonly<Record<string, unknown>>, keys: readonly string[]): void => {
    for (const key of Object.keys(value)) {
      if (!keys.includes(key)) faults.push({ where: `${where}.${key}`, message: `Expected only ${keys.join(", ")} but received ${key}.` });
    }
  };
  const list = isRecord(json) ? json["TimeSeriesTransformations"] : json;
  if (!Array.isArray(list) || list.length === 0 || list.length > maxChanges) {
    fault("TimeSeriesTransformations", `a list of 1 to ${maxChanges} transformations`, Array.isArray(list) ? list.length : list);
    return { kind: "faults", faults };
  }
  const changes: Change[] = [];
  for (const [i, entry] of list.entries()) {
    const at = `TimeSeriesTransformations[${i}]`;
    const item: unknown = entry;
    if (!isRecord(item)) {
      fault(at, "an object with Action and TimeSeriesConditions", item);
      continue;
    }
    onlyKeys(at, item, ["Action", "TimeSeriesConditions"]);
    const action = item["Action"];
    if (!isRecord(action)) {
      fault(`${at}.Action`, "an object with AttributeName, Operation and Value", action);
      continue;
    }
    onlyKeys(`${at}.Action`, action, ["AttributeName", "Operation", "Value"]);
    const attribute = text(`${at}.Action.AttributeName`, action["AttributeName"]);
    const operation = operations.find((known) => known === action["Operation"]);
    if (operation === undefined) fault(`${at}.Action.Operation`, `one of ${operations.join(", ")}`, action["Operation"]);
    const given = action["Value"];
    // The service's own guide writes the number in quotes.
    const value = typeof given === "string" && given.trim() !== "" ? Number(given) : given;
    if (typeof value !== "number" || !Number.isFinite(value)) fault(`${at}.Action.Value`, "a number", given);
    else if (operation === "DIVIDE" && value === 0) fault(`${at}.Action.Value`, "a number other than 0 to divide by", given);
    const conditions: Condition[] = [];
    const rules = item["TimeSeriesConditions"] ?? [];
    if (!Array.isArray(rules) || rules.length > maxConditions) {
      fault(`${at}.TimeSeriesConditions`, `a list of at most ${maxConditions} conditions`, Array.isArray(rules) ? rules.length : rules);
      continue;
    }
    for (const [j, rule] of rules.entries()) {
      const spot = `${at}.TimeSeriesConditions[${j}]`;
      const condition: unknown = rule;
      if (!isRecord(condition)) {
        fault(spot, "an object with AttributeName, AttributeValue and Condition", condition);
        continue;
      }
      onlyKeys(spot, condition, ["AttributeName", "AttributeValue", "Condition"]);
      const comparison = comparisons.find((known) => known === condition["Condition"]);
      if (comparison === undefined) fault(`${spot}.Condition`, `one of ${comparisons.join(", ")}`, condition["Condition"]);
      const wanted = condition["AttributeValue"];
      if (typeof wanted !== "string" && typeof wanted !== "number") fault(`${spot}.AttributeValue`, "a text or a number", wanted);
      conditions.push({
        attribute: text(`${spot}.AttributeName`, condition["AttributeName"]),
        comparison: comparison ?? "EQUALS",
        values: [String(wanted)],
      });
    }
    changes.push({ attribute, operation: operation ?? "SET", value: Number(value), conditions });
  }
  return faults.length > 0 ? { kind: "faults", faults } : { kind: "changes", changes };
}
