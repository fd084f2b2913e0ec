// The models by name: whatever lists models (the candidates of the mix, the library, help, settings, the laws) derives its list from here.
//
//   R1. A name without a model does not compile, nor does a model under a name that is none.

import type { Model, ModelName } from "../contract.ts";
import { arima } from "./arima/arima.ts";
import { ces } from "./ces/ces.ts";
import { adida, croston, imapa, sba, tsb } from "./croston/croston.ts";
import { ets } from "./ets/ets.ts";
import { lgt } from "./lgt/lgt.ts";
import { mapa } from "./mapa/mapa.ts";
import { mstl } from "./mstl/mstl.ts";
import { naive, snaive } from "./naive/naive.ts";
import { npts } from "./npts/npts.ts";
import { regression } from "./regression/regression.ts";
import { theta } from "./theta/theta.ts";

/**
 * The local models by their names.
 *
 * @example
 * const fitted = models.ets.fit(makeSeries([112, 118, 132, 129, 121, 135], { seasons: [] }), { horizon: 3, random: makeRandom(1), nonNegative: true });
 * if (fitted.kind === "fitted") console.log(fitted.title, fitted.forecast(3, [0.1, 0.9]).mean);
 */
export const models: Readonly<Record<ModelName, Model>> = {
  naive,
  snaive,
  ets,
  ces,
  theta,
  arima,
  mstl,
  croston,
  sba,
  tsb,
  adida,
  imapa,
  npts,
  regression,
  lgt,
  mapa,
};

// Own keys of a record over the union are its names.
export const modelNames = Object.keys(models) as readonly ModelName[]; // oxlint-disable-line typescript/no-unsafe-type-assertion
