// The door of the image wing: what the house, the server and the command line may use of it. Strangers come in by library.ts.

export { housePictures, upPictures, type HousePictures, type PictureWorld } from "./doors/up.ts";
export { makeImageVerbs, repeated } from "./doors/verbs.ts";
export { imageSettings } from "./flow/settings.ts";
