// How the console is made: hashed files below /console/, which the server gives out as they are (src/server/console.ts).

import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  base: "/console/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2023",
    // Nothing is put into the page itself: the policy allows scripts and styles from files of ours alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { "^/(api|objects|health|metrics|sign-in|classify|forecast|images)": "http://127.0.0.1:8080" } },
});
