// The module's routes as data: what they take, what they answer, whom they ask for. routes.ts and planning.ts answer them.
//
// docs/reference/forecast-http.md lists them for people. No code that works is imported here: the client has its types from these declarations.

export * from "./contract-exchange.ts";
export * from "./contract-planning.ts";
export * from "./contract-reading.ts";
