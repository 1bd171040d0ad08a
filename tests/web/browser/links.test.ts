import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { openBrowser, withPage } from './pages';
import { Lehrd } from './processes';

let browser: Browser;
let lehrd: Lehrd;

before(async () => {
  [browser, lehrd] = await Promise.all([openBrowser(), Lehrd.start()]);
});

after(async () => {
  await browser.close();
  await lehrd.stop();
});

const wrong: [string, RegExp][] = [
  ['#/nowhere', /There is no such page/],
  ['#/run/', /There is no such page/],
  ['#/run/%E0%A4%A', /There is no such page/],
  ['#/run/nothing', /There is no such run/],
  ['#/compare', /No runs to overlay/],
  [`#/run/${encodeURIComponent('<img src=x onerror=alert(1)>')}`, /no such run|cannot be shown/],
  [`#/${encodeURIComponent('"><script>alert(1)</script>')}`, /There is no such page/],
];

for (const [link, message] of wrong) {
  test(`${link} says what is wrong, and shows the way home`, async () => {
    await withPage(
      browser,
      `${lehrd.origin}/${link}`,
      async (page) => {
        await page.getByRole('heading', { name: message }).waitFor();
        assert.equal(await page.locator('main img, main script').count(), 0);
        await page.getByRole('link', { name: 'To all runs' }).click();
        await page.getByText('No runs yet').waitFor();
      },
      { expected: /40[04]/ },
    );
  });
}

test('the back button goes back', async () => {
  await withPage(
    browser,
    `${lehrd.origin}/#/`,
    async (page) => {
      await page.getByText('No runs yet').waitFor();
      await page.evaluate(() => {
        location.hash = '#/run/nothing';
      });
      await page.getByRole('heading', { name: 'There is no such run' }).waitFor();
      await page.goBack();
      await page.getByText('No runs yet').waitFor();
    },
    { expected: /404/ },
  );
});
