// Builds the classifier's WASM kernel from its AssemblyScript source: `node tools/build-kernel.ts [--check]`.
//
// The compiler's version is pinned in package.json and the flags stand here, so the same source gives the same bytes everywhere.

import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { main } from "assemblyscript/asc";

const root = path.resolve(import.meta.dirname, "..");
const source = path.join(root, "src/classify/engine/wasm/kernel.as.ts");
const target = path.join(root, "src/classify/engine/wasm/kernel-bytes.ts");

/** Compiles the source and gives back the text of the module that carries the bytes. */
export async function buildKernel(): Promise<string> {
  const text = await readFile(source, "utf8");
  const outputs = new Map<string, string | Uint8Array>();
  const flags = ["kernel.as.ts", "--outFile", "kernel.wasm", "-O3", "--converge", "--enable", "simd", "--runtime", "stub"];
  let said = "";
  const { error } = await main([...flags, "--noAssert", "--importMemory", "--use", "abort="], {
    readFile: (name: string) => (name === "kernel.as.ts" ? text : null),
    writeFile: (name: string, contents: string | Uint8Array) => void outputs.set(name, contents),
    listFiles: () => [],
    stderr: { write: (chunk: string | Uint8Array) => void (said += chunk.toString()) },
  });
  if (error !== null) throw new Error(`Expected kernel.as.ts to compile but it does not.\n${said}`);
  const bytes = outputs.get("kernel.wasm");
  if (!(bytes instanceof Uint8Array)) throw new Error("Expected the compiler to write kernel.wasm but it wrote nothing.");
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,120}/g) ?? [];
  return [
    "// Made by tools/build-kernel.ts from kernel.as.ts. Do not edit.",
    "",
    "const base64 = [",
    ...lines.map((line) => `  ${JSON.stringify(line)},`),
    '].join("");',
    "",
    "/** The compiled kernel. */",
    "export function kernelBytes(): Uint8Array<ArrayBuffer> {",
    '  return Uint8Array.from(Buffer.from(base64, "base64"));',
    "}",
    "",
  ].join("\n");
}

if (process.argv[1] === import.meta.filename) {
  const built = await buildKernel();
  if (process.argv.includes("--check")) {
    if ((await readFile(target, "utf8")) !== built)
      throw new Error("Expected kernel-bytes.ts to match kernel.as.ts. Run tools/build-kernel.ts.");
  } else {
    await writeFile(target, built);
  }
}
