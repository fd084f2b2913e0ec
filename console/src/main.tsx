// The console's beginning: styles, the router, the frame around every page.

import "./style/tokens.css";
import "./style/base.css";
import "./style/frame.css";
import "./style/parts.css";
import { render } from "preact";
import { LocationProvider } from "preact-iso";
import { Frame } from "./frame/frame.tsx";
import { listen } from "./data/live.ts";
import { base } from "./data/url.ts";

const place = document.getElementById("console");
if (place !== null) {
  listen();
  render(
    <LocationProvider scope={base}>
      <Frame />
    </LocationProvider>,
    place,
  );
}
