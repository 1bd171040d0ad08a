import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { actionsText, outcomeText } from '../../../server/web/src/text/action';
import { reasonText } from '../../../server/web/src/text/reason';

const source = process.env.LEHR_SOURCE_DIR ?? '';

test('every code of the contract has words', () => {
  const proto = readFileSync(`${source}/proto/lehr/v1/decision.proto`, 'utf8');
  const codes = [...proto.matchAll(/^ {4}(CODE_[A-Z_]+) = \d+;/gm)].map((match) => match[1] ?? '');
  assert.ok(codes.length > 25);
  for (const code of codes.filter((one) => one !== 'CODE_UNSPECIFIED')) {
    const bare = code.replace('CODE_', '').toLowerCase().replaceAll('_', ' ');
    const text = reasonText({ code, value: 3, limit: 7 });
    assert.ok(text !== '' && (text !== bare || code === 'CODE_OBSERVE_ONLY'), code);
  }
});

test('the words are those of the terminal', () => {
  const text = (code: string, value: number, limit: number) => reasonText({ code, value, limit });
  assert.equal(
    text('CODE_ACTED', 0.31, 0.1),
    'acts: noise of 0.31 was asked for and cut to max_stddev 0.1',
  );
  assert.equal(
    text('CODE_STALL_FLAT', 0.012, 0.02),
    'acts: the loss is flat, within 1.2 % of itself (limit 2 %)',
  );
  assert.equal(text('CODE_KEEPS_BEST', 0.5, 0), 'keeps its first state: mean loss 0.5');
  assert.equal(
    text('CODE_STALL_DEAD', 0.31, 0.05),
    'acts: dead examples carry 31 % of the loss (limit 5 %)',
  );
  assert.equal(
    text('CODE_NOTHING_DEAD', 0.01, 0.05),
    'no improvement, but no example is dead: 1 % of the loss ties, acts from 5 %',
  );
  assert.equal(
    text('CODE_COOLS', 120, 125),
    'lowers the learning rate: 120 steps to go, from 125 on',
  );
});

test('a code of a newer server is told by its name', () => {
  assert.equal(reasonText({ code: 'CODE_BRAND_NEW', value: 0, limit: 0 }), 'brand new');
});

test('actions in words', () => {
  const perturb = {
    stddev: 0.31,
    scale: 'NOISE_SCALE_RELATIVE',
    shrink: 0.9,
    optimizerState: 'OPTIMIZER_STATE_RESET',
    tensorSelector: '',
  };
  assert.equal(
    actionsText([{ restore: { id: '1' } }, { perturb }, { snapshot: { id: '2' } }]),
    'restore, perturb: noise 0.31 × initial scale, shrink 0.9, optimizer reset, snapshot',
  );
});

test('identity and learning rate in words', () => {
  assert.equal(
    actionsText([{ identity: {} }, { learningRate: { factor: 0.10000000149011612 } }]),
    'identity, learning rate × 0.1',
  );
});

test('what became of a command', () => {
  const entry = (actions: object[], applied: number, skipped: number) =>
    outcomeText({ decision: { actions }, applied, skipped } as never);
  assert.equal(entry([{}], 1, 2), 'applied by 1 rank, skipped by 2 ranks');
  assert.equal(entry([], 0, 0), '');
});
