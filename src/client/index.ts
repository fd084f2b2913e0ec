// The client as others import it: `stockroom/client`.

export { makeClient, type Client, type ClientOptions, type StreamOptions } from "./client.ts";
export type { Answer, Call, PagedRoute, RouteName, Routes, Told, Upload } from "./routes.ts";
export { isStockroomError, StockroomError, type ErrorKind } from "../platform/errors.ts";
