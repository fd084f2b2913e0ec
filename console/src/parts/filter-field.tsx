// A text field whose value stands in the URL under a name.
//
//   F1. What is being typed is the field's own: no drawing that came late, and no rule of the page, writes over it. It goes into the URL when nobody
//       types for a moment, or when the field is left or Enter pressed; so the server is asked, and the address changed, once a word and not once a letter
//       (browsers refuse an address that changes too often).
//   F2. What comes into the URL from elsewhere (a link, a preset, the way back) takes the place of what was typed.

import { useEffect, useRef, useState } from "preact/hooks";
import { useFilters } from "../data/url.ts";
import { TextField, type TextFieldProps } from "./fields.tsx";

const calmMs = 250;

export interface FilterFieldProps extends Omit<TextFieldProps, "value" | "onValue" | "onLeft"> {
  readonly name: string;
  /** What else of the URL goes when this changes, as a place in the list that was shown. */
  readonly clears?: readonly string[];
}

interface Draft {
  readonly text: string;
  /** What the URL said when this was typed, or says because of it. */
  readonly base: string;
}

export function FilterField({ name, clears = [], ...field }: FilterFieldProps) {
  const filters = useFilters();
  const inUrl = filters.get(name);
  const [draft, setDraft] = useState<Draft | undefined>(undefined);
  const latest = useRef({ inUrl, draft });
  latest.current = { inUrl, draft };
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const write = (): void => {
    clearTimeout(timer.current);
    const { inUrl, draft } = latest.current;
    if (draft === undefined || draft.base !== inUrl || draft.text === inUrl) return;
    setDraft({ text: draft.text, base: draft.text });
    filters.set({ ...Object.fromEntries(clears.map((other) => [other, ""])), [name]: draft.text });
  };
  return (
    <TextField
      {...field}
      value={draft?.base === inUrl ? draft.text : inUrl}
      onValue={(text) => {
        setDraft({ text, base: inUrl });
        clearTimeout(timer.current);
        timer.current = setTimeout(write, calmMs);
      }}
      onLeft={write}
    />
  );
}
