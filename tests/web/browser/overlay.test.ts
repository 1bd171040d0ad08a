import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { openBrowser, untilText, withPage } from './pages';
import { Lehrd, Trainer } from './processes';

let browser: Browser;
let lehrd: Lehrd;
const runs = ['xor-1', 'xor-2'];

before(async () => {
  [browser, lehrd] = await Promise.all([openBrowser(), Lehrd.start()]);
  for (const [i, run] of runs.entries()) {
    const trainer = Trainer.start(lehrd, run, [
      '--task=xor-relu-sum',
      `--seed=${i + 1}`,
      '--steps=500',
    ]);
    assert.equal(await trainer.ended, 0);
  }
});

after(async () => {
  await browser.close();
  await lehrd.stop();
});

test('runs that were selected are overlaid, by step or time, and the link keeps it', async () => {
  await withPage(browser, `${lehrd.origin}/`, async (page) => {
    for (const run of runs) {
      await page.getByLabel(`Select ${run} for overlaying`).check();
    }
    await page.getByRole('link', { name: 'Overlay 2 runs' }).click();
    for (const chart of ['temperature', 'mean']) {
      const figure = page.locator(`figure[data-chart="${chart}"]`);
      await figure.locator('canvas').waitFor();
      await page.waitForFunction(
        (chart) =>
          /xor-1: [\d.e-]+; xor-2: [\d.e-]+/.test(
            document.querySelector(`figure[data-chart="${chart}"]`)?.getAttribute('aria-label') ??
              '',
          ),
        chart,
      );
    }
    await untilText(page, '.compared', /xor-1.*ended.*xor-2.*ended/s);
    await page.getByLabel('Align by').selectOption('time');
    assert.match(page.url(), /#\/compare\?runs=xor-1,xor-2&align=time$/);

    // Under the cursor, every run has its value.
    const over = page.locator('figure[data-chart="mean"] .u-over');
    await over.hover();
    await untilText(
      page,
      'figure[data-chart="mean"] .readout',
      / s: xor-1 [\d.e-]+, xor-2 [\d.e-]+/,
    );

    const box = await over.boundingBox();
    assert.ok(box);
    await page.mouse.move(box.x + 0.3 * box.width, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.6 * box.width, box.y + 40, { steps: 4 });
    await page.mouse.up();
    await page.waitForFunction(() => /range=[\d.]+-[\d.]+/.test(location.hash));
    await page.getByRole('button', { name: 'All' }).click();
    await page.waitForFunction(() => !location.hash.includes('range'));

    await page.getByRole('button', { name: 'Without xor-1' }).click();
    await page.waitForFunction(() => document.querySelectorAll('.compared tbody tr').length === 1);
  });
});

test('a run that is not there does not hide the others', async () => {
  await withPage(
    browser,
    `${lehrd.origin}/#/compare?runs=xor-1,nothing`,
    async (page) => {
      await untilText(page, 'tr[data-run="nothing"]', /there is no such run/);
      await untilText(page, 'tr[data-run="xor-1"]', /ended/);
    },
    { expected: /404/ },
  );
});
