// The door of the room: what house.ts and the rooms above need.

export type { Events, StoredEvent, Subscription } from "./contract.ts";
export { openEvents } from "./events.ts";
export type { OpenEventsOptions } from "./events.ts";
