// Files: writing whole, locking and recognising files of the local file system. Owns no path of its own.

export { createFileAtomically, renameDurably, syncFolder, syncTree, writeFileAtomically } from "./atomic-write.ts";
export type { AtomicWriteOptions, FileContent } from "./atomic-write.ts";
export { fileStateOf } from "./identity.ts";
export { isAlive, takePidLock, withFileLock } from "./locks.ts";
