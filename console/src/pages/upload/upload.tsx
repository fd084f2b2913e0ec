// Drop a file: what it holds, what it is taken for and what will start by it, all told before anything is stored; then followed to its result.

import { useState } from "preact/hooks";
import { client } from "../../data/client.ts";
import { usePlace } from "../../data/place.ts";
import { useAnswer } from "../../data/query.ts";
import { useFilters } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { DropZone } from "../../parts/drop-zone.tsx";
import { SelectField } from "../../parts/fields.tsx";
import { bytesText, Facts } from "../../parts/show.tsx";
import { Note, Shown } from "../../parts/states.tsx";
import { dropped } from "./dropped.ts";
import { Follow } from "./follow.tsx";
import { catalogueIn, fileOf, forecastIn, type Look } from "./look.ts";
import { CatalogueColumns, dateStylesOf, ForecastColumns, Questions, Sheet } from "./columns.tsx";
import {
  blockOf,
  catalogueBlockOf,
  catalogueWantsOf,
  isChanged,
  namesSchemes,
  usesOf,
  wantsOf,
  type Learned,
  type Uses,
} from "./mapping.ts";
import { likelyKind, placeOf, type Place } from "./place.ts";
import { Store } from "./store.tsx";
import "./upload.css";

/** As much as the server looks at. */
const mostLooked = 32 << 20;

export function Upload() {
  const filters = useFilters();
  const file = dropped.value;
  const [key, version] = [filters.get("key"), filters.get("version")];
  const take = (next: File): void => {
    dropped.value = next;
    filters.set({ key: "", version: "" });
  };
  return (
    <Page title="Drop a file" about="What it holds and what will start is shown first. Nothing is stored until you say so.">
      <DropZone title={file === undefined ? "Drop a file here, or choose one" : "Another file"} onFile={take}>
        <span class="dim">CSV, Excel, Parquet, JSON lines, also packed; with columns of any name.</span>
      </DropZone>
      {key !== "" && version !== "" ? (
        <Follow key={version} name={key} version={version} />
      ) : (
        file !== undefined && <Looked key={`${file.name} ${file.size} ${file.lastModified}`} file={file} />
      )}
    </Page>
  );
}

const decimals = [
  { value: "", name: "as found" },
  { value: ".", name: "1,234.56" },
  { value: ",", name: "1.234,56" },
] as const;
const encodings = [{ value: "", name: "as found" }, "utf-8", "windows-1252", "iso-8859-15", "utf-16le"] as const;

function Looked({ file }: { file: File }) {
  const filters = useFilters();
  const encoding = filters.get("encoding");
  const decimal = ([".", ","] as const).find((sign) => sign === filters.get("decimal"));
  const isPart = file.size > mostLooked;
  const look = useAnswer(
    ["look", file.name, file.size, file.lastModified, encoding, decimal],
    async (signal) =>
      await client.call("POST /api/look", {
        query: { name: file.name, ...(encoding === "" ? {} : { encoding }), ...(decimal === undefined ? {} : { decimal }) },
        body: isPart ? file.slice(0, mostLooked) : file,
        contentType: "application/octet-stream",
        signal,
      }),
    { once: true },
  );
  return (
    <>
      {isPart && (
        <Note kind="warn">
          <p>
            The file has {bytesText(file.size)}. Only its first {bytesText(mostLooked)} were looked at; counts and ranges are of those. All
            of it is stored.
          </p>
        </Note>
      )}
      <div class="filters">
        <SelectField title="Encoding" value={encoding} onValue={(encoding) => filters.set({ encoding })} choices={encodings} />
        <SelectField title="Numbers are written" value={decimal ?? ""} onValue={(decimal) => filters.set({ decimal })} choices={decimals} />
      </div>
      <Shown of={look} lines={8}>
        {(look) => <Plan key={`${encoding} ${decimal ?? ""}`} file={file} look={look} />}
      </Shown>
      {look.value === undefined && look.error !== undefined && <Unread file={file} />}
    </>
  );
}

const separators: Readonly<Record<string, string>> = { ",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars" };

/** A file that is no table can be stored all the same. */
function Unread({ file }: { file: File }) {
  const [place, setPlace] = useState<Place>(placeOf(file.name, "other"));
  const { modules } = usePlace();
  return <Store file={file} place={place} onPlace={setPlace} modules={modules} />;
}

function Plan({ file, look }: { file: File; look: Look }) {
  const { modules } = usePlace();
  const found = fileOf(look);
  const forecast = forecastIn(look);
  const catalogue = catalogueIn(look);
  const [place, setPlace] = useState<Place>(placeOf(file.name, likelyKind(forecast, catalogue)));
  const [uses, setUses] = useState<Uses>(usesOf(forecast?.uses ?? []));
  const isForecast = place.kind === "target" && forecast !== undefined;
  const isLearned = place.kind === "labelled" && catalogue !== undefined;
  const isMapped = isForecast && forecast.isLong && isChanged(uses, forecast.uses);
  const [learned, setLearned] = useState<Learned>({ uses: usesOf(catalogue?.uses ?? []), scheme: "" });
  const isFree = isLearned && !namesSchemes(found.columns);
  const isRelearned = isFree && (learned.scheme !== "" || isChanged(learned.uses, catalogue.uses));
  const dates = found.columns.flatMap(({ name, dateStyle }) => (dateStyle === undefined ? [] : [`${name} (${dateStyle})`]));
  const signs = [...new Set(found.columns.flatMap(({ decimal }) => decimal ?? []))];
  return (
    <>
      <section class="card">
        <h2 class="wrap">{file.name}</h2>
        <Facts
          of={[
            ["Format", found.format.toUpperCase()],
            ["Separator", found.separator === undefined ? "" : (separators[found.separator] ?? found.separator)],
            ["Encoding", found.encoding ?? ""],
            ["Decimals", signs.map((sign) => (sign === "," ? "comma" : "point")).join(" and ")],
            ["Dates", dates.join(", ")],
            ["Size", `${bytesText(file.size)}, ${found.rows} rows, ${found.columns.length} columns`],
          ]}
        />
        <ul>
          {look.lines.slice(1).map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
        <Sheet columns={found.columns.map(({ name }) => name)} rows={look.first} />
      </section>
      <Store
        file={file}
        place={place}
        onPlace={setPlace}
        modules={modules}
        {...(isMapped ? { mapping: { of: "forecast", intake: { ...blockOf(uses, forecast, dateStylesOf(found.columns)) } } } : {})}
        {...(isRelearned ? { mapping: { of: "classify", intake: catalogueBlockOf(learned.uses, catalogue, learned.scheme) } } : {})}
        {...(isForecast ? { wants: forecast.isLong ? wantsOf(uses) : [] } : {})}
        {...(isFree ? { wants: catalogueWantsOf(learned.uses) } : {})}
      />
      {isForecast && (
        <>
          {!isMapped && <Questions of={forecast.questions} />}
          <ForecastColumns file={file.name} proposal={forecast} uses={uses} onUses={setUses} columns={found.columns} />
        </>
      )}
      {isLearned && (
        <>
          {!isRelearned && <Questions of={catalogue.questions} />}
          <CatalogueColumns
            file={file.name}
            proposal={catalogue}
            columns={found.columns}
            learned={learned}
            {...(isFree ? { onLearned: setLearned } : {})}
          />
        </>
      )}
    </>
  );
}
