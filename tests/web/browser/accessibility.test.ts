import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { axeFaults, isTooWide, openBrowser, row, untilText, withPage } from './pages';
import { Feeder, Lehrd, Trainer } from './processes';

let browser: Browser;
let lehrd: Lehrd;
let feeder: Feeder;

before(async () => {
  [browser, lehrd] = await Promise.all([openBrowser(), Lehrd.start()]);
  feeder = Feeder.start(lehrd, 4, 'feed');
  await feeder.steps(30);
  const options = ['--task=xor-relu-sum', '--seed=4', '--steps=4000', '--scope=dataset'];
  const trainer = Trainer.start(lehrd, 'xor-4', [...options, '--policy=reheat']);
  assert.equal(await trainer.ended, 0);
});

after(async () => {
  await feeder.kill();
  await browser.close();
  await lehrd.stop();
});

const views: [string, string, (page: Page) => Promise<void>][] = [
  ['fleet', '#/', (page) => row(page, 'feed-1').waitFor()],
  [
    'run',
    '#/run/xor-4',
    async (page) => {
      await page.locator('.decision-table tbody tr').first().waitFor();
      await page.locator('figure[data-chart="stddev"] canvas').waitFor();
      await page.getByText('The same as a table').click();
      await page.locator('table.data tbody tr').first().waitFor();
    },
  ],
  [
    'overlay',
    '#/compare?runs=feed-1,feed-2,xor-4',
    (page) => untilText(page, '.compared', /ended/),
  ],
  ['wrong link', '#/nowhere', (page) => page.getByText('There is no such page').waitFor()],
];

for (const [name, link, isThere] of views) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`axe finds nothing serious: ${name}, ${colorScheme}`, async () => {
      await withPage(
        browser,
        `${lehrd.origin}/${link}`,
        async (page) => {
          await isThere(page);
          assert.deepEqual(await axeFaults(page), []);
        },
        { colorScheme },
      );
    });
  }

  test(`a phone is wide enough: ${name}`, async () => {
    await withPage(
      browser,
      `${lehrd.origin}/${link}`,
      async (page) => {
        await isThere(page);
        assert.equal(await isTooWide(page), false);
        assert.deepEqual(await axeFaults(page), []);
      },
      { width: 360 },
    );
  });
}

test('the theme can be chosen, and stays chosen', async () => {
  await withPage(browser, `${lehrd.origin}/`, async (page) => {
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.getByLabel('Theme').selectOption('dark');
    const dark = await ground();
    assert.notEqual(dark, light);
    await page.reload();
    await row(page, 'feed-1').waitFor();
    assert.equal(await ground(), dark);
  });
});

test('everything is reached by the keyboard', async () => {
  await withPage(browser, `${lehrd.origin}/`, async (page) => {
    await row(page, 'feed-1').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'main');
    await page.getByRole('link', { name: 'feed-1' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'feed-1', level: 1 }).waitFor();
    // The focus is in the new view, not where the old one was.
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'main');
  });
});
