import assert from 'node:assert/strict';
import { test } from 'node:test';
import { visibleRuns } from '../../../server/web/src/fleet/order';
import { fleetDefaults } from '../../../server/web/src/view_state';
import { overview } from './overview';

const runs = [
  overview('a-10', { condition: 'RUN_CONDITION_HEALTHY', temperature: 3, step: '5' }),
  overview('a-9', {
    condition: 'RUN_CONDITION_STALLED',
    conditionSince: '2026-01-01T00:00:09Z',
    temperature: 2,
    labels: { task: 'xor' },
  }),
  overview('b', {
    condition: 'RUN_CONDITION_STALLED',
    conditionSince: '2026-01-01T00:00:01Z',
    temperature: 9,
  }),
  overview('c', { condition: 'RUN_CONDITION_SILENT', connected: 0 }),
];

const idsOf = (change: Partial<typeof fleetDefaults>) =>
  visibleRuns(runs, { ...fleetDefaults, ...change }).map((run) => run.runId);

test('first the stuck, and of those the ones that are so for longest', () => {
  assert.deepEqual(idsOf({}), ['b', 'a-9', 'c', 'a-10']);
});

test('the order turns', () => {
  assert.deepEqual(idsOf({ descending: true }), ['a-10', 'c', 'a-9', 'b']);
});

test('numbers begin with the greatest, names with the first, in the order of people', () => {
  assert.deepEqual(idsOf({ sort: 'temperature' }), ['b', 'a-10', 'a-9', 'c']);
  assert.deepEqual(idsOf({ sort: 'run' }), ['a-9', 'a-10', 'b', 'c']);
  assert.deepEqual(idsOf({ sort: 'ranks' })[0], 'c');
});

test('every word of the filter must be somewhere: id, label or policy', () => {
  assert.deepEqual(idsOf({ text: 'A- task=XOR' }), ['a-9']);
  assert.deepEqual(idsOf({ text: 'nothing' }), []);
});

test('only the chosen conditions', () => {
  assert.deepEqual(idsOf({ conditions: ['silent', 'healthy'] }), ['c', 'a-10']);
});
