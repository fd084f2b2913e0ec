// Live: what happens on the server, as it happens. One tab listens for all tabs of the browser, because a browser opens six connections to a
// server and no more.
//
// Owns: the stream, who of the tabs has it. Does not own: what is asked again because of it (query.ts).
//   V1. The tab with the lock listens; when it goes, another one does.
//   V2. "Live" is said only while the stream is open. Without it (the server away, a browser without locks) the shown tab asks every ten seconds.

import { signal } from "@preact/signals";
import { askAsSignedIn, makeClient, type Told } from "./client.ts";
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

interface Said {
  readonly told?: Told;
  readonly live?: boolean;
  /** A tab that has just come wants to know whether changes come. */
  readonly isAsked?: true;
}

/** Begins to listen, until the tab is closed. */
export function listen(): void {
  const channel = new BroadcastChannel("stockroom-live");
  let hasStream = false;
  const say = (live: boolean): void => {
    isLive.value = live;
    channel.postMessage({ live } satisfies Said);
  };
  channel.addEventListener("message", ({ data: { told, live, isAsked } }: MessageEvent<Said>) => {
    if (told !== undefined) note(told);
    if (live !== undefined) isLive.value = live;
    if (isAsked === true && hasStream) say(isLive.value);
  });
  channel.postMessage({ isAsked: true } satisfies Said);
  setInterval(() => {
    if (!isLive.value && document.visibilityState === "visible") for (const live of ["runs", "events"] as const) forgetLive(live);
  }, pollMs);
  if (!("locks" in navigator)) return;

  // The stream asks again by itself after a cut: each asking is the end of the one before.
  const watched: typeof fetch = async (input, init) => {
    say(false);
    const answer = await askAsSignedIn(input, init);
    say(answer.ok);
    return answer;
  };
  const streams = makeClient({ url: location.origin, fetch: watched });
  void navigator.locks.request("stockroom-live", async () => {
    hasStream = true;
    for (;;) {
      try {
        for await (const told of streams.stream()) {
          note(told);
          channel.postMessage({ told } satisfies Said);
        }
      } catch {
        // Refused (a role that was taken away, a session that ended): what is asked besides tells the person; this is tried again.
      }
      say(false);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  });
}
