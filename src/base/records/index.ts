// Records: PostgreSQL, embedded or given, behind one small door. The contract says what it promises.

export type { Migration, OutboxEvent, Records, RecordsAbout, Tx } from "./contract.ts";
export { openRecords } from "./open.ts";
export type { RecordsOptions } from "./open.ts";
export { appendEvent } from "./outbox.ts";
export { backupRecords, restoreRecords } from "./backup.ts";
export type { BackupManifest } from "./backup.ts";
export { adoptHome, copiedHome, lookAtHome, markRestored, readHomeId, settleHome } from "./home.ts";
export type { Adoption, Home, HomeStanding } from "./home.ts";
export { peekRecords } from "./peek.ts";
export type { Peek } from "./peek.ts";
