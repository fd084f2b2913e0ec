// Routes: what a client can ask, by `METHOD /path`: types alone, inferred from the declarations the server answers by.

import type { z } from "zod";
import type { routes as classify } from "../classify/module.ts";
import type { routes as forecast } from "../forecast/module.ts";
import type { PagedRoute as PagedOf } from "../platform/web/remote.ts";
import type { RouteSpec } from "../platform/web/route.ts";
import type * as openapi from "../platform/web/openapi-route.ts";
import type * as platform from "../server/contract.ts";
import type * as identity from "../server/identity/contract.ts";

type Declared<Contract> = Extract<Contract[keyof Contract], RouteSpec>;
type AnyRoute =
  | Declared<typeof platform>
  | Declared<typeof classify>
  | Declared<typeof forecast>
  | Declared<typeof openapi>
  | Declared<typeof identity>;

/** Every route by `METHOD /path`: `GET /api/runs/:id`. */
export type Routes = { readonly [Spec in AnyRoute as `${Spec["method"]} ${Spec["path"]}`]: Spec };
export type RouteName = keyof Routes;
/** Routes whose answers come in pages. */
export type PagedRoute = PagedOf<Routes>;
export type { Answer, Call, Upload } from "../platform/web/remote.ts";

/** What the stream tells, by the name of the event. */
export type Told = {
  readonly [Name in keyof typeof platform.streamed]: {
    readonly event: Name;
    /** Give it as `after` to go on behind it. */
    readonly id: string;
    readonly data: z.output<(typeof platform.streamed)[Name]>;
  };
}[keyof typeof platform.streamed];
