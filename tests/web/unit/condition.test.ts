import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newsText } from '../../../server/web/src/fleet/condition_news';
import { conditionOf, didText, helpText, sinceText } from '../../../server/web/src/text/condition';
import { overview } from './overview';

const now = Date.parse('2026-01-01T00:03:00Z');

function acted(condition: string, lossNow: number, times: number[]) {
  const run = overview('r', { condition, lastActedStep: '4120', lossBeforeAct: 0.69, lossNow });
  run.sparkline.acted = times;
  return run;
}

test('what Lehr did, and whether it helped', () => {
  const helped = acted('RUN_CONDITION_RECOVERING', 0.12, [0, 2, 1]);
  assert.equal(didText(helped), 'perturbed 3 times, last at step 4,120');
  assert.equal(helpText(helped), 'loss 0.69 → 0.12, helped');
  assert.equal(didText(acted('RUN_CONDITION_STALLED', 0.69, [1])), 'perturbed once, at step 4,120');
});

test('less than a hundredth is no help, and soon after the act nobody knows', () => {
  assert.match(helpText(acted('RUN_CONDITION_STALLED', 0.686, [1])), /, no help yet$/);
  assert.match(helpText(acted('RUN_CONDITION_PERTURBED', 0.1, [1])), /, too early to say$/);
});

test('nothing done is said, and by a run that only observes why', () => {
  assert.equal(didText(overview('r')), 'nothing');
  assert.equal(helpText(overview('r')), '');
  const reason = { code: 'CODE_OBSERVE_ONLY', value: 0, limit: 0 };
  assert.equal(didText(overview('r', { reason })), 'only observes');
});

test('since when', () => {
  assert.equal(sinceText(overview('r', { conditionStep: '4000' }), now), 'since step 4,000, 3 min');
  assert.equal(sinceText(overview('r'), now), 'for 3 min');
});

test('a condition of a newer server is no reason for alarm', () => {
  assert.equal(conditionOf(overview('r', { condition: 'RUN_CONDITION_NEW' })), 'healthy');
});

test('many changes at once are one sentence', () => {
  assert.equal(newsText([['a', 'stalled']]), 'a is stalled');
  const many = ['a', 'b', 'c', 'd'].map((id): [string, 'silent'] => [id, 'silent']);
  assert.equal(newsText(many), '4 runs changed: a is silent, b is silent, c is silent, …');
});
