// Saved views of a page: its filters under names that a person gave. A view is a link like any other.

import { useLocation } from "preact-iso";
import { useState } from "preact/hooks";
import { hasTexts, openKept } from "../data/kept.ts";
import { base } from "../data/url.ts";
import { Button } from "./button.tsx";
import { Forget, Naming } from "./kept.tsx";

interface View {
  readonly name: string;
  /** The page's path below /console, and its filters as they stand in the address, without the question mark. */
  readonly path: string;
  readonly search: string;
}

const views = openKept<View>(
  "views",
  (value) => hasTexts(value, ["name", "path", "search"]),
  (one, other) => one.name === other.name && one.path === other.path,
);

export function SavedViews() {
  const { path, url } = useLocation();
  const here = path.slice(base.length) || "/";
  const search = url.includes("?") ? url.slice(url.indexOf("?") + 1) : "";
  const [isNaming, setNaming] = useState(false);
  const of = views.all.value.filter((view) => view.path === here);
  return (
    <nav class="row" aria-label="Saved views">
      {of.map((view) => (
        <span key={view.name} class="row" style={{ gap: "0.1rem" }}>
          <a
            class="button small"
            href={`${base}${view.path}${view.search === "" ? "" : `?${view.search}`}`}
            {...(view.search === search ? { "aria-current": "page" as const } : {})}
          >
            {view.name}
          </a>
          <Forget from={views} thing={view} what="view" />
        </span>
      ))}
      <Button small look="plain" onPress={() => setNaming(true)}>
        Save this view
      </Button>
      {isNaming && (
        <Naming
          title="Save this view"
          hint="Kept in this browser, as a link above the list."
          onName={(name) => views.keep({ name, path: here, search })}
          onClose={() => setNaming(false)}
        />
      )}
    </nav>
  );
}
