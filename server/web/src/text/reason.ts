// Why a decision is what it is, in words. The same words as client/cli/reason_text.cc. Pure.

import type { Reason } from '../api/messages';
import { percent, short } from './number';

const whole = (value: number) => value.toFixed(0);

const texts: Record<string, (value: number, limit: number) => string> = {
  ACTED: (value, limit) =>
    limit > 0
      ? `acts: noise of ${short(value)} was asked for and cut to max_stddev ${short(limit)}`
      : `acts: noise of ${short(value)}`,
  ZERO_STDDEV: (value) => `no noise to make at temperature ${short(value)}`,
  BALANCED: (value, limit) =>
    `the losses are balanced: unsquared imbalance ${short(value)}, acts above ${short(limit)}`,
  OBSERVE_ONLY: () => 'only observes',
  COOLDOWN: (value, limit) => `cooldown: ${whole(value)} of ${whole(limit)} steps since it acted`,
  BUDGET_SPENT: (value, limit) =>
    `budget spent: ${whole(value)} of ${whole(limit)} acting steps in the window`,
  BREAKER_OPEN: (value, limit) =>
    `breaker open: the mean loss rose to ${short(value)}, ${short(limit)} was allowed`,
  ACTING_STOPPED: () => 'all acting was stopped by an operator',
  BELOW_QUORUM: (value, limit) => `too few reports: ${whole(value)} of ${whole(limit)} needed`,
  UNKNOWN_AFTER_CRASH: (value) =>
    `the supervisor crashed; steps up to ${whole(value)} have no command`,
  NO_LOSSES: (value) => `no usable loss, left out: ${whole(value)}`,
  NO_AGREE: (value) => `ranks that lent no agree function: ${whole(value)}`,
  STDDEV_NOT_FINITE: (value) => `the noise would not be a finite number: ${short(value)}`,
  NO_NOISE_SPEC: (value) => `ranks that do not know the commands' noise: ${whole(value)}`,
  RANK_LEFT: (value) => `ranks have left: ${whole(value)}`,
  WARMING_UP: (value, limit) =>
    `warming up: ${percent(value, 3)} of the examples are known, acts from ${percent(limit, 3)}`,
  SNAPSHOT_MISSING: (value) => `ranks that lack the snapshot to go back to: ${whole(value)}`,
  STALL_FLAT: (value, limit) =>
    `acts: the loss is flat, within ${percent(value)} of itself (limit ${percent(limit)})`,
  STALL_SLOW: (value, limit) =>
    `acts: no 1 % improvement for ${whole(value)} passes (limit ${whole(limit)})`,
  STALL_COLLAPSED: (value, limit) =>
    `acts: collapsed to a mean loss of ${short(value)} (limit ${short(limit)})`,
  STALL_BOUND: (value, limit) =>
    `acts: the mean loss is ${short(value)} and bound for no less than ${short(limit)}`,
  STALL_DEAD: (value, limit) =>
    `acts: dead examples carry ${percent(value)} of the loss (limit ${percent(limit)})`,
  NOTHING_DEAD: (value, limit) =>
    `no improvement, but no example is dead: ${percent(value)} of the loss ties, ` +
    `acts from ${percent(limit)}`,
  COOLS: (value, limit) =>
    `lowers the learning rate: ${whole(value)} steps to go, from ${whole(limit)} on`,
  IMPROVING: (value, limit) =>
    `improving: ${whole(value)} passes without a 1 % improvement, stalls from ${whole(limit)}`,
  STILL_MOVING: (value, limit) =>
    `still moving: ${whole(value)} passes without a 1 % improvement, stalls from ${whole(limit)}`,
  CONVERGED: (value, limit) => `converged: mean loss ${short(value)}, acts above ${short(limit)}`,
  FEW_EXAMPLES: (value, limit) =>
    `only outliers: ${percent(value)} of the examples carry the loss, acts from ${percent(limit)}`,
  PASS_UNDER_WAY: (value, limit) => `pass under way: ${whole(value)} of ${whole(limit)} losses`,
  UNDER_WAY: (value, limit) =>
    `the command of step ${whole(value)} is applied before step ${whole(limit)}`,
  KEEPS_BEST: (value, limit) =>
    limit > 0
      ? `keeps its best state: mean loss ${short(value)}, ${short(limit)} before`
      : `keeps its first state: mean loss ${short(value)}`,
  LAST_PHASE: (value, limit) =>
    `last phase: ${whole(value)} steps to go, acts no more from ${whole(limit)}`,
  RETURNS_TO_BEST: (value, limit) =>
    `returns to its best state: mean loss ${short(limit)}, from ${short(value)}`,
};

// "" where there is no reason yet.
export function reasonText(reason: Reason | undefined): string {
  if (reason === undefined || reason.code === 'CODE_UNSPECIFIED') {
    return '';
  }
  const name = String(reason.code).replace(/^CODE_/, '');
  const text = texts[name];
  return text ? text(reason.value, reason.limit) : name.toLowerCase().replaceAll('_', ' ');
}
