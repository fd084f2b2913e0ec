// The palette (Ctrl-K): pages, and what the typed words find among the newest runs, groups, lines, items, series, and keys of objects by their beginning.
//
//   P1. What the server is asked is asked once nobody types for a moment, for few rows, and given up as soon as other words are typed.

import { signal } from "@preact/signals";
import { useLocation } from "preact-iso";
import { useEffect, useRef, useState } from "preact/hooks";
import { useMe } from "../data/me.ts";
import { useAsk, usePages, type AskOptions } from "../data/query.ts";
import { usePlace } from "../data/place.ts";
import { itemAxis, printNode } from "../pages/forecasts/node.ts";
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

/** What was typed, once nobody types for a moment; until then undefined. */
function useCalm(typed: string): string | undefined {
  const [calm, setCalm] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setCalm(typed), calmMs);
    return () => clearTimeout(timer);
  }, [typed]);
  return calm === typed ? calm : undefined;
}

/** Objects whose key begins with what is typed. */
function useKeys(calm: string | undefined): readonly Found[] {
  const { value } = useAsk(
    "GET /objects",
    { query: { prefix: calm ?? "", limit: mostEach } },
    { when: calm !== undefined && calm.length > 1 },
  );
  return (value?.objects ?? []).map(({ key }) => ({ title: key, kind: "object", href: to("/objects", { key }) }));
}

/** An item by its id. Whether it was coded is told by its page: a look would read a whole month, too much for every pause in typing. */
const itemFor = (calm: string | undefined): readonly Found[] =>
  calm === undefined || calm.length < 3 || /\s/.test(calm)
    ? []
    : [{ title: calm, kind: "item by its id: what was decided", href: to("/items", { id: calm }) }];

interface Grouped {
  readonly name: string;
  readonly latest?: string | undefined;
}

/** Series of a group's newest forecast that hold the words. */
function useSeriesOf(calm: string | undefined, group: Grouped | undefined): readonly Found[] {
  const { name = "", latest = "" } = group ?? {};
  const { value } = usePages(
    "GET /api/forecast/runs/:id/cells",
    { params: { id: latest }, query: { find: calm ?? "", limit: mostEach } },
    { when: calm !== undefined && calm.length > 2 && latest !== "", freshMs: 30_000 },
  );
  if (calm === undefined || calm.length < 3) return [];
  return (value ?? []).flatMap(({ idColumns, rows }) =>
    rows.map(({ ids }) => {
      const at = printNode(ids.map((id, place) => [place === 0 ? itemAxis : (idColumns[place] ?? itemAxis), id] as const));
      return { title: ids.join(" · "), kind: `series, ${name}`, href: to(`/forecasts/${encodeURIComponent(name)}`, { at }) };
    }),
  );
}

/** The same of the first groups; more are found on their own pages. */
function useSeries(calm: string | undefined, groups: readonly Grouped[]): readonly Found[] {
  const [first, second, third] = groups.filter(({ latest }) => latest !== undefined);
  return [...useSeriesOf(calm, first), ...useSeriesOf(calm, second), ...useSeriesOf(calm, third)];
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
  const me = useMe();
  const seen = useSeenPages();
  const typed = words.trim();
  const known = useKnown(modules);
  const calm = useCalm(typed);
  const keys = useKeys(calm);
  const item = modules.includes("classify") && me.may("reviewer") ? itemFor(calm) : [];
  const groups = useAsk("GET /api/forecast/groups", undefined, { when: modules.includes("forecast"), freshMs: 30_000 });
  const series = useSeries(calm, groups.value?.groups ?? []);
  const found: readonly Found[] = [
    ...seen.filter(({ title }) => typed === "" || holds(title, typed)).map(({ title, path }) => ({ title, kind: "page", href: to(path) })),
    ...(typed.length > 1 ? fewOf([...known.filter(({ words }) => holds(words, typed)), ...series, ...keys, ...item]) : []),
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
        aria-label="Find pages, items, newest runs, groups, lines, keys"
        placeholder="Find pages, items, newest runs, groups, lines, keys"
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
            Nothing found among pages, lines, items by their id, groups and their series, the {mostRuns} newest runs and keys that begin so
          </li>
        )}
      </ul>
    </dialog>
  );
}
