// What app.ts and the parts above may import.

export type { Events, StoredEvent, Subscription } from "./contract.ts";
export { openEvents } from "./events.ts";
export type { OpenEventsOptions } from "./events.ts";
