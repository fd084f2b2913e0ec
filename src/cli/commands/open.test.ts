import { EventEmitter } from "node:events";
import { afterEach, expect, test, vi } from "vitest";
import { addressHere } from "../doctor/places.ts";
import { hasScreen, showInBrowser } from "./open.ts";

const opener = vi.hoisted(() => ({ open: vi.fn<(url: string) => Promise<unknown>>() }));
vi.mock("open", () => ({ default: opener.open }));
afterEach(() => opener.open.mockReset());

test("a browser counts as started once the opener runs, of which no event comes any more", async () => {
  opener.open.mockResolvedValue(new EventEmitter());
  expect(await showInBrowser("http://127.0.0.1:8080/console/")).toBe(true);
  expect(opener.open).toHaveBeenCalledWith("http://127.0.0.1:8080/console/");
  opener.open.mockRejectedValue(new Error("spawn xdg-open ENOENT"));
  expect(await showInBrowser("http://127.0.0.1:8080/console/")).toBe(false);
});

test("a screen is where somebody sits before this machine", () => {
  expect(hasScreen({}, "darwin")).toBe(true);
  expect(hasScreen({ SSH_CONNECTION: "192.0.2.1 1 192.0.2.2 22" }, "darwin")).toBe(false);
  expect(hasScreen({}, "linux")).toBe(false);
  expect(hasScreen({ DISPLAY: ":0" }, "linux")).toBe(true);
  expect(hasScreen({ DISPLAY: ":0", CI: "true" }, "linux")).toBe(false);
});

test.each([
  ["0.0.0.0", "http://127.0.0.1:8080"],
  ["::", "http://[::1]:8080"],
  ["fd00::7", "http://[fd00::7]:8080"],
  ["shop.example", "http://shop.example:8080"],
])("a server that listens on %s is asked at %s", (host, url) => {
  expect(addressHere({ host, port: 8080 }).url).toBe(url);
});
