import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision, ExampleLoss } from '../../../server/web/src/api/messages';
import { LossHistories } from '../../../server/web/src/run/loss_histories';

// As far as a history reads it.
function decision(step: number, dead: ExampleLoss[], highest: ExampleLoss[] = []): Decision {
  return { step: String(step), observation: { dead, highest } } as unknown as Decision;
}

test('losses in the order of steps, however they come, each step once', () => {
  const histories = new LossHistories();
  histories.add(decision(5, [{ exampleId: '7', loss: 0.5 }]));
  histories.add(decision(3, [], [{ exampleId: '7', loss: 0.3 }]));
  histories.add(decision(9, [{ exampleId: '7', loss: 0.9 }]));
  histories.add(decision(5, [{ exampleId: '7', loss: 0.5 }]));
  assert.deepEqual(histories.of('7'), [0.3, 0.5, 0.9]);
  assert.deepEqual(histories.of('8'), []);
});

test('an id is not a number: neighbours beyond 2^53 stay apart', () => {
  const histories = new LossHistories();
  histories.add(decision(1, [{ exampleId: '18446744073709551615', loss: 1 }]));
  assert.deepEqual(histories.of('18446744073709551614'), []);
});

test('the memory is bounded', () => {
  const histories = new LossHistories();
  for (let step = 0; step < 1000; ++step) {
    histories.add(decision(step, [{ exampleId: '1', loss: step }]));
  }
  assert.equal(histories.of('1').length, 256);
  assert.equal(histories.of('1').at(-1), 999);
});
