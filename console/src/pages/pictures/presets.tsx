// Presets: what is wanted of pictures again and again, kept in this browser by name.

import { useState } from "preact/hooks";
import { hasTexts, openKept } from "../../data/kept.ts";
import { Button } from "../../parts/button.tsx";
import { TextField } from "../../parts/fields.tsx";
import { Forget } from "../../parts/kept.tsx";
import type { Recipe } from "./recipe.ts";

type Values = Readonly<Record<string, string>>;

interface Preset {
  readonly name: string;
  readonly values: Values;
}

const presets = openKept<Preset>(
  "pictures.presets",
  (value): value is Preset =>
    hasTexts(value, ["name"]) &&
    "values" in value &&
    typeof value.values === "object" &&
    hasTexts(value.values, Object.keys(value.values ?? {})),
);

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
        presets.keep({ name: name.trim(), values: valuesOf(recipe) });
        setName("");
      }}
    >
      {presets.all.value.map((preset) => (
        <span key={preset.name} class="row">
          <Button small onPress={() => onTake(preset.values)}>
            {preset.name}
          </Button>
          <Forget from={presets} thing={preset} what="preset" />
        </span>
      ))}
      <TextField title="Save as a preset" value={name} onValue={setName} placeholder="thumbnail" />
      <Button type="submit" disabled={name.trim() === ""}>
        Save
      </Button>
    </form>
  );
}
