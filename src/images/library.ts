// The library `stockroom/images`: pictures as a function, what a URL means, how to build one. Its types are promises; the app imports module.ts.

export { formatRequest, imageSrcset, imageUrl } from "./engine/requests/index.ts";
export type { ErrorAnswer, Explanation, ImageUrl, ImageUrlParts, RequestLike, SrcsetSizes } from "./engine/requests/index.ts";
export type { Face, FaceDetector, ModerationLabel, Moderator, PictureFacts } from "./engine/pictures/tools.ts";
export type { Edits, ImageRequest } from "./engine/plan.ts";
export { makeHttpDetector, makeHttpModerator } from "./service/detect/http.ts";
export { makeRekognitionDetector, makeRekognitionModerator } from "./service/detect/rekognition.ts";
export { createImageHandler, explainRequest, type ImageHandler, type ImageHandlerOptions } from "./service/handler.ts";
export type { ImageSettings, ImageSettingsInput } from "./service/settings.ts";
export type { SourceObject, Sources } from "./store/sources/contract.ts";
export { makeLambda, type LambdaEvent, type LambdaResult } from "./http/lambda.ts";
