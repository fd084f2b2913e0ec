// The rail: every page the caller may see, and how much waits for a person.

import { signal } from "@preact/signals";
import { useLocation } from "preact-iso";
import { useMe } from "../data/me.ts";
import { usePlace } from "../data/place.ts";
import { base, to } from "../data/url.ts";
import { useWaiting } from "../data/waiting.ts";
import { totalText } from "../data/waits.ts";
import { pages, sections, type Page } from "../pages.ts";

export const isRailOpen = signal(false);

/** The pages of the list that the caller sees. */
export function useSeenPages(): readonly (Page & { readonly title: string })[] {
  const me = useMe();
  const { modules } = usePlace();
  return pages.flatMap((page) =>
    page.title !== undefined && me.may(page.needs) && (page.module === undefined || modules.includes(page.module))
      ? [{ ...page, title: page.title }]
      : [],
  );
}

export function Rail() {
  const seen = useSeenPages();
  const { path } = useLocation();
  const { version } = usePlace();
  const here = path.slice(base.length) || "/";
  const nearest = seen
    .filter((page) => here === page.path || (page.path !== "/" && here.startsWith(`${page.path}/`)))
    .toSorted((a, b) => b.path.length - a.path.length)[0];
  const { value: waits = [], error } = useWaiting();
  return (
    <nav class={`rail ${isRailOpen.value ? "open" : ""}`} aria-label="Pages">
      <a class="brand" href={to("/")}>
        <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" /> Stockroom
      </a>
      {sections.map((section) => {
        const of = seen.filter((page) => page.section === section);
        if (of.length === 0) return null;
        return (
          <div key={section}>
            {section !== "Today" && <h2>{section}</h2>}
            {of.map(({ path, title }) => (
              <a key={path} class="place" href={to(path)} {...(path === nearest?.path ? { "aria-current": "page" as const } : {})}>
                {title}
                {path === "/" && waits.length > 0 && (
                  <span class="badge warn" title="What waits for a person">
                    {totalText(waits, 999)}
                  </span>
                )}
                {path === "/" && waits.length === 0 && error !== undefined && (
                  <span class="badge" title="What waits for a person could not be asked">
                    ?
                  </span>
                )}
              </a>
            ))}
          </div>
        );
      })}
      <p class="foot dim">Stockroom {version}</p>
    </nav>
  );
}
