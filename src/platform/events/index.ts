// The door of the part: what app.ts and the parts above need.

export type { Events, StoredEvent, Subscription } from "./contract.ts";
export { openEvents } from "./events.ts";
export type { OpenEventsOptions } from "./events.ts";
