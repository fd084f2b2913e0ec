// Framing: a box drawn on the original, to crop by or to keep in view. By mouse or pen here; by keys in the two fields above.

import { useEffect, useRef, useState } from "preact/hooks";
import { useFilters } from "../../data/url.ts";
import { Button } from "../../parts/button.tsx";
import { makePicture, prefix, signPath } from "./ask.ts";
import { sayBox, type Box, type Recipe } from "./recipe.ts";

type Aim = "crop" | "focal";

/** The original's size in pixels, as `info` tells it. */
function useSize(recipe: Recipe, signed: boolean): { readonly width: number; readonly height: number } | undefined {
  const [size, setSize] = useState<{ readonly width: number; readonly height: number } | undefined>(undefined);
  const path = `/${recipe.isFirst ? "" : `s3:${recipe.bucket}/`}${recipe.key.split("/").map(encodeURIComponent).join("/")}?info=true`;
  useEffect(() => {
    const gone = new AbortController();
    setSize(undefined);
    const ask = async (): Promise<void> => {
      const { problem = "{}" } = await makePicture(signed ? await signPath(path) : path, gone.signal);
      const told: unknown = JSON.parse(problem);
      if (typeof told === "object" && told !== null && "width" in told && "height" in told)
        setSize({ width: Number(told.width), height: Number(told.height) });
    };
    // Without a size there is nothing to draw on; why there is no picture is told above.
    ask().catch(() => undefined);
    return () => gone.abort();
  }, [path, signed]);
  return size;
}

export function Framing({ original, recipe, signed }: { original: string; recipe: Recipe; signed: boolean }) {
  const filters = useFilters();
  const size = useSize(recipe, signed);
  const [aim, setAim] = useState<Aim>("crop");
  const [drawn, setDrawn] = useState<Box | undefined>(undefined);
  const place = useRef<HTMLDivElement>(null);
  const start = useRef<{ readonly x: number; readonly y: number } | undefined>(undefined);
  if (size === undefined) return null;

  /** Where a pointer is, in pixels of the original. */
  const at = ({ clientX, clientY }: PointerEvent): { readonly x: number; readonly y: number } => {
    const box = place.current?.getBoundingClientRect();
    if (box === undefined) return { x: 0, y: 0 };
    const share = (value: number, of: number): number => Math.max(0, Math.min(1, value / of));
    return {
      x: Math.round(share(clientX - box.left, box.width) * size.width),
      y: Math.round(share(clientY - box.top, box.height) * size.height),
    };
  };
  const boxTo = (event: PointerEvent): Box | undefined => {
    const [from, to] = [start.current, at(event)];
    if (from === undefined || from.x === to.x || from.y === to.y) return undefined;
    return { left: Math.min(from.x, to.x), top: Math.min(from.y, to.y), right: Math.max(from.x, to.x), bottom: Math.max(from.y, to.y) };
  };
  const styleOf = ({ left, top, right, bottom }: Box) => ({
    left: `${(left / size.width) * 100}%`,
    top: `${(top / size.height) * 100}%`,
    width: `${((right - left) / size.width) * 100}%`,
    height: `${((bottom - top) / size.height) * 100}%`,
  });
  const crop = aim === "crop" ? (drawn ?? recipe.crop) : recipe.crop;
  const focal = aim === "focal" ? (drawn ?? recipe.focal) : recipe.focal;
  return (
    <details class="card">
      <summary>
        Draw on the original ({size.width} × {size.height})
      </summary>
      <div class="row">
        {(["crop", "focal"] as const).map((one) => (
          <button key={one} type="button" class="button small" aria-pressed={aim === one} onClick={() => setAim(one)}>
            {one === "crop" ? "Crop to a box" : "Keep a box in view"}
          </button>
        ))}
        <Button small onPress={() => filters.set({ crop: "", focal: "" })}>
          Without boxes
        </Button>
      </div>
      <div class="pictures-stage">
        <div
          class="pictures-crop"
          ref={place}
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            event.preventDefault();
            start.current = at(event);
          }}
          onPointerMove={(event) => start.current !== undefined && setDrawn(boxTo(event))}
          onPointerUp={(event) => {
            const box = boxTo(event);
            start.current = undefined;
            setDrawn(undefined);
            if (box !== undefined) filters.set({ [aim]: sayBox(box) });
          }}
        >
          <img src={`${prefix}${original}`} alt="The original" draggable={false} />
          {crop !== undefined && <i style={styleOf(crop)} />}
          {focal !== undefined && <i class="focal" style={styleOf(focal)} />}
        </div>
      </div>
    </details>
  );
}
