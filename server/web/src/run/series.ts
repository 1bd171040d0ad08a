// A run's course in buckets of steps, as columns for charts; new decisions are added at its end. Pure.

import type { Action, Decision, ExtentColumns, GetSeriesResponse } from '../api/messages';

export const quantities = [
  'temperature',
  'magnitude',
  'rootMeanSquare',
  'imbalance',
  'mean',
  'max',
  'p10',
  'p50',
  'p90',
  'deadExamples',
  'tiedShare',
  'stddev',
] as const;
export type Quantity = (typeof quantities)[number];

export const marks = [
  'perturbations',
  'identities',
  'restores',
  'learningRates',
  'snapshots',
  'withheld',
] as const;
export type Mark = (typeof marks)[number];

// All columns are of equal length, oldest first.
export interface Series {
  generation: number;
  firstStep: number[];
  lastStep: number[];
  // When the last step of each bucket closed: seconds since the Unix epoch, never falling.
  closedSeconds: number[];
  // Decisions that measured something: without one, a bucket's extents mean nothing.
  measured: number[];
  extents: Record<Quantity, ExtentColumns>;
  counts: Record<Mark, number[]>;
}

export function decodeSeries(response: GetSeriesResponse): Series {
  const length = response.firstStep.length;
  let latest = 0;
  return {
    generation: Number(response.generation),
    firstStep: response.firstStep.map(Number),
    lastStep: response.lastStep.map(Number),
    closedSeconds: response.closedUnixNs.map((ns) => {
      latest = Math.max(latest, Number(ns) / 1e9);
      return latest;
    }),
    measured: [...response.measured],
    extents: record(quantities, (quantity) => copyExtent(response[quantity], length)),
    counts: record(marks, (mark) => [...response[mark]]),
  };
}

export type Added =
  // It is in the series now.
  | 'added'
  // It was there, or belongs to another generation.
  | 'known'
  // It is in the series, but steps before it are missing.
  | 'gap';

// Adds a decision as a bucket of its own.
export function addDecision(series: Series, decision: Decision): Added {
  const step = Number(decision.step);
  const newest = series.lastStep.at(-1) ?? -1;
  if (Number(decision.generation) !== series.generation || step <= newest) {
    return 'known';
  }
  series.firstStep.push(step);
  series.lastStep.push(step);
  const closed = Number(decision.closedUnixNs) / 1e9;
  series.closedSeconds.push(Math.max(closed, series.closedSeconds.at(-1) ?? 0));
  series.measured.push(Number(decision.observation.count) > 0 ? 1 : 0);
  for (const quantity of quantities) {
    const value = valueIn(decision, quantity);
    const extent = series.extents[quantity];
    extent.min.push(value);
    extent.max.push(value);
    extent.last.push(value);
  }
  for (const mark of marks) {
    series.counts[mark].push(countOf(decision, mark));
  }
  return step === newest + 1 ? 'added' : 'gap';
}

// The time at a step: between buckets in proportion, beyond them as far on as the steps are.
export function timeAtStep(series: Series, step: number): number {
  return interpolated(series.lastStep, series.closedSeconds, step);
}

// The step at a time, likewise.
export function stepAtTime(series: Series, seconds: number): number {
  return interpolated(series.closedSeconds, series.lastStep, seconds);
}

export interface Summary {
  last: number;
  least: number;
  greatest: number;
  // Where the greatest was.
  greatestStep: number;
}

// null where nothing was measured.
export function summarize(series: Series, quantity: Quantity): Summary | null {
  const { min, max, last } = series.extents[quantity];
  let summary: Summary | null = null;
  for (let i = 0; i < max.length; ++i) {
    if ((series.measured[i] ?? 0) > 0) {
      summary = including(summary, {
        last: last[i] ?? 0,
        least: min[i] ?? 0,
        greatest: max[i] ?? 0,
        greatestStep: series.lastStep[i] ?? 0,
      });
    }
  }
  return summary;
}

export function total(counts: number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

// As comma-separated values: a header and a line for each bucket.
export function toCsv(series: Series): string {
  const header = [
    'first_step',
    'last_step',
    'closed_unix_seconds',
    ...quantities.flatMap((quantity) =>
      ['min', 'max', 'last'].map((kind) => `${snake(quantity)}_${kind}`),
    ),
    'measured',
    ...marks.map(snake),
  ];
  const lines = series.firstStep.map((first, i) =>
    [
      first,
      series.lastStep[i],
      series.closedSeconds[i],
      ...quantities.flatMap((quantity) => {
        const extent = series.extents[quantity];
        return [extent.min[i], extent.max[i], extent.last[i]];
      }),
      series.measured[i],
      ...marks.map((mark) => series.counts[mark][i]),
    ].join(','),
  );
  return `${[header.join(','), ...lines].join('\n')}\n`;
}

function including(summary: Summary | null, bucket: Summary): Summary {
  if (summary === null) {
    return bucket;
  }
  const isGreater = bucket.greatest > summary.greatest;
  return {
    last: bucket.last,
    least: Math.min(summary.least, bucket.least),
    greatest: isGreater ? bucket.greatest : summary.greatest,
    greatestStep: isGreater ? bucket.greatestStep : summary.greatestStep,
  };
}

function valueIn(decision: Decision, quantity: Quantity): number {
  switch (quantity) {
    case 'deadExamples':
      return Number(decision.observation.deadExamples);
    case 'tiedShare':
      return decision.observation.tiedShare ?? 0;
    case 'stddev':
      return Math.max(0, ...decision.actions.map((action) => action.perturb?.stddev ?? 0));
    default:
      return decision.observation[quantity];
  }
}

const actionOfMark: Record<Exclude<Mark, 'withheld'>, keyof Action> = {
  perturbations: 'perturb',
  identities: 'identity',
  restores: 'restore',
  learningRates: 'learningRate',
  snapshots: 'snapshot',
};

function countOf(decision: Decision, mark: Mark): number {
  if (mark === 'withheld') {
    return decision.withheld.length > 0 ? 1 : 0;
  }
  return decision.actions.filter((action) => action[actionOfMark[mark]] !== undefined).length;
}

// The y at x of the line through (xs, ys), with xs not falling.
function interpolated(xs: number[], ys: number[], x: number): number {
  if (xs.length < 2) {
    return ys[0] ?? x;
  }
  let right = xs.findIndex((value) => value >= x);
  right = right < 0 ? xs.length - 1 : Math.max(1, right);
  const isInside = x >= (xs[0] ?? 0) && x <= (xs.at(-1) ?? 0);
  // Beyond the ends the slope is that of the whole: single steps are uneven.
  const [i, j] = isInside ? [right - 1, right] : [0, xs.length - 1];
  const [x0 = 0, x1 = 0, y0 = 0, y1 = 0] = [xs[i], xs[j], ys[i], ys[j]];
  const slope = x1 > x0 ? (y1 - y0) / (x1 - x0) : 0;
  return x > x1 ? y1 + slope * (x - x1) : y0 + slope * (x - x0);
}

function copyExtent(extent: ExtentColumns | undefined, length: number): ExtentColumns {
  const zeros = () => new Array<number>(length).fill(0);
  return extent
    ? { min: [...extent.min], max: [...extent.max], last: [...extent.last] }
    : { min: zeros(), max: zeros(), last: zeros() };
}

function record<Key extends string, Value>(
  keys: readonly Key[],
  value: (key: Key) => Value,
): Record<Key, Value> {
  return Object.fromEntries(keys.map((key) => [key, value(key)])) as Record<Key, Value>;
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
