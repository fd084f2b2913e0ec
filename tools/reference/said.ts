// What the sources do not say of a code in the place where they make it, and what looks like a code and is none. errors.ts tells of an entry that is
// no longer needed.

import type { ErrorKind } from "../../src/platform/errors.ts";

interface Declared {
  readonly kinds?: readonly ErrorKind[];
  readonly messages?: readonly string[];
}

export const declared: Readonly<Record<string, Declared>> = {
  ADJUSTMENT_FAULTS: {
    messages: ["Expected an adjustment that can be made but something of it is wrong: every mistake is told. Correct them."],
  },
  BODY_TOO_LARGE: { kinds: ["input"] },
  BODY_TYPE: { kinds: ["input"] },
  DISK_REFUSED: { kinds: ["busy"] },
  FILES_TOO_MANY: { kinds: ["busy"] },
  HEADERS_TOO_LARGE: { kinds: ["input"] },
  INPUT_READ_AS: { messages: ["How numbers and dates of a file are read, where its values left a choice."] },
  INTAKE_PROPOSED: { messages: ["Which column of a file plays which part, as it was proposed. See docs/how-to/forecast-uploads.md."] },
  INTAKE_READ_AS: {
    messages: ["Which column of a file plays which part, as it is kept for its sender. See docs/how-to/forecast-uploads.md."],
  },
  PATH_BAD: { kinds: ["input"] },
  QUERY_BAD: { kinds: ["input"], messages: ["Expected other query parameters: every one that is wrong is told. Correct them."] },
  REQUEST_BAD: { kinds: ["input"] },
  REQUEST_LATE: { kinds: ["input"] },
  TABLE_NOT_UTF8: { kinds: ["input"] },
  TABLE_QUOTE_BROKEN: { kinds: ["input"] },
  TABLE_QUOTE_OPEN: { kinds: ["input"] },
  TABLE_RECORD_TOO_LONG: { kinds: ["input"] },
};

/** Names of variables, words of SAP, of thumbor, of Amazon Forecast and of Parquet, codes of Node and of libraries. */
export const names: ReadonlySet<string> = new Set(
  `AT_LEAST AT_MOST AUTO_WEBP BYTE_ARRAY CC_POSTALCODE CORS_ENABLED CORS_ORIGIN DATABASE_URL DEFAULT_FALLBACK_IMAGE_BUCKET
  DEFAULT_FALLBACK_IMAGE_KEY EAI_AGAIN EC2_CAPACITY ENABLE_DEFAULT_FALLBACK_IMAGE ENABLE_SIGNATURE ERR_INVALID_ARG_VALUE ERR_SQLITE_ERROR
  ERR_WORKER_OUT_OF_MEMORY ET_RETURN EV_REQUEST_ID FIXED_LEN_BYTE_ARRAY GREATER_THAN INVENTORY_PLANNING ITEM_METADATA IT_FORECAST IV_REQUEST_ID
  LAT_LONG LESS_THAN NOT_EQUALS OAUTH_ABORT OAUTH_TIMEOUT ODQ_CHANGEMODE ODQ_ENTITYCNTR ODQ_RECORDNO ODQ_TSN ODQ_UNITNO OTEL_EXPORTER_OTLP_ENDPOINT
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT OTEL_SDK_DISABLED OTEL_SERVICE_NAME PG_VERSION READ_ONLY
  RELATED_TIME_SERIES REWRITE_MATCH_PATTERN REWRITE_SUBSTITUTION SHARP_SIZE_LIMIT SIGNATURE_SECRET SIGNATURE_SECRET_FILE SOURCE_BUCKETS
  SOURCE_DATE_EPOCH SSH_CONNECTION SSH_TTY STOCKROOM_CONFIG STOCKROOM_DATA STOCKROOM_FAULT STOCKROOM_HOME STOCKROOM_LAUNCHER STOCKROOM_SERVER STOCKROOM_TOKEN STOCKROOM_TOKEN_FILE
  TIMESTAMP_MILLIS TIME_MICROS TIME_MILLIS UINT_64
  UND_ERR_CONNECT_TIMEOUT WAYLAND_DISPLAY WEB_TRAFFIC WORK_FORCE WSL_DISTRO_NAME Z_BUF_ERROR`.split(/\s+/),
);
