import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { openBrowser, row, untilText, withPage } from './pages';
import { endless, Feeder, Lehrd, Trainer } from './processes';

let browser: Browser;
let lehrd: Lehrd;

before(async () => {
  [browser, lehrd] = await Promise.all([openBrowser(), Lehrd.start()]);
});

after(async () => {
  await browser.close();
  await lehrd.stop();
});

test('a run appears, moves and dies before the eyes of who looks, without a reload', async () => {
  await withPage(browser, `${lehrd.origin}/`, async (page) => {
    await page.getByText('No runs yet').waitFor();
    const trainer = Trainer.start(lehrd, 'spirals-1', endless);
    try {
      await row(page, 'spirals-1').waitFor();
      const step = 'tr[data-run="spirals-1"] .column-step .number';
      await untilText(page, step, /^[1-9]/);
      const before = await page.locator(step).textContent();
      await page.waitForFunction(
        ({ step, before }) => document.querySelector(step)?.textContent !== before,
        { step, before },
      );
      // A shape and a word beside the colour.
      assert.equal(await row(page, 'spirals-1').locator('.condition svg path').count(), 1);
      await untilText(page, 'tr[data-run="spirals-1"] .condition', /^[a-z]+$/);
      const curve = row(page, 'spirals-1').locator('.column-temperature .line');
      assert.match((await curve.getAttribute('d')) ?? '', /^M[\d.]+ [\d.]+(L[\d.]+ [\d.]+)+$/);
    } finally {
      await trainer.kill();
    }
    const killed = Date.now();
    await page.locator('tr[data-run="spirals-1"][data-condition="silent"]').waitFor();
    console.log(`from kill -9 to "silent" on the page: ${Date.now() - killed} ms`);
    await untilText(page, '#news', /spirals-1 is silent/);
    assert.equal(await row(page, 'spirals-1').locator('.column-ranks').textContent(), '0 / 1');
  });
});

test('a training that ends is said to have ended', async () => {
  await withPage(browser, `${lehrd.origin}/`, async (page) => {
    const options = ['--task=xor-relu-sum', '--seed=1', '--steps=300'];
    const trainer = Trainer.start(lehrd, 'xor-ends', options);
    assert.equal(await trainer.ended, 0);
    await page.locator('tr[data-run="xor-ends"][data-condition="ended"]').waitFor();
  });
});

test('200 runs: sorted, filtered, live, and nothing in their labels is markup', async () => {
  const feeder = Feeder.start(lehrd, 200, 'feed');
  try {
    await feeder.steps(2);
    await withPage(browser, `${lehrd.origin}/`, async (page) => {
      await page.waitForFunction(
        () => document.querySelectorAll('tr[data-run^="feed-"]').length === 200,
      );
      // Tasks that hold the page up, from now on.
      await page.evaluate(() => {
        const tasks: number[] = [];
        Reflect.set(window, 'longTasks', tasks);
        new PerformanceObserver((list) => {
          tasks.push(...list.getEntries().map((entry) => entry.duration));
        }).observe({ type: 'longtask' });
      });
      const newest = await feeder.steps(3);
      await page.waitForFunction(
        (step) =>
          [...document.querySelectorAll('tr[data-run^="feed-"] .column-step .number')].every(
            (cell) => cell.textContent === String(step),
          ),
        newest,
      );
      const tasks = (await page.evaluate(() => Reflect.get(window, 'longTasks'))) as number[];
      console.log(
        `three times 200 runs changed: longest task ${Math.max(0, ...tasks).toFixed(0)} ms`,
      );

      // Labels are text: no element was made of them.
      const labels = await row(page, 'feed-1').locator('.label').allInnerTexts();
      assert.deepEqual(labels, [
        '<b>key</b>=<img src=x onerror=alert(1)>',
        'quote="\'><script>alert(2)</script>',
      ]);
      assert.equal(await page.locator('main img, main script, main b b').count(), 0);

      await page.getByRole('searchbox').fill('FEED-19');
      await page.getByText('11 of').waitFor();
      assert.match(page.url(), /text=FEED-19/);
      await page
        .getByRole('columnheader', { name: 'Run', exact: true })
        .getByRole('button')
        .click();
      const header = page.getByRole('columnheader', { name: 'Run', exact: true });
      assert.equal(await header.getAttribute('aria-sort'), 'ascending');
      const ids = await page.locator('.run-id').allInnerTexts();
      assert.deepEqual(ids.slice(0, 3), ['feed-19', 'feed-190', 'feed-191']);
      await header.getByRole('button').click();
      assert.equal(await header.getAttribute('aria-sort'), 'descending');

      // The link has it all.
      const link = page.url();
      await page.goto('about:blank');
      await page.goto(link);
      await page.getByText('11 of').waitFor();
      assert.equal(await page.locator('.run-id').first().textContent(), 'feed-199');
    });
  } finally {
    await feeder.kill();
  }
});

test('only the runs of a condition', async () => {
  await withPage(browser, `${lehrd.origin}/#/?condition=ended`, async (page) => {
    await row(page, 'xor-ends').waitFor();
    await page.waitForFunction(() => document.querySelectorAll('tr[data-run]').length === 1);
    await page.getByRole('button', { name: /^ended/ }).click();
    await page.waitForFunction(() => document.querySelectorAll('tr[data-run]').length > 1);
  });
});

test('a supervisor that is gone is seen, and its return too', async () => {
  await withPage(
    browser,
    `${lehrd.origin}/`,
    async (page) => {
      await untilText(page, '.connection', /^live$/);
      await lehrd.kill();
      await untilText(page, '.connection', /^connection lost/);
      lehrd = await Lehrd.start([], lehrd);
      await untilText(page, '.connection', /^live$/);
    },
    { expected: /ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY|ERR_NETWORK/ },
  );
});
