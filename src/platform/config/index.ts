// Config: settings from `stockroom.yaml`, the environment and flags. Owns reading, checking and showing them; see read.ts.

export { bytes, duration, secret, secretUrl } from "./schema.ts";
export type { BaseSettings, SettingMeta } from "./schema.ts";
export { closest, editDistance } from "./walk.ts";
export { checkConfig, formatProblem, isLoopback, readConfig, relative } from "./read.ts";
export type { Config, ConfigCheck, ConfigOptions, ConfigProblem, Origin, Sections } from "./read.ts";
export { describeConfig, printConfig } from "./print.ts";
export type { ConfigRow } from "./print.ts";
