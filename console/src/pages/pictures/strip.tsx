// The strip: the same picture in each format and quality, with what it weighs and how long it took.

import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../../parts/button.tsx";
import { bytesText, percent, spanText } from "../../parts/show.tsx";
import { Failed, Waiting } from "../../parts/states.tsx";
import { makePicture, signPath, type Made } from "./ask.ts";
import { pathOf, type Recipe } from "./recipe.ts";

const tried = (["jpeg", "webp", "avif"] as const).flatMap((format) => [50, 70, 85].map((quality) => ({ format, quality })));

interface Try {
  readonly name: string;
  readonly made: Made;
}

/** Gives the addresses of pictures back that nobody shows any more. */
const giveBack = (tries: readonly Try[]): void => {
  for (const { made } of tries) if (made.url !== undefined) URL.revokeObjectURL(made.url);
};

export function Strip({ recipe, signed }: { recipe: Recipe; signed: boolean }) {
  const [tries, setTries] = useState<readonly Try[] | undefined>(undefined);
  const [error, setError] = useState<unknown>(undefined);
  const trying = useRef<AbortController | undefined>(undefined);
  const [isTrying, setTrying] = useState(false);
  const path = pathOf(recipe);
  // What was compared is of the former picture: nothing of it is shown for this one.
  useEffect(() => {
    setTries(undefined);
    setError(undefined);
    setTrying(false);
    return () => trying.current?.abort();
  }, [path]);
  useEffect(() => () => giveBack(tries ?? []), [tries]);
  const compare = async (): Promise<void> => {
    const own = new AbortController();
    trying.current = own;
    setTrying(true);
    setError(undefined);
    const made: Try[] = [];
    try {
      // One after the other, so that the times are of one picture each.
      for (const { format, quality } of tried) {
        const plain = pathOf({ ...recipe, format, quality });
        made.push({ name: `${format} ${quality}`, made: await makePicture(signed ? await signPath(plain) : plain, own.signal) });
      }
      setTries(made);
      setTrying(false);
    } catch (caught) {
      giveBack(made);
      if (own.signal.aborted) return;
      setError(caught);
      setTrying(false);
    }
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
      {error !== undefined && <Failed error={error} again={() => void compare()} />}
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
