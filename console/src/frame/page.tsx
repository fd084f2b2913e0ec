// What every page of the console is in.

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";

/** What every page is in: its title (also the window's), a line about it, buttons at its end. */
export function Page({
  title,
  about,
  acts,
  children,
}: {
  title: string;
  about?: ComponentChildren;
  acts?: ComponentChildren;
  children: ComponentChildren;
}) {
  useEffect(() => {
    document.title = `${title} · Stockroom`;
  }, [title]);
  return (
    <main class="page" id="page" tabIndex={-1}>
      <header>
        <div class="grow">
          <h1>{title}</h1>
          {about !== undefined && <p>{about}</p>}
        </div>
        {acts !== undefined && <div class="row">{acts}</div>}
      </header>
      {children}
    </main>
  );
}
