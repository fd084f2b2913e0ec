// Presets: what is wanted of pictures again and again, kept in this browser by name.

import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { Button } from "../../parts/button.tsx";
import { TextField } from "../../parts/fields.tsx";
import type { Recipe } from "./recipe.ts";

type Values = Readonly<Record<string, string>>;

const key = "stockroom.pictures.presets";

function read(): Readonly<Record<string, Values>> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(key) ?? "{}");
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `keep` below; every value is read as text
    return typeof found === "object" && found !== null ? (found as Record<string, Values>) : {};
  } catch {
    return {};
  }
}

const presets = signal(read());

function keep(next: Readonly<Record<string, Values>>): void {
  presets.value = next;
  localStorage.setItem(key, JSON.stringify(next));
}

/** What of a recipe holds for any picture. */
const valuesOf = ({ width, height, fit, format, quality, rotate, blur, grayscale }: Recipe): Values => ({
  w: String(width),
  h: height === 0 ? "" : String(height),
  fit: fit === "cover" ? "" : fit,
  format,
  quality: quality === 0 ? "" : String(quality),
  rotate: rotate === 0 ? "" : String(rotate),
  blur: blur === 0 ? "" : String(blur),
  grayscale: grayscale ? "1" : "",
});

export function Presets({ recipe, onTake }: { recipe: Recipe; onTake: (values: Values) => void }) {
  const [name, setName] = useState("");
  return (
    <form
      class="filters"
      onSubmit={(event) => {
        event.preventDefault();
        keep({ ...presets.value, [name.trim()]: valuesOf(recipe) });
        setName("");
      }}
    >
      {Object.entries(presets.value).map(([name, values]) => (
        <span key={name} class="row">
          <Button small onPress={() => onTake(values)}>
            {name}
          </Button>
          <Button
            small
            look="plain"
            label={`Forget ${name}`}
            onPress={() => keep(Object.fromEntries(Object.entries(presets.value).filter(([other]) => other !== name)))}
          >
            ×
          </Button>
        </span>
      ))}
      <TextField title="Save as a preset" value={name} onValue={setName} placeholder="thumbnail" />
      <Button type="submit" disabled={name.trim() === ""}>
        Save
      </Button>
    </form>
  );
}
