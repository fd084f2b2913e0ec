// The palette (Ctrl-K): pages, and what the typed words find among runs, groups, lines, keys.

import { signal } from "@preact/signals";
import { useLocation } from "preact-iso";
import { useEffect, useRef, useState } from "preact/hooks";
import { client } from "../data/client.ts";
import { useAnswer } from "../data/query.ts";
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
const holds = (text: string, words: string): boolean =>
  words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.toLowerCase().includes(word));

/** What the server knows by these words. A part that refuses (a role, a module that is not open) finds nothing. */
async function find(words: string, modules: readonly string[], signal: AbortSignal): Promise<readonly Found[]> {
  const quiet = async (ask: () => Promise<readonly Found[]>): Promise<readonly Found[]> => {
    try {
      return await ask();
    } catch (error) {
      signal.throwIfAborted();
      void error;
      return [];
    }
  };
  const parts = await Promise.all([
    quiet(async () =>
      (await client.call("GET /api/runs", { query: { limit: 200 }, signal })).runs
        .filter(({ id, title }) => holds(`${title} ${id}`, words))
        .map(({ id, title, state }) => ({ title, kind: `run, ${state}`, href: to(`/runs/${encodeURIComponent(id)}`) })),
    ),
    quiet(async () =>
      (await client.call("GET /objects", { query: { prefix: words, limit: mostEach }, signal })).objects.map(({ key }) => ({
        title: key,
        kind: "object",
        href: to("/objects", { prefix: key }),
      })),
    ),
    modules.includes("forecast")
      ? quiet(async () =>
          (await client.call("GET /api/forecast/groups", { signal })).groups
            .filter(({ name }) => holds(name, words))
            .map(({ name }) => ({ title: name, kind: "forecast group", href: to(`/forecasts/${encodeURIComponent(name)}`) })),
        )
      : [],
    modules.includes("classify")
      ? quiet(async () =>
          (await client.call("GET /api/classify/lines", { signal })).lines
            .filter(({ line }) => holds(line, words))
            .map(({ line }) => ({ title: line, kind: "line", href: to(`/lines/${encodeURIComponent(line)}`) })),
        )
      : [],
  ]);
  return parts.flatMap((part) => part.slice(0, mostEach));
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
  const { value = [] } = useAnswer(["palette", typed, modules], async (signal) => await find(typed, modules, signal), {
    when: typed.length > 1,
  });
  const found: readonly Found[] = [
    ...seen.filter(({ title }) => typed === "" || holds(title, typed)).map(({ title, path }) => ({ title, kind: "page", href: to(path) })),
    ...(typed.length > 1 ? value : []),
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
        aria-label="Find pages, runs, groups, lines, keys"
        placeholder="Find pages, runs, groups, lines, keys"
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
            Nothing found
          </li>
        )}
      </ul>
    </dialog>
  );
}
