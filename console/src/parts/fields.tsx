// Fields: a title, what is typed or chosen, what is wrong with it.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface FieldProps {
  readonly title: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly hint?: string | undefined;
  /** What is wrong with the value. */
  readonly problem?: string | undefined;
}

function Field({
  title,
  hint,
  problem,
  children,
}: Pick<FieldProps, "title" | "hint" | "problem"> & { readonly children: ComponentChildren }) {
  return (
    <label class="field">
      <span>{title}</span>
      {children}
      {problem !== undefined && <small class="bad">{problem}</small>}
      {hint !== undefined && problem === undefined && <small>{hint}</small>}
    </label>
  );
}

export interface TextFieldProps extends FieldProps {
  readonly type?: "text" | "search" | "number" | "date" | "month" | "password";
  readonly placeholder?: string;
  readonly autofocus?: boolean;
  readonly required?: boolean;
  readonly suggestions?: readonly string[];
  readonly disabled?: boolean;
  /** It was left with another value, or Enter was pressed in it. */
  readonly onLeft?: () => void;
}

let lists = 0;

export function TextField({
  title,
  value,
  onValue,
  hint,
  problem,
  type = "text",
  placeholder = "",
  autofocus = false,
  required = false,
  suggestions,
  disabled = false,
  onLeft,
}: TextFieldProps) {
  const box = useRef<HTMLInputElement>(null);
  const id = useRef(`list-${++lists}`);
  useEffect(() => {
    if (autofocus) box.current?.focus();
  }, []);
  return (
    <Field title={title} hint={hint} problem={problem}>
      <input
        ref={box}
        // The library's types know the kinds of input apart; ours is any of them.
        {...({ type } as { type: "text" })}
        value={value}
        placeholder={placeholder}
        required={required}
        disabled={disabled}
        aria-invalid={problem !== undefined}
        {...(type === "number" ? { step: "any" } : {})}
        list={suggestions === undefined ? undefined : id.current}
        onInput={(event) => onValue(event.currentTarget.value)}
        onChange={() => onLeft?.()}
      />
      {suggestions !== undefined && (
        <datalist id={id.current}>
          {suggestions.map((text) => (
            <option key={text} value={text} />
          ))}
        </datalist>
      )}
    </Field>
  );
}

export type Choice = string | { readonly value: string; readonly name: string };

export function SelectField({ title, value, onValue, hint, problem, choices }: FieldProps & { readonly choices: readonly Choice[] }) {
  return (
    <Field title={title} hint={hint} problem={problem}>
      <select value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        {choices.map((choice) => {
          const { value: of, name } = typeof choice === "string" ? { value: choice, name: choice } : choice;
          return (
            <option key={of} value={of} selected={of === value}>
              {name}
            </option>
          );
        })}
      </select>
    </Field>
  );
}

export function TextArea({ title, value, onValue, hint, problem, rows = 6 }: FieldProps & { readonly rows?: number }) {
  return (
    <Field title={title} hint={hint} problem={problem}>
      <textarea
        rows={rows}
        value={value}
        aria-invalid={problem !== undefined}
        spellcheck={false}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
    </Field>
  );
}

export function CheckField({
  title,
  checked,
  onChecked,
}: {
  readonly title: ComponentChildren;
  readonly checked: boolean;
  readonly onChecked: (checked: boolean) => void;
}) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} onChange={(event) => onChecked(event.currentTarget.checked)} />
      <span>{title}</span>
    </label>
  );
}
