// Problems: what the service itself refuses, in the classic codes. What is wrong with a picture or a URL is said by the engine.

import { StockroomError } from "../../platform/errors.ts";

/** 503: every place is taken. */
export function tooBusy(): StockroomError {
  return new StockroomError(
    "busy",
    "ServiceBusy",
    "Expected room for one more picture but all places are taken. Try again after the time in Retry-After.",
    { facts: { status: 503 } },
  );
}

/** 503: the server ends. */
export function stopping(): StockroomError {
  return new StockroomError("busy", "ServiceBusy", "Expected room for one more picture but the server is stopping. Try again.", {
    facts: { status: 503 },
  });
}

/** 503: the picture was not there in time. */
export function pastDeadline(ms: number): StockroomError {
  return new StockroomError(
    "busy",
    "DeadlineExceeded",
    `Expected the picture within ${ms} ms but it takes longer now. Try again after the time in Retry-After.`,
    { facts: { status: 503 } },
  );
}

/** 503: the picture ran out of time a moment ago, and is not tried again for so many seconds. */
export function tooSlow(seconds: number): StockroomError {
  return new StockroomError(
    "busy",
    "ProcessingTimeout",
    `Expected a picture that can be made in time but this one ran out of it a moment ago. Ask for a smaller one, or try again in ${seconds} s.`,
    { facts: { status: 503, retryAfterSeconds: seconds } },
  );
}

/** 499, as nginx has it: the caller left before the answer. */
export function callerGone(): StockroomError {
  return new StockroomError("input", "CallerGone", "Expected the caller to wait for the picture but it has gone.", {
    facts: { status: 499 },
  });
}

/** 404: the key names nothing. */
export function noSuchKey({ bucket, key }: { readonly bucket: string; readonly key: string }): StockroomError {
  return new StockroomError(
    "missing",
    "NoSuchKey",
    `Expected an original under the key ${JSON.stringify(key)} in the bucket ${bucket} but there is none. Correct the key.`,
    { facts: { status: 404 } },
  );
}

/** 405: pictures are read and nothing else. */
export function methodNotAllowed(method: string): StockroomError {
  return new StockroomError(
    "input",
    "MethodNotAllowed",
    `Expected GET or HEAD but received ${method.slice(0, 20)}. Ask for the picture with GET.`,
    { facts: { status: 405 } },
  );
}
