// Saved views of a page: links to its filters under names that a person gave.

import { useLocation } from "preact-iso";
import { useState } from "preact/hooks";
import { base } from "../data/url.ts";
import { keepViews, views, withView } from "../data/views.ts";
import { tell } from "../frame/toasts.tsx";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { TextField } from "./fields.tsx";

export function SavedViews() {
  const { path, url } = useLocation();
  const here = path.slice(base.length) || "/";
  const search = url.includes("?") ? url.slice(url.indexOf("?") + 1) : "";
  const [isNaming, setNaming] = useState(false);
  const [name, setName] = useState("");
  const of = views.value.filter((view) => view.path === here);
  const save = (): void => {
    if (name.trim() === "") return;
    keepViews(withView(views.value, { name: name.trim(), path: here, search }));
    setNaming(false);
    setName("");
  };
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
          <Button
            small
            look="plain"
            label={`Forget the view ${view.name}`}
            onPress={() => {
              const before = views.value;
              keepViews(before.filter((one) => one !== view));
              tell({ kind: "note", text: `Forgot the view ${view.name}.`, undo: async () => await Promise.resolve(keepViews(before)) });
            }}
          >
            ×
          </Button>
        </span>
      ))}
      <Button small look="plain" onPress={() => setNaming(true)}>
        Save this view
      </Button>
      {isNaming && (
        <Dialog title="Save this view" onClose={() => setNaming(false)}>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              save();
            }}
          >
            <TextField
              title="Name"
              value={name}
              onValue={setName}
              autofocus
              required
              hint="Kept in this browser, as a link above the list."
            />
            <div class="ends">
              <Button type="submit" look="first" disabled={name.trim() === ""}>
                Save
              </Button>
            </div>
          </form>
        </Dialog>
      )}
    </nav>
  );
}
