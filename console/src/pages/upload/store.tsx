// What the file is, where it is put, what starts by that; and the button that does it.

import { useState } from "preact/hooks";
import { useAct } from "../../data/act.ts";
import { useAsk } from "../../data/query.ts";
import { to, useFilters } from "../../data/url.ts";
import { Button, CopyAs } from "../../parts/button.tsx";
import { SelectField, TextField } from "../../parts/fields.tsx";
import { bytesText, When } from "../../parts/show.tsx";
import { Note } from "../../parts/states.tsx";
import { keyOf, kinds, type Place } from "./place.ts";

export interface StoreProps {
  readonly file: File;
  readonly place: Place;
  readonly onPlace: (place: Place) => void;
  readonly modules: readonly string[];
  /** What a person changed of the columns, as a block of settings, to be kept for the files of this place. */
  readonly mapping?: { readonly of: "forecast" | "classify"; readonly intake: Readonly<Record<string, unknown>> };
  /** What is wanting before it can be read. */
  readonly wants?: readonly string[];
}

export function Store({ file, place, onPlace, modules, mapping, wants = [] }: StoreProps) {
  const filters = useFilters();
  const [isWorking, setWorking] = useState(false);
  const put = useAct("PUT /objects/*");
  const done = "How its columns are read is kept for the next file.";
  const keep = useAct("PUT /api/forecast/mappings", { done });
  const keepLabelled = useAct("PUT /api/classify/mappings", { done });
  const found = keyOf(place, file.name);
  const key = "key" in found ? found.key : undefined;
  const missing = "missing" in found ? [found.missing, ...wants] : wants;
  const store = async (): Promise<void> => {
    if (key === undefined) return;
    setWorking(true);
    const stored = await put.run({
      params: { "*": key },
      body: file,
      contentType: file.type === "" ? "application/octet-stream" : file.type,
    });
    if (stored !== undefined && mapping !== undefined) {
      const { of, intake } = mapping;
      // At once: a forecast waits a moment for further files before it reads them. A labelled file that was looked into meanwhile is looked into again.
      if (of === "forecast") await keep.run({ body: { group: place.group, kind: "target", intake } });
      else await keepLabelled.run({ body: { file: key, intake } });
    }
    setWorking(false);
    if (stored !== undefined) filters.set({ key, version: stored.version }, "push");
  };
  return (
    <section class="card" aria-label="What will start">
      <h2>What it is, and what will start</h2>
      <div class="filters">
        <SelectField
          title="The file is"
          value={place.kind}
          onValue={(kind) => onPlace({ ...place, kind: kinds.find(({ value }) => value === kind)?.value ?? "other" })}
          choices={kinds.filter(({ module }) => module === undefined || modules.includes(module))}
        />
        <PlaceFields place={place} onPlace={onPlace} />
      </div>
      {key !== undefined && (
        <Starts name={key} group={place.kind === "target" ? place.group : undefined} isMapped={mapping !== undefined} />
      )}
      {missing.map((text) => (
        <Note key={text} kind="warn">
          {text}
        </Note>
      ))}
      <div class="row">
        <Button look="first" busy={isWorking} disabled={missing.length > 0} onPress={() => void store()}>
          {isWorking ? `Storing ${bytesText(file.size)} ...` : "Store it and start"}
        </Button>
        {key !== undefined && <CopyAs said={{ method: "PUT", path: `/objects/${key}`, command: ["put", file.name, key] }} small={false} />}
      </div>
    </section>
  );
}

function PlaceFields({ place, onPlace }: Pick<StoreProps, "place" | "onPlace">) {
  const { kind, group, country, period, key } = place;
  if (kind === "other") return <TextField title="Key" value={key} onValue={(key) => onPlace({ ...place, key })} />;
  if (kind === "labelled" || kind === "sales")
    return (
      <>
        {kind === "sales" && <TextField title="Month" type="month" value={period} onValue={(period) => onPlace({ ...place, period })} />}
        <TextField
          title="Country"
          value={country}
          placeholder="GBR"
          onValue={(country) => onPlace({ ...place, country: country.toUpperCase() })}
          {...(kind === "labelled" ? { hint: "Empty: the rows say it." } : {})}
        />
      </>
    );
  return (
    <TextField
      title="Group"
      value={group}
      onValue={(group) => onPlace({ ...place, group })}
      hint="Files of one group are forecast together."
    />
  );
}

/** Said before anything is stored: under which key, which runs that starts, what lies there already, how its like is read. */
function Starts({ name, group, isMapped }: { name: string; group: string | undefined; isMapped: boolean }) {
  const subscriptions = useAsk("GET /api/subscriptions");
  const versions = useAsk("GET /api/object-versions", { query: { key: name } }, { live: ["events"] });
  const mappings = useAsk("GET /api/forecast/mappings", { query: { group: group ?? "" } }, { when: group !== undefined });
  const told = (subscriptions.value?.subscriptions ?? []).filter(({ kind, prefix }) => kind === "object.stored" && name.startsWith(prefix));
  const [before] = versions.value?.objects ?? [];
  const kept = group === undefined ? undefined : mappings.value?.mappings.find(({ kind }) => kind === "target");
  return (
    <div class="upload-starts">
      <p>
        It is stored as <code class="wrap">{name}</code>
        {before === undefined ? (
          ", a new object."
        ) : (
          <>
            , a new version of what was put <When at={before.storedAt} />
          </>
        )}
        {before !== undefined && "."}
      </p>
      {subscriptions.value !== undefined &&
        (told.length === 0 ? (
          <p>Nothing waits for such a key: it is kept, and nothing starts.</p>
        ) : (
          <p>
            That starts{" "}
            {told.map(({ name, workflow }, at) => (
              <span key={name}>
                {at > 0 && ", "}
                <a href={to("/runs", { workflow })}>{workflow}</a>
              </span>
            ))}
            .
          </p>
        ))}
      {told.some(({ served }) => !served) && <Note kind="warn">No process serves this at present: it starts once one does.</Note>}
      {isMapped && <p>Its columns are read as chosen below, and so is the next file of this place.</p>}
      {!isMapped && kept !== undefined && (
        <p>
          Files of this place are read as it was kept <When at={kept.keptAt} />; a change below takes its place.
        </p>
      )}
    </div>
  );
}
