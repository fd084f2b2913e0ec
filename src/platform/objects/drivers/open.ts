// From an address to a driver, in any thread.

import type { BaseSettings } from "../../config/index.ts";
import { unknownKind } from "../../errors.ts";
import type { DriverAddress } from "../contract.ts";
import type { Driver } from "./contract.ts";
import { makeFolderDriver } from "./folder.ts";

/** Opens the driver at `address`. Cheap; a driver holds nothing that must be closed. */
export function openDriver(address: DriverAddress): Driver {
  const { kind } = address;
  switch (kind) {
    case "folder":
      return makeFolderDriver(address.root);
    default:
      throw unknownKind(kind, "driver of the object store");
  }
}

/**
 * The folder in which settings have the sealed files: what a backup copies, and whose room on the disk is watched.
 *
 * A driver that has none does not compile until all who ask here have been told what to do instead: a backup that copied an empty folder would
 * look whole.
 */
export function folderOf({ driver, root }: BaseSettings["objects"]): string {
  switch (driver) {
    case "folder":
      return root;
    default:
      throw unknownKind(driver, "driver of the object store");
  }
}
