// The file that was dropped, on this page or on another one that leads here. A file cannot stand in an address.

import { signal } from "@preact/signals";

export const dropped = signal<File | undefined>(undefined);
