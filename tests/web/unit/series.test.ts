import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision, GetSeriesResponse } from '../../../server/web/src/api/messages';
import {
  addDecision,
  decodeSeries,
  stepAtTime,
  summarize,
  timeAtStep,
  toCsv,
} from '../../../server/web/src/run/series';

// Two buckets: steps 0 to 9 closed at 100 s with a spike of 5, steps 10 to 19 at 101 s.
function response(): GetSeriesResponse {
  const temperature = { min: [1, 2], max: [5, 3], last: [2, 3] };
  return {
    generation: '1',
    firstStep: ['0', '10'],
    lastStep: ['9', '19'],
    closedUnixNs: ['100000000000', '101000000000'],
    temperature,
    measured: [10, 10],
    perturbations: [0, 1],
    snapshots: [1, 0],
    restores: [0, 0],
    identities: [1, 0],
    learningRates: [0, 2],
    withheld: [0, 0],
  };
}

function decision(step: number, change: Partial<Decision> = {}): Decision {
  return {
    generation: '1',
    step: String(step),
    applyStep: String(step + 1),
    observation: {
      count: '4',
      temperature: 7,
      magnitude: 1,
      imbalance: 0.5,
      rootMeanSquare: 0.5,
      mean: 0.4,
      max: 2,
      nanLosses: '0',
      infiniteLosses: '0',
      negativeLosses: '0',
      highest: [],
      coverage: 1,
      deadExamples: '3',
      dead: [],
      p10: 0.125,
      p50: 0.25,
      p90: 1,
      tiedShare: 0.75,
    },
    reason: { code: 'CODE_ACTED', value: 0.1, limit: 0 },
    actions: [],
    withheld: [],
    reports: 1,
    closedUnixNs: '102000000000',
    policy: 'error_driven',
    ...change,
  };
}

const perturb = {
  stddev: 0.25,
  scale: 'NOISE_SCALE_ABSOLUTE',
  optimizerState: 'OPTIMIZER_STATE_KEEP',
  tensorSelector: '',
};

test('the next decision is a bucket of its own', () => {
  const series = decodeSeries(response());
  const acts = decision(20, {
    actions: [
      { restore: { id: '5' } },
      { identity: {} },
      { perturb },
      { learningRate: { factor: 0.1 } },
    ],
  });
  assert.equal(addDecision(series, acts), 'added');
  assert.deepEqual(series.firstStep, [0, 10, 20]);
  assert.deepEqual(series.lastStep, [9, 19, 20]);
  assert.deepEqual(series.closedSeconds, [100, 101, 102]);
  assert.deepEqual(series.extents.temperature.max, [5, 3, 7]);
  assert.deepEqual(series.extents.deadExamples.last, [0, 0, 3]);
  assert.deepEqual(series.extents.p90.max, [0, 0, 1]);
  assert.deepEqual(series.extents.tiedShare.last, [0, 0, 0.75]);
  assert.deepEqual(series.extents.stddev.last, [0, 0, 0.25]);
  assert.deepEqual(series.counts.perturbations, [0, 1, 1]);
  assert.deepEqual(series.counts.restores, [0, 0, 1]);
  assert.deepEqual(series.counts.identities, [1, 0, 1]);
  assert.deepEqual(series.counts.learningRates, [0, 2, 1]);
  assert.deepEqual(series.measured, [10, 10, 1]);
});

test('a decision that is there already changes nothing', () => {
  const series = decodeSeries(response());
  assert.equal(addDecision(series, decision(19)), 'known');
  assert.equal(addDecision(series, decision(20, { generation: '2' })), 'known');
  assert.equal(series.lastStep.length, 2);
});

test('a decision beyond the next one says that some are missing', () => {
  const series = decodeSeries(response());
  assert.equal(addDecision(series, decision(25)), 'gap');
  assert.equal(series.lastStep.at(-1), 25);
});

test('a clock that was set back does not turn the axis', () => {
  const series = decodeSeries(response());
  addDecision(series, decision(20, { closedUnixNs: '90000000000' }));
  assert.deepEqual(series.closedSeconds, [100, 101, 101]);
});

test('a step without a usable loss has no values', () => {
  const series = decodeSeries({ ...response(), measured: [0, 10] });
  assert.deepEqual(summarize(series, 'temperature'), {
    last: 3,
    least: 2,
    greatest: 3,
    greatestStep: 19,
  });
});

test('the summary holds the spike', () => {
  const series = decodeSeries(response());
  assert.deepEqual(summarize(series, 'temperature'), {
    last: 3,
    least: 1,
    greatest: 5,
    greatestStep: 9,
  });
});

test('steps and times are turned into each other, inside and beyond', () => {
  const series = decodeSeries(response());
  assert.equal(timeAtStep(series, 14), 100.5);
  assert.equal(stepAtTime(series, 100.5), 14);
  assert.equal(timeAtStep(series, 29), 102);
  assert.equal(stepAtTime(series, 99), -1);
});

test('an empty series is harmless', () => {
  const empty = decodeSeries({
    generation: '1',
    firstStep: [],
    lastStep: [],
    closedUnixNs: [],
    measured: [],
    perturbations: [],
    snapshots: [],
    restores: [],
    identities: [],
    learningRates: [],
    withheld: [],
  });
  assert.equal(summarize(empty, 'mean'), null);
  assert.equal(timeAtStep(empty, 5), 5);
  assert.equal(addDecision(empty, decision(0)), 'added');
});

test('CSV has a line for each bucket', () => {
  const lines = toCsv(decodeSeries(response())).trimEnd().split('\n');
  assert.equal(lines.length, 3);
  assert.ok(lines[0]?.startsWith('first_step,last_step,closed_unix_seconds,temperature_min'));
  assert.ok(lines[0]?.includes(',root_mean_square_last,'));
  assert.ok(
    lines[0]?.endsWith(',perturbations,identities,restores,learning_rates,snapshots,withheld'),
  );
  assert.ok(lines[1]?.startsWith('0,9,100,1,5,2,'));
  const columns = lines[0]?.split(',').length;
  assert.ok(lines.every((line) => line.split(',').length === columns));
});
