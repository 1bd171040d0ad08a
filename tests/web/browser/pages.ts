// Pages in Chromium that watch themselves: an error on the console, a request to another origin, a
// broken Content-Security-Policy or a dialog fails the test.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, chromium, type Page } from 'playwright-core';

export async function openBrowser(): Promise<Browser> {
  const executablePath = process.env.LEHR_CHROMIUM ?? '/usr/bin/chromium';
  return await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
}

export interface PageOptions {
  colorScheme?: 'light' | 'dark';
  width?: number;
  height?: number;
  // Console errors that the test provokes.
  expected?: RegExp;
}

// Opens `url` in a context of its own, calls `use`, and checks what went on meanwhile.
export async function withPage(
  browser: Browser,
  url: string,
  use: (page: Page) => Promise<void>,
  options: PageOptions = {},
): Promise<void> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 900 },
    colorScheme: options.colorScheme ?? 'light',
    acceptDownloads: true,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const faults: string[] = [];
  const { origin } = new URL(url);
  page.on('console', (message) => {
    const isExpected = options.expected?.test(message.text()) ?? false;
    if (message.type() === 'error' && !isExpected) {
      faults.push(`console: ${message.text()}`);
    }
  });
  page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const isOwn = request.url().startsWith(`${origin}/`) || request.url().startsWith('blob:');
    if (!isOwn) {
      faults.push(`request to ${request.url()}`);
    }
  });
  await page.exposeFunction('reportViolation', (what: string) => {
    faults.push(`Content-Security-Policy: ${what}`);
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const report = Reflect.get(window, 'reportViolation') as (what: string) => void;
      report(`${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  try {
    const response = await page.goto(url);
    const policy = response?.headers()['content-security-policy'] ?? '';
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
    await use(page);
    assert.deepEqual(faults, []);
  } finally {
    await context.close();
  }
}

export function row(page: Page, run: string) {
  return page.locator(`tr[data-run="${run}"]`);
}

// Waits until `isSo` holds in the page for the text of `selector`.
export async function untilText(page: Page, selector: string, expected: RegExp): Promise<void> {
  await page.waitForFunction(
    ({ selector, source, flags }) =>
      new RegExp(source, flags).test(document.querySelector(selector)?.textContent ?? ''),
    { selector, source: expected.source, flags: expected.flags },
  );
}

const require = createRequire(import.meta.url);
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResults {
  violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[];
}

// The serious and critical faults that axe finds.
export async function axeFaults(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const results = (await page.evaluate('axe.run(document)')) as AxeResults;
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
    );
}

// Whether something sticks out to the right.
export async function isTooWide(page: Page): Promise<boolean> {
  return await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
}
