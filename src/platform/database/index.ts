// Database: PostgreSQL, embedded or given, behind one small interface. The contract says what it promises.

export type { Migration, OutboxEvent, Database, DatabaseAbout, Tx } from "./contract.ts";
export { openDatabase } from "./open.ts";
export type { DatabaseOptions } from "./open.ts";
export { backupDatabase, restoreDatabase } from "./backup.ts";
export type { BackupManifest } from "./backup.ts";
export { adoptHome, copiedHome, inspectHome, markRestored, readHomeId, identifyHome } from "./home.ts";
export type { Adoption, Home, HomeStanding } from "./home.ts";
export { peekDatabase } from "./peek.ts";
export type { Peek } from "./peek.ts";
