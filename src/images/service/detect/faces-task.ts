// The task that finds faces: one picture in, boxes out, in a thread of the pool.
//
// Owns: loading the network of @vladmandic/face-api (MIT) from its package, with no download. Does not own: the thread, remembering answers.
//   A. The network runs in plain JavaScript: a few hundred milliseconds of one core a picture, which is why it runs in a thread and once an original.
//   B. The package's browser bundle is used because its Node builds want native TensorFlow. It takes a thread for the browser's kind
//      of worker when that global is there, and then needs nothing but what every thread has.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { runInThisContext } from "node:vm";
import sharp from "sharp";
import type { TaskTools } from "../../../platform/compute/index.ts";
import { StockroomError } from "../../../platform/errors.ts";
import type { Face } from "../../engine/pictures/tools.ts";

export interface FacesInput {
  readonly jpeg: Uint8Array;
  /** Boxes less certain than this are left out, 0..1. */
  readonly minConfidence: number;
}

/** The network's side in pixels; a multiple of 32. At 416 faces from about 5 % of the picture's side are found. */
const side = 416;

interface Tensor {
  dispose(): void;
}

/** What is used of the package. */
interface FaceApi {
  readonly tf: {
    enableProdMode(): void;
    setBackend(name: string): Promise<boolean>;
    ready(): Promise<void>;
    tensor3d(values: Int32Array, shape: readonly number[], type: "int32"): Tensor;
    readonly io: { decodeWeights(bytes: ArrayBuffer, specs: readonly unknown[]): Record<string, unknown> };
  };
  readonly nets: { readonly tinyFaceDetector: { loadFromWeightMap(weights: Record<string, unknown>): unknown } };
  readonly TinyFaceDetectorOptions: new (options: { inputSize: number; scoreThreshold: number }) => object;
  detectAllFaces(
    picture: Tensor,
    options: object,
  ): PromiseLike<
    readonly {
      readonly score: number;
      readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
    }[]
  >;
}

/** The folder of the optional package, or undefined when it is not installed. */
export function faceApiFolder(): string | undefined {
  try {
    const folder = path.dirname(createRequire(import.meta.url).resolve("@vladmandic/face-api/package.json"));
    return existsSync(path.join(folder, "model/tiny_face_detector_model.bin")) ? folder : undefined;
  } catch {
    return undefined;
  }
}

let loading: Promise<FaceApi> | undefined;

async function load(): Promise<FaceApi> {
  const folder = faceApiFolder();
  if (folder === undefined) {
    throw new StockroomError(
      "missing",
      "FACES_NOT_INSTALLED",
      "Expected the optional package @vladmandic/face-api. Install it, or name another detector.",
    );
  }
  // See B.
  Object.assign(globalThis, { WorkerGlobalScope: Object });
  const file = path.join(folder, "dist/face-api.js");
  runInThisContext(`${readFileSync(file, "utf8")}\n;globalThis.stockroomFaceApi = faceapi;`, { filename: file });
  const api = (globalThis as unknown as { stockroomFaceApi: FaceApi }).stockroomFaceApi;
  api.tf.enableProdMode();
  await api.tf.setBackend("cpu");
  await api.tf.ready();
  const manifest = JSON.parse(readFileSync(path.join(folder, "model/tiny_face_detector_model-weights_manifest.json"), "utf8")) as readonly {
    readonly weights: readonly unknown[];
  }[];
  const weights = readFileSync(path.join(folder, "model/tiny_face_detector_model.bin"));
  const bytes = weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength);
  api.nets.tinyFaceDetector.loadFromWeightMap(
    api.tf.io.decodeWeights(
      bytes,
      manifest.flatMap((part) => part.weights),
    ),
  );
  return api;
}

/** Finds the faces of a picture, as fractions of it, the most certain first. */
export async function run({ jpeg, minConfidence }: FacesInput, tools: TaskTools): Promise<readonly Face[]> {
  loading ??= load();
  const api = await loading;
  tools.signal.throwIfAborted();
  sharp.concurrency(1);
  const small = await sharp(jpeg)
    .resize({ width: side, height: side, fit: "inside" })
    .flatten({ background: "black" })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = small.info;
  // The network wants a square: the picture stands in its upper left corner.
  const square = new Int32Array(side * side * 3);
  for (let y = 0; y < height; y++) square.set(small.data.subarray(y * width * 3, (y + 1) * width * 3), y * side * 3);
  const tensor = api.tf.tensor3d(square, [side, side, 3], "int32");
  try {
    const found = await api.detectAllFaces(tensor, new api.TinyFaceDetectorOptions({ inputSize: side, scoreThreshold: minConfidence }));
    return found
      .map(({ score, box }) => ({
        left: box.x / width,
        top: box.y / height,
        width: box.width / width,
        height: box.height / height,
        confidence: score,
      }))
      .sort((a, b) => b.confidence - a.confidence);
  } finally {
    tensor.dispose();
  }
}
