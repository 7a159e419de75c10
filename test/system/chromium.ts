import axe from "axe-core";
import { chromium, type Browser } from "playwright-core";
import { installPackage, isThere } from "../../tools/services/programs.ts";

/** Where Linux distributions put it. */
const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"] as const;

/**
 * Starts Chromium without a window: MAINSTEM_CHROMIUM, or the system's own, which is installed as Debian's package where it is missing.
 * Its sandbox cannot be had by root, as which CI runs; it meets no pages but ours here.
 */
export async function openChromium(): Promise<Browser & AsyncDisposable> {
  const browser = await chromium.launch({ executablePath: await findChromium(), args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
  return Object.assign(browser, { [Symbol.asyncDispose]: () => browser.close() });
}

/** What the browser runs to find what some people cannot use (axe-core), as a script. */
export const axeScript: string = axe.source;

async function findChromium(): Promise<string> {
  const given = process.env["MAINSTEM_CHROMIUM"] ?? (await firstThere());
  if (given !== undefined) return given;
  await installPackage("chromium", "there is no Chromium to show the web page");
  const installed = await firstThere();
  if (installed === undefined) throw new Error(`Chromium was installed, and is at none of ${places.join(", ")}: set MAINSTEM_CHROMIUM.`);
  return installed;
}

async function firstThere(): Promise<string | undefined> {
  for (const place of places) if (await isThere(place)) return place;
  return undefined;
}
