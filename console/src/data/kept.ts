// Kept: what a person chose or gave a name, in this browser alone: told to nobody, and gone with the browser's data.
//
//   K1. A browser that keeps nothing is no error: it lasts as long as the page.
//   K2. What another tab kept meanwhile is not lost.
//   K3. What was kept by an earlier console and is no longer understood is left out, one by one.

import { signal, type ReadonlySignal } from "@preact/signals";

export function readKept(place: string): string | undefined {
  try {
    return localStorage.getItem(`stockroom.${place}`) ?? undefined;
  } catch {
    return undefined; // K1
  }
}

export function keepText(place: string, text: string): void {
  try {
    localStorage.setItem(`stockroom.${place}`, text);
  } catch {
    // K1
  }
}

/** Things of a kept text. */
export function parseThings<Of>(text: string | undefined, is: (value: unknown) => value is Of): readonly Of[] {
  try {
    const read: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(read) ? read.filter(is) : [];
  } catch {
    return [];
  }
}

/** The list with a thing in it, by name; it takes the place of the one that is the same. */
export const withThing = <Of extends { readonly name: string }>(
  things: readonly Of[],
  thing: Of,
  isSame: (one: Of, other: Of) => boolean,
): readonly Of[] => [...things.filter((one) => !isSame(one, thing)), thing].toSorted((a, b) => a.name.localeCompare(b.name));

export interface Kept<Of> {
  readonly all: ReadonlySignal<readonly Of[]>;
  keep(thing: Of): void;
  /** Gives the way to take it back. */
  forget(thing: Of): () => void;
}

/** Things with names, kept at a place. Two are the same when their names are, unless `isSame` says otherwise. */
export function openKept<Of extends { readonly name: string }>(
  place: string,
  is: (value: unknown) => value is Of,
  isSame: (one: Of, other: Of) => boolean = (one, other) => one.name === other.name,
): Kept<Of> {
  const all = signal(parseThings(readKept(place), is));
  const change = (next: readonly Of[]): void => {
    all.value = next;
    keepText(place, JSON.stringify(next));
  };
  const present = (): readonly Of[] => {
    const text = readKept(place);
    return text === undefined ? all.peek() : parseThings(text, is);
  };
  const keep = (thing: Of): void => change(withThing(present(), thing, isSame));
  return {
    all,
    keep,
    forget: (thing) => {
      change(present().filter((one) => !isSame(one, thing)));
      return () => keep(thing);
    },
  };
}

/** Whether a value is an object whose values under these names are texts. */
export const hasTexts = <Name extends string>(value: unknown, names: readonly Name[]): value is Readonly<Record<Name, string>> =>
  typeof value === "object" &&
  value !== null &&
  names.every((name) => typeof (value as Readonly<Record<string, unknown>>)[name] === "string");
