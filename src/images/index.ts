// The door of the image wing: the library `stockroom/images`, and what the house, the server and the command line may use of it.

export {
  createImageHandler,
  explainRequest,
  openImages,
  type ImageHandler,
  type ImageHandlerOptions,
  type OpenImages,
} from "./flow/handler.ts";
export {
  formatRequest,
  imageSrcset,
  imageUrl,
  type ErrorAnswer,
  type Explanation,
  type ImageUrl,
  type ImageUrlParts,
  type RequestLike,
  type SrcsetSizes,
} from "./engine/requests/index.ts";
export type { Edits, ImageRequest } from "./engine/plan.ts";
export type { Face, FaceDetector, ModerationLabel, Moderator, PictureFacts } from "./engine/pictures/tools.ts";
export type { SourceObject, Sources } from "./store/sources/contract.ts";
export { imageSettings, type ImageSettings, type ImageSettingsInput } from "./flow/settings.ts";
export { metricsText } from "./flow/metrics.ts";
export { makeLambda, type LambdaEvent, type LambdaResult } from "./doors/lambda.ts";
export { housePictures, upPictures, type HousePictures, type PictureWorld } from "./doors/up.ts";
export { makeImageVerbs, repeated, type ImageVerbTools } from "./doors/verbs.ts";
