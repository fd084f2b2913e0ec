// The frame of every page: rail, bar, palette, messages, and the page that the path names.

import { signal } from "@preact/signals";
import type { AnyComponent } from "preact";
import { ErrorBoundary, lazy, Route, Router, useLocation } from "preact-iso";
import { useEffect } from "preact/hooks";
import { isLive } from "../data/live.ts";
import { useMe } from "../data/me.ts";
import { clock, theme, type Theme } from "../data/taste.ts";
import { base, to } from "../data/url.ts";
import { Menu } from "../parts/button.tsx";
import { Empty } from "../parts/states.tsx";
import { pages } from "../pages.ts";
import { Page } from "./page.tsx";
import { openPalette, Palette } from "./palette.tsx";
import { isRailOpen, Rail } from "./rail.tsx";
import { Toasts } from "./toasts.tsx";

const routes = pages.map(({ path, load }) => ({ path: `${base}${path === "/" ? "/" : path}`, component: lazy(load) as AnyComponent }));
const failure = signal<unknown>(undefined);

export function Frame() {
  const { path } = useLocation();
  useEffect(() => {
    failure.value = undefined;
    isRailOpen.value = false;
  }, [path]);
  return (
    <>
      <a class="skip" href="#page">
        To the page
      </a>
      <div class="frame">
        <Rail />
        <div>
          <Top />
          {failure.value === undefined ? (
            <ErrorBoundary onError={(error) => (failure.value = error)}>
              <Router onRouteChange={() => window.scrollTo(0, 0)}>
                {routes.map(({ path, component }) => (
                  <Route key={path} path={path} component={component} />
                ))}
                <Route default component={NoPage} />
              </Router>
            </ErrorBoundary>
          ) : (
            <Broken error={failure.value} />
          )}
        </div>
      </div>
      <Palette />
      <Toasts />
    </>
  );
}

function Broken({ error }: { error: unknown }) {
  return (
    <Page title="This page failed">
      <p>{error instanceof Error ? error.message : String(error)}</p>
      <p>
        <button type="button" class="button" onClick={() => location.reload()}>
          Load it again
        </button>
      </p>
    </Page>
  );
}

const NoPage = () => (
  <Page title="No such page">
    <Empty>
      <p>The address names no page of the console.</p>
      <a class="button" href={to("/")}>
        Home
      </a>
    </Empty>
  </Page>
);

const themes: Readonly<Record<Theme, { readonly name: string; readonly next: Theme }>> = {
  auto: { name: "As the system", next: "light" },
  light: { name: "Light", next: "dark" },
  dark: { name: "Dark", next: "auto" },
};

function Top() {
  const { known } = useMe();
  return (
    <div class="top">
      <button
        type="button"
        class="button plain menu-button"
        aria-label="Pages"
        aria-expanded={isRailOpen.value}
        onClick={() => (isRailOpen.value = !isRailOpen.value)}
      >
        ☰
      </button>
      <button type="button" class="search" onClick={() => openPalette()}>
        <span>Find pages, runs, keys ...</span>
        <span class="wide">
          <kbd>Ctrl</kbd> <kbd>K</kbd>
        </span>
      </button>
      <span class="spacer" />
      <span
        class={`live ${isLive.value ? "on" : ""}`}
        title={isLive.value ? "Changes come by themselves" : "Asked again from time to time"}
      >
        <span class="wide">{isLive.value ? "live" : "not live"}</span>
      </span>
      <Menu title={known?.name ?? (known?.via === "local" ? "This machine" : "Account")}>
        <span class="dim" style={{ padding: "0.4rem 0.7rem" }}>
          {known === undefined ? "" : known.roles.join(", ")}
        </span>
        <button type="button" onClick={() => (theme.value = themes[theme.value].next)}>
          Colours: {themes[theme.value].name}
        </button>
        <button type="button" onClick={() => (clock.value = clock.value === "utc" ? "local" : "utc")}>
          Times: {clock.value === "utc" ? "UTC" : "local"}
        </button>
        <a href="/sign-in">{known?.via === "session" ? "Sign out, who I am" : "Sign in"}</a>
        <a href="/">The page without scripts</a>
      </Menu>
    </div>
  );
}
