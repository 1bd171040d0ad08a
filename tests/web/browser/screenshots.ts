// Makes server/web/screenshots/{fleet,run}.png of real runs: some that Lehr freed, some that it only
// watches, one whose trainer dies.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { openBrowser, row, withPage } from './pages';
import { endless, Lehrd, Trainer } from './processes';

const folder = join(process.env.LEHR_SOURCE_DIR ?? '.', 'server/web/screenshots');
const xor = ['--task=xor-relu-sum', '--scope=dataset'];

const browser = await openBrowser();
const lehrd = await Lehrd.start();
const trainers: Trainer[] = [];

async function finished(run: string, options: string[]): Promise<void> {
  await Trainer.start(lehrd, run, options).ended;
}

function started(run: string, options: string[]): Trainer {
  const trainer = Trainer.start(lehrd, run, options);
  trainers.push(trainer);
  return trainer;
}

async function isShown(page: Page, run: string, condition: string): Promise<void> {
  await page.locator(`tr[data-run="${run}"][data-condition="${condition}"]`).waitFor();
}

try {
  for (const seed of [1, 2, 3, 4, 5, 6, 7]) {
    await finished(`xor-reheat-${seed}`, [
      ...xor,
      `--seed=${seed}`,
      '--policy=reheat',
      '--steps=4000',
    ]);
  }
  for (const seed of [1, 2]) {
    await finished(`xor-noise-${seed}`, ['--task=xor-relu-sum', `--seed=${seed}`, '--steps=2000']);
  }
  await withPage(
    browser,
    `${lehrd.origin}/`,
    async (page) => {
      started('xor-observed-3', [...xor, '--seed=3', '--policy=observe', '--steps=100000000']);
      started('spirals-2', endless);
      const dies = started('spirals-1', endless);
      await row(page, 'spirals-1').locator('.column-temperature .line[d*="L"]').waitFor();
      await dies.kill();
      await isShown(page, 'spirals-1', 'silent');
      await isShown(page, 'xor-observed-3', 'stalled');
      mkdirSync(folder, { recursive: true });
      await page.setViewportSize({ width: 1240, height: 500 });
      await page.screenshot({ path: join(folder, 'fleet.png') });
      await page.setViewportSize({ width: 1120, height: 1050 });
      await page.goto(`${lehrd.origin}/#/run/xor-reheat-3`);
      await page.locator('figure[data-chart="stddev"] canvas').waitFor();
      await page.locator('.decision-table tr[data-acts]').first().waitFor();
      await page.screenshot({ path: join(folder, 'run.png') });
    },
    { width: 1240, height: 720 },
  );
} finally {
  for (const trainer of trainers) {
    await trainer.kill();
  }
  await browser.close();
  await lehrd.stop();
}
