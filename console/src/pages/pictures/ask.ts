// Asking for pictures as a site does, and for what the server lists and signs for its own people.

export const prefix = "/images";

export interface Picture {
  readonly bucket: string;
  readonly key: string;
  /** The key as it may be shown. */
  readonly shown: string;
  /** Of the first bucket. */
  readonly first: boolean;
}

export interface Listed {
  readonly pictures: readonly Picture[];
  /** Whether URLs need a signature. */
  readonly signed: boolean;
}

async function askJson<Value>(path: string, signal?: AbortSignal): Promise<Value> {
  return await readJson<Value>(await fetch(`${prefix}${path}`, signal === undefined ? {} : { signal }), path);
}

async function readJson<Value>(answer: Response, path: string): Promise<Value> {
  if (!answer.ok)
    throw new Error(`Expected the picture server to answer ${path} but it said ${answer.status}. Are sources set (images.sources)?`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as src/images/http/playground.ts answers
  return (await answer.json()) as Value;
}

/** Null where no pictures are served: without sources there is no picture server. */
export async function listPictures(signal: AbortSignal): Promise<Listed | null> {
  const path = "/playground/pictures";
  const answer = await fetch(`${prefix}${path}`, { signal });
  return answer.status === 404 ? null : await readJson<Listed>(answer, path);
}

export async function signPath(path: string): Promise<string> {
  const { target } = await askJson<{ readonly target: string }>(`/playground/sign?${new URLSearchParams({ target: path }).toString()}`);
  return target;
}

export interface Made {
  readonly status: number;
  readonly type: string;
  readonly bytes: number;
  readonly ms: number;
  readonly cache: string;
  /** Of an answer that is a picture: an address of this page. */
  readonly url?: string;
  /** Of one that is none: what the server says. */
  readonly problem?: string;
}

export async function makePicture(path: string, signal?: AbortSignal): Promise<Made> {
  const start = performance.now();
  const answer = await fetch(`${prefix}${path}`, { cache: "no-cache", ...(signal === undefined ? {} : { signal }) });
  const blob = await answer.blob();
  // An address that nobody waits for any more would never be given back.
  signal?.throwIfAborted();
  const made = {
    status: answer.status,
    type: answer.headers.get("content-type") ?? "",
    bytes: blob.size,
    ms: performance.now() - start,
    cache: answer.headers.get("cache-status") ?? "",
  };
  return answer.ok && made.type.startsWith("image/")
    ? { ...made, url: URL.createObjectURL(blob) }
    : { ...made, problem: await blob.text() };
}

/** Numbers of the picture server by name and label, from the page that Prometheus reads. */
export async function readCounts(signal: AbortSignal): Promise<readonly (readonly [name: string, value: number])[]> {
  const answer = await fetch("/metrics", { signal });
  if (!answer.ok) throw new Error(`Expected the numbers at /metrics but the answer was ${answer.status}.`);
  return [...(await answer.text()).matchAll(/^stockroom_images_(\w+)(?:\{([^}]*)\})? ([\d.e+-]+)$/gm)].map(
    ([, name = "", labels = "", value = ""]) => {
      const words = [...labels.matchAll(/"([^"]*)"/g)].map(([, text = ""]) => text);
      return [[name.replaceAll("_", " ").replace(/ total$/, ""), ...words].join(", "), Number(value)] as const;
    },
  );
}
