// Picker: the codes of a scheme's version in the law's own words, as a tree; searched by the words of a code and of what stands above it.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Code, CodeBook } from "../../data/codebook.ts";
import { Button } from "../../parts/button.tsx";
import { layTree, searchCodes, type Branch } from "./tree.ts";

export interface PickerProps {
  readonly book: CodeBook | undefined;
  readonly scheme: string;
  readonly version: string;
  readonly onPick: (code: string) => void;
  /** Focus goes back to the question. */
  readonly onLeave: () => void;
  /** Counts up each time that the search is asked for by its key. */
  readonly called: number;
}

const mostShown = 300;

export function Picker({ book, scheme, version, onPick, onLeave, called }: PickerProps) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const box = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    if (called > 0) box.current?.focus();
  }, [called]);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [at, text]);
  const codes: readonly Code[] | undefined = book?.codesOf(scheme, version);
  const tree = layTree(codes ?? []);
  const found = searchCodes(tree, text);
  const choices = found.filter(({ heading }) => !heading);
  const active = text.trim() === "" ? undefined : choices[Math.min(at, choices.length - 1)];
  const pick = (code: string): void => {
    setText("");
    setAt(0);
    box.current?.blur();
    onPick(code);
  };
  return (
    <section class="card review-picker" aria-label="Another code">
      <h2>
        Another code <kbd>/</kbd>
      </h2>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          if (codes === undefined && text.trim() !== "") pick(text.trim());
          else if (active !== undefined) pick(active.code);
        }}
      >
        <input
          ref={box}
          type="search"
          list={undefined}
          class="grow"
          {...(codes === undefined
            ? { "aria-label": "Code" }
            : {
                role: "combobox" as const,
                "aria-label": "Search the codes by their words",
                "aria-expanded": "true" as const,
                "aria-controls": "review-codes",
                "aria-autocomplete": "list" as const,
              })}
          {...(active === undefined ? {} : { "aria-activedescendant": `code-${active.code}` })}
          placeholder={codes === undefined ? "the code" : `code or words of ${scheme} ${version}`}
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown" || event.key === "ArrowUp") {
              event.preventDefault();
              setAt(Math.max(0, Math.min(choices.length - 1, at + (event.key === "ArrowDown" ? 1 : -1))));
            } else if (event.key === "Escape") {
              event.preventDefault();
              setText("");
              onLeave();
            }
          }}
        />
        <Button type="submit" disabled={codes === undefined ? text.trim() === "" : active === undefined}>
          Answer
        </Button>
      </form>
      {codes === undefined ? (
        <p class="dim">The scheme {scheme} was not imported: type the code as the law writes it.</p>
      ) : (
        <ul class="review-codes" id="review-codes" ref={list} role="listbox" aria-label={`Codes of ${scheme} ${version}`} tabIndex={0}>
          {found.slice(0, mostShown).map((branch) => (
            <Choice key={branch.code} branch={branch} isActive={branch === active} isSearch={text.trim() !== ""} onPick={pick} />
          ))}
        </ul>
      )}
      {choices.length === 0 && codes !== undefined && <p class="dim">No code of {version} has these words.</p>}
      {found.length > mostShown && (
        <p class="dim">
          The first {mostShown} of {found.length}: type more words.
        </p>
      )}
    </section>
  );
}

function Choice({
  branch: { code, name, heading, depth, above },
  isActive,
  isSearch,
  onPick,
}: {
  branch: Branch;
  isActive: boolean;
  isSearch: boolean;
  onPick: (code: string) => void;
}) {
  return (
    <li
      id={`code-${code}`}
      role="option"
      class={heading ? "heading" : ""}
      aria-selected={isActive}
      aria-disabled={heading}
      style={isSearch ? {} : { paddingInlineStart: `${0.5 + depth}rem` }}
      onClick={() => {
        if (!heading) onPick(code);
      }}
    >
      <b>{code}</b> {name}
      {isSearch && above.length > 0 && <small> · {above.join(" › ")}</small>}
    </li>
  );
}
