// Live: what happens on the server, as it happens. One tab listens for all tabs of the browser, because a browser opens six connections to a
// server and no more.
//
// Owns: the stream, who of the tabs has it. Does not own: what is asked again because of it (query.ts).
//   V1. The tab with the lock listens; when it goes, another one does. Where a browser has no locks (no secure context), the shown tab asks every
//       ten seconds instead.

import { signal } from "@preact/signals";
import { client, type Told } from "./client.ts";
import { forgetLive, type Live } from "./query.ts";

/** Whether changes come by themselves at present. */
export const isLive = signal(false);
/** The last event or run that was told, for pages that follow one. */
export const lastTold = signal<Told | undefined>(undefined);

const calmMs = 500;
const pollMs = 10_000;
const stale = new Set<Live>();
let timer: ReturnType<typeof setTimeout> | undefined;

function note(told: Told): void {
  lastTold.value = told;
  stale.add(told.event === "run" ? "runs" : "events");
  // A gap means that anything may have happened.
  if (told.event === "gap") stale.add("runs");
  timer ??= setTimeout(() => {
    timer = undefined;
    for (const live of stale) forgetLive(live);
    stale.clear();
  }, calmMs);
}

/** Begins to listen, until the tab is closed. */
export function listen(): void {
  const channel = new BroadcastChannel("stockroom-live");
  channel.addEventListener("message", ({ data }: MessageEvent<{ readonly told?: Told; readonly live?: boolean }>) => {
    if (data.told !== undefined) note(data.told);
    if (data.live !== undefined) isLive.value = data.live;
  });
  if (!("locks" in navigator)) {
    setInterval(() => {
      if (document.visibilityState === "visible") for (const live of ["runs", "events"] as const) forgetLive(live);
    }, pollMs);
    return;
  }
  void navigator.locks.request("stockroom-live", async () => {
    isLive.value = true;
    channel.postMessage({ live: true });
    try {
      for await (const told of client.stream()) {
        note(told);
        channel.postMessage({ told });
      }
    } finally {
      isLive.value = false;
      channel.postMessage({ live: false });
    }
  });
}
