// The strip: the same picture in each format and quality, with what it weighs and how long it took.

import { useEffect, useState } from "preact/hooks";
import { Button } from "../../parts/button.tsx";
import { bytesText, percent, spanText } from "../../parts/show.tsx";
import { Waiting } from "../../parts/states.tsx";
import { makePicture, signPath, type Made } from "./ask.ts";
import { pathOf, type Recipe } from "./recipe.ts";

const tried = (["jpeg", "webp", "avif"] as const).flatMap((format) => [50, 70, 85].map((quality) => ({ format, quality })));

interface Try {
  readonly name: string;
  readonly made: Made;
}

export function Strip({ recipe, signed }: { recipe: Recipe; signed: boolean }) {
  const [tries, setTries] = useState<readonly Try[] | undefined>(undefined);
  const [isTrying, setTrying] = useState(false);
  const path = pathOf(recipe);
  useEffect(() => setTries(undefined), [path]);
  useEffect(() => () => tries?.forEach(({ made: { url } }) => url !== undefined && URL.revokeObjectURL(url)), [tries]);
  const compare = async (): Promise<void> => {
    setTrying(true);
    const made: Try[] = [];
    // One after the other, so that the times are of one picture each.
    for (const { format, quality } of tried) {
      const plain = pathOf({ ...recipe, format, quality });
      made.push({ name: `${format} ${quality}`, made: await makePicture(signed ? await signPath(plain) : plain) });
    }
    setTries(made);
    setTrying(false);
  };
  const largest = Math.max(1, ...(tries ?? []).map(({ made }) => made.bytes));
  return (
    <section class="card">
      <header>
        <h2>Formats and qualities</h2>
        <Button busy={isTrying} onPress={() => void compare()}>
          Compare
        </Button>
      </header>
      {isTrying && <Waiting what="Making pictures" />}
      {tries !== undefined && (
        <div class="pictures-strip">
          {tries.map(({ name, made: { url, bytes, ms, status } }) => (
            <figure key={name}>
              {url === undefined ? <p class="bad">{status}</p> : <img src={url} alt={`As ${name}`} />}
              <figcaption>
                <b>{name}</b>
                <div>
                  {bytesText(bytes)} <span class="dim">{percent(bytes / largest, { digits: 0 })}</span>
                </div>
                <div class="dim">{spanText(ms)}</div>
              </figcaption>
            </figure>
          ))}
        </div>
      )}
    </section>
  );
}
