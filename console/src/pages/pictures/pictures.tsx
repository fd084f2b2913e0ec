// Pictures: try one original in every size, shape and format; take its URL, signed, and the snippet for a page with you.

import { useEffect, useState } from "preact/hooks";
import { useAnswer } from "../../data/query.ts";
import { useFilters, type Filters } from "../../data/url.ts";
import { Page } from "../../frame/page.tsx";
import { Button, copyText, CopyAs } from "../../parts/button.tsx";
import { CheckField, SelectField } from "../../parts/fields.tsx";
import { FilterField } from "../../parts/filter-field.tsx";
import { bytesText, grouped, spanText } from "../../parts/show.tsx";
import { Empty, Failed, Note, Shown, Waiting } from "../../parts/states.tsx";
import { listPictures, makePicture, prefix, readCounts, signPath, type Listed, type Made } from "./ask.ts";
import { fits, pathOf, ranges, readBox, readNumber, snippetsOf, type Recipe } from "./recipe.ts";
import { Framing } from "./framing.tsx";
import { Presets } from "./presets.tsx";
import { Strip } from "./strip.tsx";
import "./pictures.css";

const formats = [{ value: "", name: "as the original" }, "jpeg", "webp", "avif", "png"] as const;
const soonMs = 200;

/** As wide as most pages need it, where nobody says. */
const usualWidth = 800;

/** What the URL wants of a picture. */
export function recipeOf(filters: Pick<Filters, "get">, { pictures }: Listed): Recipe | undefined {
  const key = filters.get("key") === "" ? (pictures[0]?.key ?? "") : filters.get("key");
  if (key === "") return undefined;
  const bucket = filters.get("bucket");
  const picture = pictures.find((one) => one.key === key && (bucket === "" || one.bucket === bucket));
  return {
    bucket: picture?.bucket ?? bucket,
    isFirst: picture?.first ?? bucket === "",
    key,
    width: readNumber("w", filters.get("w")) ?? usualWidth,
    height: readNumber("h", filters.get("h")) ?? 0,
    fit: fits.find((fit) => fit === filters.get("fit")) ?? "cover",
    format: formats.flatMap((one) => (typeof one === "string" ? [one] : [])).find((one) => one === filters.get("format")) ?? "",
    quality: readNumber("quality", filters.get("quality")) ?? 0,
    rotate: readNumber("rotate", filters.get("rotate")) ?? 0,
    blur: readNumber("blur", filters.get("blur")) ?? 0,
    grayscale: filters.get("grayscale") === "1",
    crop: readBox(filters.get("crop")),
    focal: readBox(filters.get("focal")),
  };
}

export function Pictures() {
  const filters = useFilters();
  const listed = useAnswer(["pictures"], async (signal) => await listPictures(signal));
  return (
    <Page title="Pictures" about="One original; every size, shape and format of it from its URL.">
      <Shown of={listed}>
        {(found) => {
          if (found === null)
            return (
              <Empty>
                No pictures are served here. Name where originals lie as <code>images.sources</code> in stockroom.yaml, then open Stockroom
                again.
              </Empty>
            );
          const recipe = recipeOf(filters, found);
          return (
            <>
              <Chooser listed={found} filters={filters} />
              {recipe === undefined ? (
                <Empty>Put pictures into the source's folder, or type the key of one.</Empty>
              ) : (
                <>
                  <Controls recipe={recipe} filters={filters} />
                  <Result recipe={recipe} signed={found.signed} />
                </>
              )}
              <Numbers />
            </>
          );
        }}
      </Shown>
    </Page>
  );
}

function Chooser({ listed: { pictures }, filters }: { listed: Listed; filters: Filters }) {
  return (
    <div class="filters">
      <SelectField
        title="Picture"
        value={`${filters.get("bucket")} ${filters.get("key")}`}
        onValue={(value) => {
          const [bucket = "", ...key] = value.split(" ");
          filters.set({ bucket, key: key.join(" "), crop: "", focal: "" });
        }}
        choices={[
          { value: " ", name: "the first one" },
          ...pictures.map(({ bucket, key, shown }) => ({ value: `${bucket} ${key}`, name: `${bucket}: ${shown}` })),
        ]}
      />
      <FilterField title="Or its key" name="key" />
    </div>
  );
}

function Controls({ recipe, filters }: { recipe: Recipe; filters: Filters }) {
  const number = (title: string, name: keyof typeof ranges, more: { readonly placeholder?: string; readonly hint?: string } = {}) => {
    const { from, to, isWhole } = ranges[name];
    const isBad = filters.get(name) !== "" && readNumber(name, filters.get(name)) === undefined;
    const expected = `Expected a ${isWhole ? "whole " : ""}number from ${from} to ${to}`;
    return <FilterField title={title} type="number" name={name} problem={isBad ? expected : undefined} {...more} />;
  };
  return (
    <section class="card" aria-label="What is wanted">
      <div class="pictures-controls">
        {number("Width", "w", { placeholder: String(usualWidth), hint: "0: as the height or the original has it" })}
        {number("Height", "h")}
        <SelectField
          title="Fit"
          value={recipe.fit}
          onValue={(fit) => filters.set({ fit })}
          choices={[
            { value: "cover", name: "cut to size" },
            { value: "inside", name: "whole, inside" },
            { value: "stretch", name: "stretched" },
          ]}
        />
        <SelectField title="Format" value={recipe.format} onValue={(format) => filters.set({ format })} choices={formats} />
        {number("Quality", "quality")}
        {number("Rotate by", "rotate")}
        {number("Blur", "blur")}
        <FilterField
          title="Crop"
          name="crop"
          placeholder="10x20:110x220"
          problem={filters.get("crop") !== "" && recipe.crop === undefined ? "Expected LEFTxTOP:RIGHTxBOTTOM" : undefined}
        />
        <FilterField
          title="Keep in view"
          name="focal"
          placeholder="10x20:110x220"
          problem={filters.get("focal") !== "" && recipe.focal === undefined ? "Expected LEFTxTOP:RIGHTxBOTTOM" : undefined}
        />
        <CheckField title="Grey" checked={recipe.grayscale} onChecked={(is) => filters.set({ grayscale: is ? "1" : "" })} />
      </div>
      <Presets recipe={recipe} onTake={(values) => filters.set(values, "push")} />
    </section>
  );
}

interface Picture {
  readonly path: string;
  readonly made: Made | undefined;
  readonly error: unknown;
}

/** A picture as it is asked for, a moment after the last change. Until it is there the former one stands (`path` says which it is). */
function useMade(path: string): Picture {
  const [state, setState] = useState<Picture>({ path, made: undefined, error: undefined });
  useEffect(() => {
    const gone = new AbortController();
    const timer = setTimeout(() => {
      makePicture(path, gone.signal).then(
        (made) => setState({ path, made, error: undefined }),
        (error: unknown) => gone.signal.aborted || setState({ path, made: undefined, error }),
      );
    }, soonMs);
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [path]);
  useEffect(() => () => state.made?.url !== undefined && URL.revokeObjectURL(state.made.url), [state.made]);
  return state;
}

function Result({ recipe, signed }: { recipe: Recipe; signed: boolean }) {
  const plain = pathOf(recipe);
  const original = pathOf({
    ...recipe,
    width: 1_200,
    height: 0,
    fit: "inside",
    format: "",
    quality: 0,
    rotate: 0,
    blur: 0,
    grayscale: false,
    crop: undefined,
    focal: undefined,
  });
  const paths = useAnswer(
    ["signed", plain, original, signed],
    async () => (signed ? { shown: await signPath(plain), original: await signPath(original) } : { shown: plain, original }),
    { keep: true },
  );
  return (
    <Shown of={paths}>
      {({ shown, original }) => (
        <>
          <section class="card" aria-label="Its URL">
            <div class="row apart">
              <a class="mono wrap grow" href={`${prefix}${shown}`}>
                {prefix}
                {shown}
              </a>
              <span class="row">
                <Button small onPress={() => void copyText(`${location.origin}${prefix}${shown}`, "the URL")}>
                  Copy the URL
                </Button>
                <CopyAs said={{ method: "GET", path: `${prefix}${shown}`, command: ["images", "explain", shown] }} />
              </span>
            </div>
          </section>
          <Compared shown={shown} original={original} />
          <Framing original={original} recipe={recipe} signed={signed} />
          <Strip recipe={recipe} signed={signed} />
          <Snippets recipe={recipe} signed={signed} />
        </>
      )}
    </Shown>
  );
}

/** The original and the result over each other, with an edge that is moved. */
function Compared({ shown, original }: { shown: string; original: string }) {
  const { path, made, error } = useMade(shown);
  const before = useMade(original);
  const [edge, setEdge] = useState(50);
  if (error !== undefined) return <Failed error={error} />;
  if (made === undefined) return <Waiting lines={6} />;
  if (made.url === undefined) return <WhyNot made={made} />;
  return (
    <section class="card" aria-label="The result" aria-busy={path !== shown}>
      {path !== shown && <div class="asking" role="progressbar" aria-label="Making the picture" />}
      <p role="status">
        {bytesText(made.bytes)}, {made.type}, {spanText(made.ms)}
        {made.cache !== "" && <span class="dim"> · {made.cache}</span>}
      </p>
      <div class="pictures-stage">
        <div class="pictures-pair">
          <img src={made.url} alt="The picture this URL makes" />
          {before.made?.url !== undefined && (
            <img src={before.made.url} alt="The original" style={{ clipPath: `inset(0 ${100 - edge}% 0 0)` }} />
          )}
        </div>
        <span class="pictures-edge" style={{ left: `${edge}%` }} />
      </div>
      <label class="field">
        <span>Original on the left, result on the right</span>
        <input type="range" min="0" max="100" value={edge} onInput={(event) => setEdge(Number(event.currentTarget.value))} />
      </label>
    </section>
  );
}

/** Why there is no picture, in the server's own words. */
function WhyNot({ made: { status, problem = "" } }: { made: Made }) {
  return (
    <Note kind="bad">
      <p>
        No picture: the answer is <b>{status}</b>.
      </p>
      <pre>{problem}</pre>
      {status === 404 && (
        <p>
          Is the key in the source's folder or bucket, letter for letter? Did a rewrite pattern change it? The line above says which key was
          looked for.
        </p>
      )}
    </Note>
  );
}

function Snippets({ recipe, signed }: { recipe: Recipe; signed: boolean }) {
  const snippets = snippetsOf(recipe, (path) => `${location.origin}${prefix}${path}`);
  return (
    <section class="card">
      <h2>For your pages</h2>
      {signed && (
        <Note kind="warn">
          URLs are signed here: sign each of these on your server (`stockroom images url` does it), or they are refused.
        </Note>
      )}
      {snippets.map(({ name, text }) => (
        <details key={name}>
          <summary>{name}</summary>
          <pre>{text}</pre>
          <Button small onPress={() => void copyText(text, name)}>
            Copy
          </Button>
        </details>
      ))}
    </section>
  );
}

function Numbers() {
  const counts = useAnswer(["picture numbers"], async (signal) => await readCounts(signal), { everyMs: 10_000 });
  return (
    <section class="card">
      <h2>Cache and errors</h2>
      <Shown of={counts} lines={3}>
        {(rows) => {
          const some = rows.filter(([, value]) => value !== 0);
          if (some.length === 0) return <Empty>Nothing was asked for since the start.</Empty>;
          return (
            <dl class="facts">
              {some.flatMap(([name, value]) => [<dt key={`${name} name`}>{name}</dt>, <dd key={name}>{grouped(value, 2)}</dd>])}
            </dl>
          );
        }}
      </Shown>
    </section>
  );
}
