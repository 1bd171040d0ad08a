import assert from 'node:assert/strict';
import { test } from 'node:test';
import { age, elapsed } from '../../../server/web/src/text/time';

const minute = 60_000;

// As AgeText of client/cli/run_text.cc.
test('ages have the unit that fits', () => {
  assert.equal(age(-5000), '0 s');
  assert.equal(age(119_000), '119 s');
  assert.equal(age(2 * minute), '2 min');
  assert.equal(age(119 * minute), '119 min');
  assert.equal(age(120 * minute), '2 h');
  assert.equal(age(47.9 * 60 * minute), '47 h');
  assert.equal(age(72 * 60 * minute), '3 d');
});

test('elapsed time on an axis', () => {
  assert.equal(elapsed(0), '0 s');
  assert.equal(elapsed(0.25), '0.25 s');
  assert.equal(elapsed(180), '3 min');
  assert.equal(elapsed(7200), '2 h');
  assert.equal(elapsed(9000), '2 h 30 min');
});
