// Documents: files that people write by hand (settings, forecast-defaults.yaml, schemes), read so that every mistake has its line and column.

export { Reading } from "./reading.ts";
export type { Handlers, Place, Remark } from "./reading.ts";
export { accepts, checkValue, getAt, isTree, own, showValue, unwrap } from "./schema.ts";
export type { CheckOptions, Path, Schema, SchemaMeta, SchemaProblem, Tree } from "./schema.ts";
export { parseYaml } from "./yaml.ts";
export type { DocumentPath, Position, YamlDocument } from "./yaml.ts";
