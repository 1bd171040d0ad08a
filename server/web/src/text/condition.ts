// What a run needs, if anything, and what Lehr did about it, in words. Pure.

import type { RunOverview } from '../api/messages';
import { count, short } from './number';
import { age } from './time';

export const conditions = [
  'stalled',
  'silent',
  'perturbed',
  'recovering',
  'joining',
  'healthy',
  'ended',
] as const;

// In the order of how much they want a person.
export type Condition = (typeof conditions)[number];

// A condition that this page does not know counts as healthy: the server is newer.
export function conditionOf(run: RunOverview): Condition {
  const name = String(run.condition)
    .replace(/^RUN_CONDITION_/, '')
    .toLowerCase();
  return conditions.find((condition) => condition === name) ?? 'healthy';
}

export const conditionMeaning: Record<Condition, string> = {
  stalled: 'the loss is flat and the temperature is high',
  silent: 'no rank is connected, and not all have left',
  perturbed: 'Lehr acted lately; too early to say what that did',
  recovering: 'the loss fell below what it was before Lehr acted',
  joining: 'some ranks have not joined yet',
  healthy: 'the loss falls, or little of it is left',
  ended: 'all ranks have left, or an operator ended it',
};

// "since step 4,000, 3 min".
export function sinceText(run: RunOverview, now: number): string {
  const duration = age(now - Date.parse(run.conditionSince));
  const step = Number(run.conditionStep);
  return step > 0 ? `since step ${count(step)}, ${duration}` : `for ${duration}`;
}

export type Help = 'helped' | 'no help yet' | 'too early to say' | 'unknown';

// Whether the loss is below what it was before Lehr acted, by more than 1 %.
export function help(run: RunOverview): Help {
  const { lossBeforeAct: before, lossNow: now } = run;
  if (before === undefined || now === undefined) {
    return 'unknown';
  }
  if (conditionOf(run) === 'perturbed') {
    return 'too early to say';
  }
  return now < 0.99 * before ? 'helped' : 'no help yet';
}

export function actsOf(run: RunOverview): number {
  return run.sparkline.acted.reduce((sum, acts) => sum + acts, 0);
}

// "perturbed 3 times, last at step 4,120"; what held it back where it did nothing.
export function didText(run: RunOverview): string {
  const acts = actsOf(run);
  if (run.lastActedStep !== undefined) {
    const times = acts > 1 ? `${count(acts)} times, last at` : 'once, at';
    return `perturbed ${times} step ${count(Number(run.lastActedStep))}`;
  }
  if (run.reason?.code === 'CODE_OBSERVE_ONLY') {
    return 'only observes';
  }
  return 'nothing';
}

// "loss 0.69 → 0.12, helped"; "" where nothing was changed.
export function helpText(run: RunOverview): string {
  if (run.lossBeforeAct === undefined || run.lossNow === undefined) {
    return '';
  }
  return `loss ${short(run.lossBeforeAct, 3)} → ${short(run.lossNow, 3)}, ${help(run)}`;
}
