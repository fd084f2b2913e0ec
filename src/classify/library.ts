// The library `stockroom/classify`: the engine alone, without app, database or command line.
//
// Data goes: rows -> Dataset -> Model -> Prediction. Everything here is pure and synchronous but for `fitModelWith`, which lets the caller run trials
// where it likes. Errors are `StockroomError` with a stable `code`.

export { StockroomError, type ErrorKind } from "../platform/errors.ts";
export { calibrationError } from "./engine/calibration.ts";
export {
  checkLearnable,
  makeDatasetBuilder,
  splitOf,
  type Dataset,
  type DatasetBuilder,
  type Item,
  type ItemColumnNames,
} from "./engine/dataset.ts";
export { decide, fitDecisions, reasonForReview, usualFloor, type Decisions, type ReviewReason } from "./engine/decisions.ts";
export { compareProfiles, openProfile, type DriftReport, type Profile } from "./engine/drift.ts";
export { openEvaluator, type Evaluation, type Evaluator } from "./engine/evaluate.ts";
export { fitModel, fitModelWith, planFit, type FitOptions, type FitPlan } from "./engine/fit.ts";
export { judgeChallenger, type Bout, type GateOptions, type Verdict } from "./engine/gate.ts";
export { clopperPearson, wilson, type Interval } from "./engine/intervals.ts";
export { decodeModel, encodeModel, type Model, type ModelCard } from "./engine/model.ts";
export { exportOnnx, type OnnxExport } from "./engine/onnx.ts";
export { openPredictor, openPredictors, type Evidence, type Prediction, type Predictor } from "./engine/predict.ts";
export { parseSchemes, recode, versionOn, type Recoded, type Scheme } from "./engine/schemes.ts";
export { runTrial, type TrialResult, type TrialSpec } from "./engine/search.ts";
