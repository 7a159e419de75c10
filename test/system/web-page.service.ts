// The web page in a real browser, over a platform in a process of its own: what it says is what the API says, and everybody can use it.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { until } from "../../packages/mainstem/src/runtime/testing/until.ts";
import { axeScript, openChromium } from "./chromium.ts";
import { startProxy } from "./client/proxy.ts";
import { startPlatform, temporaryFolder, type RunningPlatform } from "./running-platform.ts";

/** A machine that is busy with other tests is slow, and that is no failure. */
const waitMs = 180_000;
const quick = { MAINSTEM_ARCHIVE_EVERY: "200ms", MAINSTEM_TABLES_EVERY: "200ms" };
const screenshots = process.env["MAINSTEM_SCREENSHOTS"];
const name = "shop.orders";

/** Text that would do harm if it were taken for more than text. */
const hostile = `<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>\u202Egnp.exe`;
const fields = [
  { name: "id", type: "string", doc: `The order. ${hostile}` },
  { name: "revision", type: "long" },
  { name: "note", type: ["null", "string"], default: null, pii: true },
  { name: "channel", type: "string", default: "" },
];
const contract = (more: object = {}): object => ({
  formatVersion: 1,
  name,
  description: `Every order. ${hostile}`,
  owner: `checkout ${hostile}`,
  schema: { type: "record", name: "orders", namespace: "shop", fields },
  key: ["id"],
  order: ["revision"],
  ...more,
});

describe("the web page", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let browser: Browser & AsyncDisposable;
  let platform: RunningPlatform;
  before(async () => {
    folder = await temporaryFolder();
    browser = await openChromium();
    platform = await startPlatform({ cwd: folder.path, env: quick });
  });
  after(async () => {
    await browser?.[Symbol.asyncDispose]();
    await platform?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  /** A page whose complaints fail the test that closes it. */
  const open = async (path: string, options: BrowserContextOptions = {}, url = platform.url): Promise<OpenPage> => {
    const context = await browser.newContext({ viewport: { width: 1_280, height: 900 }, ...options });
    context.setDefaultTimeout(waitMs);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      // What the server refuses is told on the page; the browser tells it too.
      if (["error", "warning"].includes(message.type()) && !message.text().startsWith("Failed to load resource")) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(`${url}/#${path}`);
    return {
      page,
      async [Symbol.asyncDispose]() {
        await context.close();
        assert.deepEqual(complaints, []);
      },
    };
  };
  const ask = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const init = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body), headers: { "content-type": "application/json" } };
    const response = await fetch(`${platform.url}${path}`, { method, ...init });
    const answer = (await response.json()) as Record<string, unknown>;
    assert.ok(response.ok || response.status === 422, JSON.stringify(answer));
    return answer;
  };
  const send = (records: readonly object[], query = ""): Promise<unknown> => ask("POST", `/v1/datasets/${name}/records${query}`, records);

  test("begins with the first steps, and shows a dataset as soon as there is one", async () => {
    await using opened = await open("/");
    const { page } = opened;
    await page.getByText("no dataset is declared yet").waitFor();
    await lookAt(page, "empty");
    await ask("PUT", `/v1/definitions/dataset/${name}`, contract());
    await ask("PUT", `/v1/definitions/dataset/${name}`, contract({ owner: "checkout", tags: ["a"] }));
    await page.getByRole("rowheader", { name }).waitFor();
    await page.getByRole("link", { name }).click();
    await page.getByText("Nothing has been sent yet.").waitFor();
    await send(Array.from({ length: 30 }, (_, index) => ({ id: `${index % 10}`, revision: index, note: index === 7 ? hostile : "x" })));
    await send([{ id: 7, revision: 1 }, { id: "a" }, { id: "b", revision: hostile }], "?invalid=inbox");
    await page.getByText("The counts agree: every one of the 30 records").waitFor();
    const counts = await page.locator(".station-count").allInnerTexts();
    assert.deepEqual(counts.map(normal), ["30 accepted", "30 records", "30 records", "10 rows"]);
  });

  test("shows what the API knows of a dataset, and nothing of a record becomes more than text", async () => {
    await using opened = await open(`/datasets/${name}`);
    const { page } = opened;
    const panel = page.getByRole("tabpanel");
    const tab = async (label: RegExp): Promise<string> => {
      await page.getByRole("tab", { name: label }).click();
      return normal(await panel.innerText());
    };
    await page.getByText("30 records of the log").waitFor();
    assert.match(
      normal(await page.locator("main").innerText()),
      /Every order\. <img src=x onerror="window\.harmed=1">.*⟨U\+202E⟩gnp\.exe Owned by checkout · contract version 2/,
    );
    assert.match(
      await tab(/Contract/),
      /Key id Order revision .* id string key The order\. <img .* note string or null personal data default null channel string default ""/,
    );
    await tab(/Versions 2/);
    await panel.getByText("owner changed").waitFor();
    assert.match(
      normal(await panel.innerText()),
      /Version 2 .*owner changed: checkout <img .* → checkout .*tags changed: \[\] → \["a"\].*Version 1 .*The first: 4 fields/,
    );
    await tab(/Snapshots/);
    await panel.getByRole("row").nth(1).waitFor();
    assert.match(normal(await panel.innerText()), /Committed Rows Change Operation .* \d\d:\d\d:\d\d 10 \+/);
    await tab(/Rows/);
    await panel.getByRole("cell", { name: "7", exact: true }).first().waitFor();
    assert.match(normal(await panel.innerText()), /id VARCHAR revision BIGINT note VARCHAR .* 10 of 10 rows/);
    await tab(/Inbox 3/);
    await panel.getByText("string expected").waitFor();
    await openAll(page);
    await panel.getByText('{"id":7,"revision":1}', { exact: true }).waitFor();
    await panel.getByText('"revision":"<img src=x').waitFor();
    assert.match(await tab(/Tasks/), /archive\.shop\.orders .* 30 of 30 offsets .* table\.shop\.orders/);
    assert.equal(await page.evaluate("window.harmed"), undefined);
    assert.equal(await page.evaluate("document.getAnimations().length"), 0, "nothing moves by itself");
  });

  test("says plainly when the counts do not agree", async () => {
    await using opened = await open("/");
    const { page } = opened;
    await page.route(`**/v1/datasets/${name}`, async (route) => {
      const response = await route.fetch();
      const answer = (await response.json()) as { archive: { partitions: { next: number }[] } };
      answer.archive.partitions[0]!.next += 5;
      await route.fulfill({ response, json: answer });
    });
    await page.getByRole("link", { name }).click();
    const alert = page.getByRole("alert");
    await alert.waitFor();
    assert.equal(normal(await alert.innerText()), "These counts do not agree. In partition 0 the archive stands at 35, and the log ends at 30.");
    assert.equal(await page.locator('.station[data-state="wrong"] h3').innerText(), "Archive");
    await lookAt(page, "disagree");
    await page.unrouteAll({ behavior: "wait" });
  });

  test("holds and resumes a task, by the keyboard alone", async () => {
    await using opened = await open("/tasks");
    const { page } = opened;
    const row = page.getByRole("row", { name: /archive\.shop\.orders/ });
    const focused = (): Promise<string> => page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText");
    await row.waitFor();
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "Skip to the content");
    await page.keyboard.press("Enter");
    for (let steps = 0; (await focused()) !== "Pause archive.shop.orders"; steps++) {
      assert.ok(steps < 10, "the switch is reached with a few steps");
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await row.getByText("paused by web page").waitFor();
    assert.equal(await focused(), "Resume archive.shop.orders", "who pressed it stays where they were");
    await page.keyboard.press("Enter");
    await page.getByText(/^\d+ tasks, all well\.$/).waitFor();
  });

  test("says of a task that it has finished, and offers nothing to do with it", async () => {
    await ask("POST", `/v1/datasets/${name}/rebuild`);
    await using opened = await open("/tasks");
    const { page } = opened;
    const row = page.getByRole("row", { name: /rebuild\.shop\.orders/ });
    await row.getByText("It has finished.").waitFor();
    assert.equal(await row.getByRole("button").count(), 0);
    await lookAt(page, "finished");
    await ask("POST", `/v1/datasets/${name}/rebuild/swap`);
    await row.waitFor({ state: "detached" });
    assert.doesNotMatch(await (await fetch(`${platform.url}/metrics`)).text(), /task="rebuild\./);
  });

  test("moves through the tabs with the arrows, and an address leads to where it was taken", async () => {
    await using opened = await open(`/datasets/${name}`);
    const { page } = opened;
    await page.getByRole("tab", { name: "Contract" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.getByRole("tab", { name: /Versions/, selected: true }).waitFor();
    await page.getByText("The first: 4 fields").waitFor();
    assert.ok(page.url().endsWith(`/#/datasets/${name}/versions`));
    await page.reload();
    await page.getByText("The first: 4 fields").waitFor();
    await page.getByRole("link", { name: "Tasks", exact: true }).click();
    await page.getByRole("heading", { name: "Tasks", level: 1 }).waitFor();
    assert.equal(await page.title(), "Tasks · Mainstem");
    assert.equal(await page.evaluate("document.activeElement.tagName"), "MAIN", "a new page is begun at its beginning");
  });

  for (const [path, says] of [
    ["/datasets/no.such", 'There is no dataset "no.such".'],
    ["/datasets/%E0%A4%A", "There is no dataset"],
    ["/datasets/%3Cimg%20src=x%20onerror=alert(1)%3E/rows", "There is no dataset"],
    ["/nowhere", "There is no such page"],
  ] as const)
    test(`says what is wrong with the address ${path}`, async () => {
      await using opened = await open(path);
      await opened.page.getByText(new RegExp(says)).first().waitFor();
      await opened.page.getByRole("link", { name: "Datasets" }).first().click();
      await opened.page.getByRole("rowheader", { name }).waitFor();
    });

  test("keeps what it knows while the server is away, says so, and goes on by itself", async () => {
    // In front of both: the port that the first one leaves free may be taken before the second one has it.
    await using proxy = await startProxy();
    proxy.target = platform.url;
    await using opened = await open(`/datasets/${name}/rows`, {}, proxy.url);
    const { page } = opened;
    await page.getByText("30 records of the log").waitFor();
    await platform.kill("SIGTERM");
    proxy.target = undefined;
    await page.getByText("The server does not answer.").waitFor();
    assert.deepEqual(await page.getByRole("alert").allInnerTexts(), [], "it is said once");
    assert.equal(await page.locator(".station").count(), 4);
    await lookAt(page, "away");
    platform = await startPlatform({ cwd: folder.path, env: quick });
    proxy.target = platform.url;
    await page.getByText("The server does not answer.").waitFor({ state: "detached" });
    await page.getByText("0 accepted", { exact: true }).waitFor();
    await page.getByText("10 of 10 rows").waitFor();
    await page.getByText("The counts agree: every one of the 30 records").waitFor();
  });

  const views = [
    "/",
    "/tasks",
    `/datasets/${name}`,
    `/datasets/${name}/versions`,
    `/datasets/${name}/snapshots`,
    `/datasets/${name}/rows`,
    `/datasets/${name}/inbox`,
  ];
  for (const [colorScheme, width] of [
    ["light", 1_280],
    ["dark", 1_280],
    ["light", 360],
    ["dark", 360],
  ] as const)
    test(`everybody can use it, ${colorScheme} and ${width} wide`, async () => {
      await using opened = await open("/", { colorScheme, viewport: { width, height: 900 } });
      const { page } = opened;
      for (const view of views) {
        await page.goto(`${platform.url}/#${view}`);
        await page
          .locator(view.startsWith("/datasets") ? ".way-verdict" : "tbody tr")
          .first()
          .waitFor();
        await untilLoaded(page);
        await openAll(page);
        await lookAt(page, `${view}-${colorScheme}-${width}`);
        assert.equal(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true, `${view} is no wider than the screen`);
        assert.deepEqual(await findBarriers(page), [], view);
      }
    });

  test("asks for the token where the server has one, and sends it with each question", async () => {
    await using own = await temporaryFolder();
    await using guarded = await startPlatform({ cwd: own.path, env: { MAINSTEM_SERVER_TOKEN: "env:PAGE_TOKEN", PAGE_TOKEN: "let-me-in" } });
    await using opened = await open("/tasks", {}, guarded.url);
    const { page } = opened;
    const field = page.getByLabel("Token", { exact: true });
    await field.waitFor();
    assert.deepEqual(await findBarriers(page), []);
    await lookAt(page, "token");
    await field.fill("let-me-out");
    await page.keyboard.press("Enter");
    await page.getByText("The server did not accept this token.").waitFor();
    await field.fill("let-me-in");
    await page.keyboard.press("Enter");
    await page.getByRole("row", { name: /tables\.expiry/ }).waitFor();
    await page.reload();
    await page.getByRole("row", { name: /tables\.expiry/ }).waitFor();
    assert.ok(!page.url().includes("let"), "the token is not in the address");
  });
});

interface OpenPage extends AsyncDisposable {
  readonly page: Page;
}

/** Nothing waits for an answer: its place is there, without a word at first. */
async function untilLoaded(page: Page): Promise<void> {
  await until("everything is loaded", async () => (await page.locator(".waiting").count()) === 0, { everyMs: 50 });
}

/** Shows an example of every cause in the inbox. */
async function openAll(page: Page): Promise<void> {
  const closed = page.locator('.cause [aria-expanded="false"]');
  while ((await closed.count()) > 0) await closed.first().click();
}

/** A picture for whoever wants to look: into the folder that MAINSTEM_SCREENSHOTS names. */
async function lookAt(page: Page, what: string): Promise<void> {
  if (screenshots === undefined) return;
  await mkdir(screenshots, { recursive: true });
  await page.screenshot({ path: join(screenshots, `${what.replaceAll("/", "_")}.png`), fullPage: true });
}

/** What axe-core finds against WCAG 2.2, A and AA, and its own good practice: the rule and the places. */
async function findBarriers(page: Page): Promise<readonly string[]> {
  await page.evaluate(axeScript);
  return page.evaluate<string[]>(
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html, failureSummary }) => html + ' ' + failureSummary).join('; ')))",
  );
}

/** Text as it reads, whatever the line ends. */
function normal(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
