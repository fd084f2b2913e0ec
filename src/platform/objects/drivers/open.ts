// From an address to a driver, in any thread.

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
