// Modules: the systems of the product. To add one is to add it here; everything else loops over this list.

import { classify } from "./classify/module.ts";
import { forecast } from "./forecast/module.ts";
import { images } from "./images/module.ts";

export const modules = [classify, forecast, images] as const;
