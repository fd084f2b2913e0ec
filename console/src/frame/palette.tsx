// The palette (Ctrl-K): pages, and what the typed words find among the newest runs, groups, lines, and keys of objects by their beginning.

import { signal } from "@preact/signals";
import { useLocation } from "preact-iso";
import { useEffect, useRef, useState } from "preact/hooks";
import { useAsk, type AskOptions } from "../data/query.ts";
import { usePlace } from "../data/place.ts";
import { to } from "../data/url.ts";
import { useSeenPages } from "./rail.tsx";

const isOpen = signal(false);
export const openPalette = (): void => void (isOpen.value = true);

interface Found {
  readonly title: string;
  readonly kind: string;
  readonly href: string;
}

const mostEach = 6;
/** The newest; older ones are on the page of runs. */
const mostRuns = 200;
const calmMs = 200;
const holds = (text: string, words: string): boolean =>
  words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.toLowerCase().includes(word));

/** Runs, groups and lines, to be looked through here: asked once while the palette is used. A part that refuses (a role) has none. */
function useKnown(modules: readonly string[]): readonly (Found & { readonly words: string })[] {
  const has = (module: string): AskOptions => ({ when: modules.includes(module), freshMs: 30_000 });
  const runs = useAsk("GET /api/runs", { query: { limit: mostRuns } }, { freshMs: 30_000 });
  const groups = useAsk("GET /api/forecast/groups", undefined, has("forecast"));
  const lines = useAsk("GET /api/classify/lines", undefined, has("classify"));
  return [
    ...(lines.value?.lines ?? []).map(({ line }) => ({
      title: line,
      words: line,
      kind: "line",
      href: to(`/lines/${encodeURIComponent(line)}`),
    })),
    ...(groups.value?.groups ?? []).map(({ name }) => ({
      title: name,
      words: name,
      kind: "forecast group",
      href: to(`/forecasts/${encodeURIComponent(name)}`),
    })),
    ...(runs.value?.runs ?? []).map(({ id, title, state }) => ({
      title,
      words: `${title} ${id}`,
      kind: `run, ${state}`,
      href: to(`/runs/${encodeURIComponent(id)}`),
    })),
  ];
}

/** Objects whose key begins with what is typed, once nobody types for a moment. */
function useKeys(typed: string): readonly Found[] {
  const [calm, setCalm] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setCalm(typed), calmMs);
    return () => clearTimeout(timer);
  }, [typed]);
  const { value } = useAsk("GET /objects", { query: { prefix: calm, limit: mostEach } }, { when: calm.length > 1 && calm === typed });
  return (value?.objects ?? []).map(({ key }) => ({ title: key, kind: "object", href: to("/objects", { key }) }));
}

/** As many of each kind as are worth reading. */
function fewOf(found: readonly Found[]): readonly Found[] {
  return [...Map.groupBy(found, ({ kind }) => kind.split(",")[0])].flatMap(([, of]) => of.slice(0, mostEach));
}

export function Palette() {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        isOpen.value = true;
      }
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  return isOpen.value ? <OpenPalette /> : null;
}

function OpenPalette() {
  const [words, setWords] = useState("");
  const [at, setAt] = useState(0);
  const box = useRef<HTMLDialogElement>(null);
  const { route } = useLocation();
  const { modules } = usePlace();
  const seen = useSeenPages();
  const typed = words.trim();
  const known = useKnown(modules);
  const keys = useKeys(typed);
  const found: readonly Found[] = [
    ...seen.filter(({ title }) => typed === "" || holds(title, typed)).map(({ title, path }) => ({ title, kind: "page", href: to(path) })),
    ...(typed.length > 1 ? fewOf([...known.filter(({ words }) => holds(words, typed)), ...keys]) : []),
  ];
  useEffect(() => {
    box.current?.showModal();
    return () => void (isOpen.value = false);
  }, []);
  const go = (href: string | undefined): void => {
    if (href === undefined) return;
    isOpen.value = false;
    route(href);
  };
  return (
    <dialog
      ref={box}
      class="palette"
      aria-label="Find"
      onClose={() => (isOpen.value = false)}
      onClick={(event) => event.target === box.current && (isOpen.value = false)}
    >
      <input
        type="search"
        list={undefined}
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-found"
        aria-activedescendant={`palette-${at}`}
        aria-label="Find pages, newest runs, groups, lines, keys"
        placeholder="Find pages, newest runs, groups, lines, keys"
        value={words}
        onInput={(event) => {
          setWords(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") setAt(Math.min(found.length - 1, at + 1));
          else if (event.key === "ArrowUp") setAt(Math.max(0, at - 1));
          else if (event.key === "Enter") go(found[at]?.href);
          else return;
          event.preventDefault();
        }}
      />
      <ul id="palette-found" role="listbox" aria-label="Found">
        {found.map(({ title, kind, href }, index) => (
          <li key={`${kind} ${href}`} id={`palette-${index}`} role="option" aria-selected={index === at} onClick={() => go(href)}>
            {title} <span>{kind}</span>
          </li>
        ))}
        {found.length === 0 && (
          <li role="option" aria-selected={false}>
            Nothing found among pages, lines, groups, the {mostRuns} newest runs and keys that begin so
          </li>
        )}
      </ul>
    </dialog>
  );
}
