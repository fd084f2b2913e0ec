// ONNX protobuf: just enough of onnx.proto to write a graph.
//
// Owns: the wire format and the field numbers of onnx.proto3 (IR version 8). Does not own: what the graph computes (onnx.ts).
//   X1. The same graph gives the same bytes.
//   X2. Tensors are written as raw little-endian bytes, as the format demands, on any machine.

/** Element types of onnx.TensorProto that we use. */
export const elementType = { float: 1, int8: 3, int64: 7, double: 11 } as const;
export type ElementType = keyof typeof elementType;

export interface Tensor {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
  /** Little endian. */
  readonly bytes: Uint8Array;
}

/** An input or output; a text as dimension is a free size by that name. */
export interface Port {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly (number | string)[];
}

export type Attribute =
  | { readonly name: string; readonly kind: "int"; readonly value: number }
  | { readonly name: string; readonly kind: "string"; readonly value: string }
  | { readonly name: string; readonly kind: "tensor"; readonly value: Tensor };

export interface GraphNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly Attribute[];
}

export interface OnnxFile {
  readonly producer: string;
  readonly graphName: string;
  readonly doc: string;
  readonly opset: number;
  readonly nodes: readonly GraphNode[];
  readonly initializers: readonly Tensor[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly metadata: Readonly<Record<string, string>>;
}

const IR_VERSION = 8;

/** Writes a ModelProto. */
export function encodeOnnx(file: OnnxFile): Uint8Array {
  const graph = message([
    ...file.nodes.map((node, i) => field(1, encodeNode(node, i))),
    field(2, file.graphName),
    ...file.initializers.map((tensor) => field(5, encodeTensor(tensor))),
    ...file.inputs.map((port) => field(11, encodePort(port))),
    ...file.outputs.map((port) => field(12, encodePort(port))),
  ]);
  return message([
    whole(1, IR_VERSION),
    field(2, file.producer),
    field(6, file.doc),
    field(7, graph),
    field(8, message([field(1, ""), whole(2, file.opset)])),
    ...Object.entries(file.metadata).map(([key, value]) => field(14, message([field(1, key), field(2, value)]))),
  ]);
}

function encodeNode(node: GraphNode, index: number): Uint8Array {
  return message([
    ...node.inputs.map((name) => field(1, name)),
    ...node.outputs.map((name) => field(2, name)),
    field(3, `${node.op}_${index}`),
    field(4, node.op),
    ...node.attributes.map((attribute) => field(5, encodeAttribute(attribute))),
  ]);
}

function encodeAttribute(attribute: Attribute): Uint8Array {
  const name = field(1, attribute.name);
  if (attribute.kind === "int") return message([name, whole(3, attribute.value), whole(20, 2)]);
  if (attribute.kind === "string") return message([name, field(4, attribute.value), whole(20, 3)]);
  return message([name, field(5, encodeTensor(attribute.value)), whole(20, 4)]);
}

function encodeTensor(tensor: Tensor): Uint8Array {
  return message([
    ...tensor.dims.map((dim) => whole(1, dim)),
    whole(2, elementType[tensor.type]),
    field(8, tensor.name),
    field(9, tensor.bytes),
  ]);
}

function encodePort(port: Port): Uint8Array {
  const dims = port.dims.map((dim) => field(1, typeof dim === "number" ? message([whole(1, dim)]) : message([field(2, dim)])));
  const type = message([field(1, message([whole(1, elementType[port.type]), field(2, message(dims))]))]);
  return message([field(1, port.name), field(2, type)]);
}

/** Length-delimited field: text, bytes or a message. */
function field(number: number, value: string | Uint8Array): Uint8Array {
  const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.byteLength), bytes]);
}

function whole(number: number, value: number): Uint8Array {
  return Buffer.concat([varint(number * 8), varint(value)]);
}

/** Whole numbers from 0 up to 2^53: division, because shifts end at 32 bits. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function message(fields: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(fields);
}

/** Makes a tensor's bytes from numbers. */
export function tensorOf(name: string, type: ElementType, dims: readonly number[], numbers: ArrayLike<number>): Tensor {
  const width = { float: 4, int8: 1, int64: 8, double: 8 }[type];
  const bytes = new Uint8Array(numbers.length * width);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < numbers.length; i++) {
    if (type === "float") view.setFloat32(i * 4, numbers[i], true);
    else if (type === "int8") view.setInt8(i, numbers[i]);
    else if (type === "double") view.setFloat64(i * 8, numbers[i], true);
    else view.setBigInt64(i * 8, BigInt(numbers[i]), true);
  }
  return { name, type, dims, bytes };
}
