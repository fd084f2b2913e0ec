// Server: the HTTP door of the app. Others come in here.

export { makeServer, openServer } from "./server.ts";
export type { OpenServer, ServerOptions } from "./server.ts";
export { checkBinding } from "./guard.ts";
export type { Probe, ServerDeps, ServerSettings } from "./deps.ts";
export { openEntrance } from "./identity/entrance.ts";
