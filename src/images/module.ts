// The door of the image module: what the app, the server and the command line may use of it. Strangers come in by library.ts.

export { appPictures, upPictures, type AppPictures, type PictureWorld } from "./cli/up.ts";
export { makeImageCommands } from "./cli/commands.ts";
export { imageSettings } from "./service/settings.ts";
