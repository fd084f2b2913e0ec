// The API as its callers see it: types only, so that the console and other programs import them without any code.
//
// docs/reference/http.md lists the routes; what each module answers stands in docs/reference/NAME-http.md, and its types are exported by its module.ts.
// Every error is a Problem with the status its kind has in platform/errors.ts (401 where the token is missing or wrong).
// IDs and keys in paths are percent-encoded.

import type { AnswerOf } from "../platform/web/route.ts";
import type { Problem } from "../platform/web/problem.ts";
import type * as routes from "./contract.ts";

export type ApiError = Problem;
export type StoredObject = AnswerOf<typeof routes.putObject>;
export type FileLook = AnswerOf<typeof routes.lookAtBody>;
export type ObjectPage = AnswerOf<typeof routes.listObjects>;
export type RunList = AnswerOf<typeof routes.listRuns>;
export type DeadLetterList = AnswerOf<typeof routes.listDead>;
export type EventList = AnswerOf<typeof routes.listEvents>;
export type NoticeList = AnswerOf<typeof routes.listNotices>;
export type ScheduleList = AnswerOf<typeof routes.listSchedules>;
export type Health = AnswerOf<typeof routes.getHealth>;
