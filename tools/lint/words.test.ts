import { expect, test } from "vitest";
import { struckIn } from "./words.js";

test.each([
  ["readTicket", "src/platform/objects/store.ts", "ticket"],
  ["TicketReader", "src/platform/objects/store.ts", "ticket"],
  ["src/cli/verbs/sql", "src/cli/verbs/sql.ts", "verbs"],
  ["run-verb", "src/forecast/cli/run-verb.ts", "verb"],
  ["gate", "src/images/service/handler.ts", "gate"],
  ["mostPieceBytes", "src/platform/formats/text-in.ts", "piece"],
  ["settleQuestions", "src/platform/command/questions.ts", "settle"],
  ["isTold", "src/forecast/workflows/views/drill.ts", "told"],
])("%s in %s holds %s", (name, file, word) => {
  expect(struckIn(name, file)?.word).toBe(word);
});

test.each([
  ["warehouse", "src/platform/warehouse/lake.ts"],
  ["ticketing", "src/platform/objects/store.ts"],
  ["proverb", "src/cli/main.ts"],
  ["gate", "src/classify/engine/gate.ts"],
  ["pieceOf", "src/forecast/workflows/run/pieces.ts"],
  ["settleImport", "src/forecast/workflows/sap/asks.ts"],
  ["again", "src/forecast/http/routes.ts"],
  ["toString", "src/classify/engine/gate.ts"],
])("%s in %s is a word like any other", (name, file) => {
  expect(struckIn(name, file)).toBeUndefined();
});
