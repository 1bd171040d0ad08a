import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curvePath, tickPath } from '../../../server/web/src/sparkline_path';

test('from 0 at the bottom to the greatest at the top', () => {
  assert.equal(curvePath([0, 2, 1], 102, 22), 'M1 21L51 1L101 11');
});

test('nothing, one value, and only zeros', () => {
  assert.equal(curvePath([], 102, 22), '');
  assert.equal(curvePath([5], 102, 22), 'M1 1L101 1');
  assert.equal(curvePath([0, 0], 102, 22), 'M1 21L101 21');
});

test('a tick under each place with acts', () => {
  assert.equal(tickPath([0, 3, 0], 102, 26, 4), 'M51 26v-4');
  assert.equal(tickPath([], 102, 26, 4), '');
});
