import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overlaid } from '../../../server/web/src/compare/overlay';
import { decodeSeries } from '../../../server/web/src/run/series';

function series(steps: number[], startSeconds: number) {
  const numbers = steps.map(() => 0);
  return decodeSeries({
    generation: '1',
    firstStep: steps.map(String),
    lastStep: steps.map(String),
    closedUnixNs: steps.map((_, i) => String((startSeconds + i) * 1e9)),
    mean: { min: steps, max: steps, last: steps },
    measured: numbers,
    perturbations: numbers,
    snapshots: numbers,
    restores: numbers,
    identities: numbers,
    learningRates: numbers,
    withheld: numbers,
  });
}

const runs = [series([0, 2], 100), null, series([1, 2, 3], 500)];

test('by step', () => {
  assert.deepEqual(
    overlaid(runs, 'step', (one) => one.extents.mean.last),
    {
      xs: [0, 1, 2, 3],
      columns: [
        [0, null, 2, null],
        [null, null, null, null],
        [null, 1, 2, 3],
      ],
    },
  );
});

test('by the time since the first decision', () => {
  assert.deepEqual(
    overlaid(runs, 'time', (one) => one.extents.mean.last),
    {
      xs: [0, 1, 2],
      columns: [
        [0, 2, null],
        [null, null, null],
        [1, 2, 3],
      ],
    },
  );
});
