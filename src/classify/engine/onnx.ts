// ONNX: a model for other programs: the graph, the rule that feeds it, and vectors to test both with.
//
// Owns: the graph from rows and values to logits, calibrated probabilities and labels. Does not own: the wire format (onnx-proto), the rule (onnx-rule).
//   O1. Scores from a runtime agree with ours within 1e-5: weights stay whole numbers with a scale, logits are single precision, calibration is double.
//   O2. The graph is sparse: an item costs its features, not the model's.
//   O3. The same model gives the same bytes.
//
// Opset 18, IR 8, operators of the default domain only.

import type { Calibration } from "./calibration.ts";
import { calibrateRow } from "./calibration.ts";
import type { Item } from "./dataset.ts";
import { openExtractor } from "./features.ts";
import type { Model } from "./model.ts";
import { encodeOnnx, tensorOf } from "./onnx-proto.ts";
import type { Attribute, ElementType, GraphNode, Tensor } from "./onnx-proto.ts";
import { hashingRule } from "./onnx-rule.ts";
import type { HashingRule } from "./onnx-rule.ts";
import { makeTermWeighter } from "./term-weights.ts";

/** An item with what the rule makes of it and what the graph answers. */
export interface TestVector {
  readonly item: Item;
  readonly features: readonly number[];
  readonly values: readonly number[];
  readonly logits: readonly number[];
  readonly probabilities: readonly number[];
  readonly label: string;
}

export interface OnnxExport {
  /** A ModelProto. */
  readonly onnx: Uint8Array;
  readonly rule: HashingRule;
  readonly vectors: readonly TestVector[];
}

const OPSET = 18;

/**
 * Exports a model; `samples` become the test vectors.
 *
 * The rule and the vectors are plain JSON. Some ten samples of every kind (long, empty, other scripts) are enough. The vectors hold the samples' text.
 */
export function exportOnnx(model: Model, samples: readonly Item[]): OnnxExport {
  const graph = makeGraph();
  const classes = model.classes.length;
  const weights: Tensor = {
    name: "weights",
    type: "int8",
    dims: [model.buckets.length, classes],
    bytes: new Uint8Array(model.weights.buffer, model.weights.byteOffset, model.weights.byteLength),
  };
  graph.initializers.push(weights, tensorOf("scales", "float", [model.scales.length, 1], model.scales));

  // One row of weights an entry, times its value, added up by item.
  const row = graph.node("Mul", [
    graph.cast(graph.node("Gather", ["weights", "features"]), "float"),
    graph.node("Gather", ["scales", "features"]),
  ]);
  const last = graph.constant("int64", [1], [-1]);
  const parts = graph.node("Mul", [row, graph.node("Unsqueeze", ["values", last])]);
  const shape = graph.node("Concat", ["count", graph.constant("int64", [1], [classes])], [{ name: "axis", kind: "int", value: 0 }]);
  const zeros = graph.node("ConstantOfShape", [shape], [{ name: "value", kind: "tensor", value: tensorOf("", "float", [1], [0]) }]);
  graph.node(
    "ScatterND",
    [zeros, graph.node("Unsqueeze", ["items", last]), parts],
    [{ name: "reduction", kind: "string", value: "add" }],
    "logits",
  );
  const axis: readonly Attribute[] = [{ name: "axis", kind: "int", value: 1 }];
  const label = graph.node("ArgMax", ["logits"], [...axis, { name: "keepdims", kind: "int", value: 1 }]);
  graph.node("Squeeze", [label, graph.constant("int64", [1], [1])], [], "label");
  graph.cast(calibrateInGraph(graph, model.calibration, label, classes), "float", "probabilities");

  const onnx = encodeOnnx({
    producer: "stockroom",
    graphName: `${model.card.label} of ${classes} codes`,
    doc: "Sparse softmax regression. See the hashing rule beside this file for how an item becomes features and values.",
    opset: OPSET,
    nodes: graph.nodes,
    initializers: graph.initializers,
    inputs: [
      { name: "features", type: "int64", dims: ["entries"] },
      { name: "values", type: "float", dims: ["entries"] },
      { name: "items", type: "int64", dims: ["entries"] },
      { name: "count", type: "int64", dims: [1] },
    ],
    outputs: [
      { name: "logits", type: "float", dims: ["count", classes] },
      { name: "probabilities", type: "float", dims: ["count", classes] },
      { name: "label", type: "int64", dims: ["count"] },
    ],
    metadata: { classes: JSON.stringify(model.classes), rule: "stockroom-onnx-rule-1", label: model.card.label, date: model.card.date },
  });
  return { onnx, rule: hashingRule(model), vectors: makeVectors(model, samples) };
}

/** calibration.ts, operator by operator, in double precision: an isotonic line may be steep where probabilities crowd. */
function calibrateInGraph(graph: GraphDraft, calibration: Calibration, label: string, classes: number): string {
  const { node, constant } = graph;
  const lastAxis = constant("int64", [1], [1]);
  const keep: readonly Attribute[] = [{ name: "keepdims", kind: "int", value: 1 }];
  const one = constant("double", [], [1]);
  const logits = graph.cast("logits", "double");
  const gaps = node("Sub", [logits, node("ReduceMax", [logits, lastAxis], keep)]);
  const weights = node("Exp", [node("Mul", [gaps, constant("double", [], [1 / calibration.temperature])])]);
  const all = constant("int64", [1, classes], [...Array(classes).keys()]);
  const isTop = node("Equal", [all, label]);
  const others = node("Where", [isTop, constant("double", [], [0]), weights]);
  const rest = node("ReduceSum", [others, lastAxis], keep);
  const before = node("Div", [one, node("Add", [one, rest])]);
  if (calibration.kind === "temperature" || classes < 2) {
    return node("Mul", [node("Where", [isTop, one, weights]), before]);
  }
  const knots = calibration.before.length;
  const slopes = calibration.before.slice(1).map((x, i) => (calibration.after[i + 1] - calibration.after[i]) / (x - calibration.before[i]));
  // The place on the line: how many knots lie at or below, less one, but never the last knot.
  const reached = node("GreaterOrEqual", [before, constant("double", [1, knots], calibration.before)]);
  const count = node("ReduceSum", [graph.cast(reached, "int64"), lastAxis], keep);
  const low = node("Max", [
    node("Min", [node("Sub", [count, constant("int64", [], [1])]), constant("int64", [], [knots - 2])]),
    constant("int64", [], [0]),
  ]);
  const at = (values: readonly number[]): string => node("Gather", [constant("double", [values.length], values), low]);
  const raised = node("Add", [at(calibration.after), node("Mul", [node("Sub", [before, at(calibration.before)]), at(slopes)])]);
  const second = node("ReduceMax", [others, lastAxis], keep);
  const tiny = constant("double", [], [1e-300]);
  const floor = node("Div", [second, node("Max", [node("Add", [rest, second]), tiny])]);
  const alone = node("Equal", [rest, constant("double", [], [0])]);
  const share = node("Where", [alone, one, node("Max", [raised, floor])]);
  const scale = node("Div", [node("Sub", [one, share]), node("Max", [rest, tiny])]);
  return node("Where", [isTop, share, node("Mul", [others, scale])]);
}

interface GraphDraft {
  readonly nodes: GraphNode[];
  readonly initializers: Tensor[];
  /** Adds a node with one output and gives back its name. */
  readonly node: (op: string, inputs: readonly string[], attributes?: readonly Attribute[], output?: string) => string;
  readonly constant: (type: ElementType, dims: readonly number[], numbers: readonly number[]) => string;
  readonly cast: (input: string, type: "float" | "double" | "int64", output?: string) => string;
}

function makeGraph(): GraphDraft {
  const nodes: GraphNode[] = [];
  const initializers: Tensor[] = [];
  const node: GraphDraft["node"] = (op, inputs, attributes = [], output = `${op.toLowerCase()}_${nodes.length}`) => {
    nodes.push({ op, inputs, outputs: [output], attributes });
    return output;
  };
  return {
    nodes,
    initializers,
    node,
    constant: (type, dims, numbers) => {
      const name = `constant_${initializers.length}`;
      initializers.push(tensorOf(name, type, dims, numbers));
      return name;
    },
    cast: (input, type, output) =>
      node("Cast", [input], [{ name: "to", kind: "int", value: { float: 1, int64: 7, double: 11 }[type] }], output),
  };
}

function makeVectors(model: Model, samples: readonly Item[]): readonly TestVector[] {
  const classes = model.classes.length;
  const shift = 32 - model.spec.bits;
  const rowOf = new Map(Array.from(model.buckets, (bucket, row) => [bucket, row]));
  // One row more than there are, of frequency 0, stands for all unknown features.
  const frequencyClasses = new Uint8Array(model.buckets.length + 1);
  frequencyClasses.set(model.frequencyClasses);
  const extractor = openExtractor(model.spec);
  const termWeighter = makeTermWeighter(model.spec, model.parameters, frequencyClasses, model.items);
  return samples.map((item) => {
    extractor.forget();
    extractor.read(item);
    const { count, keys, kinds, amounts } = extractor;
    const known = Uint32Array.from(keys.subarray(0, count), (key) => rowOf.get(key >>> shift) ?? model.buckets.length);
    const features = new Uint32Array(count);
    const values = new Float32Array(count);
    const end = termWeighter.weight({ features: known, kinds, amounts }, 0, count, features, values, 0);
    const logits = new Float32Array(classes);
    for (let entry = 0; entry < end; entry++) {
      const feature = features[entry];
      for (let c = 0; c < classes; c++) {
        const weight = Math.fround(model.weights[feature * classes + c] * model.scales[feature]);
        logits[c] += Math.fround(values[entry] * weight);
      }
    }
    const probabilities = new Float64Array(classes);
    const top = calibrateRow(model.calibration, logits, 0, classes, probabilities, 0);
    return {
      item,
      features: [...features.subarray(0, end)],
      values: [...values.subarray(0, end)],
      logits: [...logits],
      probabilities: [...probabilities],
      label: model.classes[top],
    };
  });
}
