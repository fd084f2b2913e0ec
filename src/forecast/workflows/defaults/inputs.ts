// The section Inputs of a forecast-defaults.yaml: how the files of a group are to be read. It is ours; the AWS solution has none like it.
//
// Each key is an option of `stockroom forecast run` under another name, so that an upload and a command read a file alike.

import { checkEncoding } from "../../../platform/formats/index.ts";
import { isStockroomError } from "../../../platform/errors.ts";
import { datePatternsAllowed, parseDateFormat } from "../../../platform/formats/dates.ts";
import { type EventRow, spanOfRow } from "../inputs/events.ts";
import { parseTimestamp } from "../inputs/fields.ts";
import type { Place, Reading } from "../../../platform/documents/index.ts";
import type { InputSettings } from "./settings.ts";

/** Reads the section; what is wrong is told through `reading`. */
export function readInputSettings(reading: Reading, place: Place): InputSettings {
  const settings: { -readonly [Key in keyof InputSettings]: InputSettings[Key] } = {};
  const day = (key: "begin" | "end", name: string): ((at: Place) => void) => {
    return (at) => {
      const text = reading.text(at, `${name} (yyyy-MM-dd)`);
      if (text === undefined) return;
      if (Number.isNaN(parseTimestamp(text))) reading.problem(at, `Expected ${name} as yyyy-MM-dd but received "${text}".`);
      else settings[key] = text;
    };
  };
  reading.map(place, "Inputs", {
    EndedSeries: (at) => (settings.ended = reading.choice(at, "EndedSeries", ["zero", "unknown", "discontinued"])),
    Negative: (at) => {
      const isNegative = reading.flag(at, "Negative");
      if (isNegative !== undefined) settings.nonNegative = !isNegative;
    },
    StockColumn: (at) => (settings.stockColumn = reading.text(at, "the name of a column")),
    Without: (at) =>
      (settings.without = (reading.list(at, "Without") ?? []).flatMap((item) => reading.text(item, "the name of a column") ?? [])),
    WeeklyStamps: (at) => (settings.stamps = reading.choice(at, "WeeklyStamps", ["begin", "end"])),
    Begin: day("begin", "Begin"),
    End: day("end", "End"),
    DateFormat: (at) => {
      const text = reading.text(at, `DateFormat (${datePatternsAllowed})`);
      if (text !== undefined && parseDateFormat(text) === undefined)
        reading.problem(at, `Expected DateFormat as ${datePatternsAllowed} but received "${text}".`);
      else settings.dateFormat = text;
    },
    DecimalSign: (at) => (settings.decimal = reading.choice(at, "DecimalSign", [".", ","])),
    Encoding: (at) => {
      const text = reading.text(at, "Encoding");
      if (text === undefined) return;
      try {
        settings.encoding = checkEncoding(text);
      } catch (thrown) {
        if (!isStockroomError(thrown)) throw thrown;
        reading.problem(at, thrown.message);
      }
    },
    Columns: (at) => {
      const map: Record<string, string> = {};
      for (const [name, entry] of reading.entries(at, "Columns (the file's name: the name it stands for)") ?? []) {
        const stands = reading.text(entry, `what ${name} stands for`);
        if (stands !== undefined) map[name] = stands;
      }
      settings.map = map;
    },
    MostBadShare: (at) => (settings.mostBadShare = reading.number(at, "MostBadShare", 0, 1, false)),
    Events: (at) => {
      settings.eventRows = (reading.list(at, "Events") ?? []).flatMap((item) => readEvent(reading, item) ?? []);
    },
  });
  return settings;
}

function readEvent(reading: Reading, place: Place): EventRow | undefined {
  const row: { -readonly [Key in keyof EventRow]: EventRow[Key] } = { name: "", from: "" };
  const window = (key: "before" | "after", name: string): ((at: Place) => void) => {
    return (at) => {
      const days = reading.number(at, name, 0, 60, true);
      if (days !== undefined) row[key] = days;
    };
  };
  const text = (key: "name" | "from" | "to" | "place", what: string): ((at: Place) => void) => {
    return (at) => {
      const found = reading.text(at, what);
      if (found !== undefined) row[key] = found;
    };
  };
  const good = reading.map(place, "an event", {
    Name: text("name", "the name of an event"),
    Date: text("from", "a day as yyyy-MM-dd"),
    From: text("from", "the first day as yyyy-MM-dd"),
    To: text("to", "the last day as yyyy-MM-dd"),
    Place: text("place", "a value of a dimension, or the country of the holidays"),
    DaysBefore: window("before", "DaysBefore"),
    DaysAfter: window("after", "DaysAfter"),
  });
  if (!good) return undefined;
  const made = spanOfRow(row, parseTimestamp);
  if (typeof made === "string") {
    reading.problem(place, row.from === "" ? "Expected Name and Date of an event (or From and To) but one is missing. Add it." : made);
    return undefined;
  }
  return row;
}
