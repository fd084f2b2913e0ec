// Config: settings from `stockroom.yaml`, the environment and flags. Owns reading, checking and showing them; see read.ts.

export { bytes, duration, secret, secretUrl } from "./schema.ts";
export type { BaseSettings, ChannelSettings, OidcSettings, SettingMeta } from "./schema.ts";
export { checkConfig, formatProblem, isLoopback, readConfig } from "./read.ts";
export { settingsFileName } from "./file.ts";
export { relative } from "./draft.ts";
export type { Config, ConfigCheck, ConfigOptions, ConfigProblem, Origin, Sections } from "./contract.ts";
export { describeConfig, printConfig, sampleFile } from "./print.ts";
export type { ConfigRow } from "./print.ts";
