import assert from 'node:assert/strict';
import { test } from 'node:test';
import { panned, resolved, within, zoomed } from '../../../server/web/src/run/range';

const bounds = { first: 0, newest: 1000 };
const all = { from: null, to: null };

test('zooming in keeps the middle', () => {
  assert.deepEqual(zoomed(all, bounds, 0.5), { from: 250, to: 750 });
  assert.deepEqual(zoomed({ from: 250, to: 750 }, bounds, 0.5), { from: 375, to: 625 });
});

test('zooming out beyond the bounds shows everything, live', () => {
  assert.deepEqual(zoomed({ from: 250, to: 750 }, bounds, 2), all);
});

test('zooming in ends at a few steps', () => {
  assert.deepEqual(zoomed({ from: 496, to: 504 }, bounds, 0.5), { from: 496, to: 504 });
});

test('panning stops at the ends, and keeps the width', () => {
  assert.deepEqual(panned({ from: 400, to: 600 }, bounds, 0.5), { from: 500, to: 700 });
  assert.deepEqual(panned({ from: 50, to: 250 }, bounds, -0.5), { from: null, to: 200 });
  assert.deepEqual(panned({ from: 700, to: 900 }, bounds, 1), { from: 800, to: null });
  assert.deepEqual(panned(all, bounds, 0.5), all);
  // Half of 39 is no whole step.
  assert.deepEqual(panned({ from: 100, to: 139 }, bounds, 0.5), { from: 120, to: 159 });
  assert.deepEqual(panned({ from: 100, to: 101 }, bounds, -0.25), { from: 99, to: 100 });
});

test('a selection is in whole steps and includes what it touches', () => {
  assert.deepEqual(within(99.5, 200.2, bounds), { from: 99, to: 201 });
  assert.deepEqual(within(-20, 4000, bounds), all);
});

test('ends that are not set are those of the run', () => {
  assert.deepEqual(resolved(all, bounds), { from: 0, to: 1000 });
  assert.deepEqual(resolved({ from: 2000, to: null }, bounds), { from: 2000, to: 2000 });
});
