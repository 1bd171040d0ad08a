import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compact, count, percent, plural, short } from '../../../server/web/src/text/number';

// The expected texts are those of printf("%.4g") in C, but for the exponent's leading zero.
test('four significant digits, as C writes them', () => {
  const cases: [number, string][] = [
    [0, '0'],
    [0.432149, '0.4321'],
    [1, '1'],
    [12.3456, '12.35'],
    [99.999, '100'],
    [9999.4, '9999'],
    [0.00012345, '0.0001234'],
    [0.5, '0.5'],
    [-0.25, '-0.25'],
  ];
  for (const [value, text] of cases) {
    assert.equal(short(value), text, String(value));
  }
});

test('shares in percent', () => {
  assert.equal(percent(0.125, 3), '12.5 %');
  assert.equal(percent(0.01234), '1.2 %');
  assert.equal(percent(0), '0 %');
  assert.equal(percent(1, 3), '100 %');
});

test('the very small and the very large have an exponent', () => {
  assert.equal(short(0.0000125), '1.25e-5');
  assert.equal(short(1e9), '1e+9');
  assert.equal(short(12345), '12345');
});

test('what is no number says so', () => {
  assert.equal(short(Number.NaN), 'NaN');
  assert.equal(short(Number.NEGATIVE_INFINITY), '-∞');
});

test('digits can be fewer', () => {
  assert.equal(short(0.0123456, 3), '0.0123');
});

test('counts are grouped, ticks are compact', () => {
  assert.equal(count(1234567), '1,234,567');
  assert.equal(compact(9500), '9500');
  assert.equal(compact(12000), '12k');
  assert.equal(compact(1.5e6), '1.5M');
});

test('one is singular', () => {
  assert.equal(plural(1, 'rank'), '1 rank');
  assert.equal(plural(0, 'rank'), '0 ranks');
  assert.equal(plural(2000, 'rank'), '2,000 ranks');
});
