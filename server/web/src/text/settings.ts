// A run's policy, guards and settings, in words. Pure.

import type { Guards, Policy, RunSettings } from '../api/messages';
import { count, plural, short } from './number';

export function policyText(policy: Policy): string {
  const observe = policy.observe ? 'observe: ' : '';
  if (policy.errorDriven) {
    const level = policy.errorDriven.baseNoiseLevel ?? 1;
    const least = policy.errorDriven.minImbalance ?? 0;
    const balance = least > 0 ? `, min_imbalance ${short(least)}` : '';
    return `${observe}error_driven, base_noise_level ${short(level)}${balance}`;
  }
  if (policy.reheat) {
    const planned = Number(policy.reheat.plannedSteps ?? 0);
    return `${observe}reheat${planned > 0 ? `, planned_steps ${count(planned)}` : ''}`;
  }
  return `${observe}a rule that this page does not know`;
}

export function guardsText(guards: Guards | undefined): string {
  const limits = [];
  if (guards?.maxStddev !== undefined) {
    limits.push(`max_stddev ${short(guards.maxStddev)}`);
  }
  if (guards && guards.cooldownSteps > 0) {
    limits.push(`cooldown of ${plural(guards.cooldownSteps, 'step')}`);
  }
  if (guards && guards.budget > 0) {
    limits.push(
      `at most ${plural(guards.budget, 'acting step')} in ${count(guards.budgetWindowSteps)}`,
    );
  }
  if (guards && guards.breakerFactor > 0) {
    limits.push(
      `breaker at ${short(guards.breakerFactor)} times the loss within ` +
        plural(guards.breakerWindowSteps, 'step'),
    );
  }
  return limits.length > 0 ? limits.join('; ') : 'none';
}

// Names and values, in the order of interest.
export function settingsFacts(settings: RunSettings): [string, string][] {
  const facts: [string, string][] = [
    ['Policy', policyText(settings.policy)],
    ['Guards', guardsText(settings.guards)],
    ['Scope', scopeText(settings)],
    ['Lag', plural(settings.lag, 'step')],
    ['Quorum', settings.quorum > 0 ? plural(settings.quorum, 'rank') : 'more than half'],
    ['Straggler timeout', settings.stragglerTimeout ?? '10s'],
    ['Join timeout', settings.joinTimeout ?? '60s'],
    ['Run seed', settings.runSeed],
  ];
  if (settings.lossOffset !== 0) {
    facts.push(['Loss offset', short(settings.lossOffset)]);
  }
  if (settings.digestEverySteps > 0) {
    facts.push(['Digest every', plural(settings.digestEverySteps, 'step')]);
  }
  return facts;
}

function scopeText(settings: RunSettings): string {
  return settings.scope === 'LOSS_SCOPE_DATASET'
    ? `data set of ${plural(Number(settings.datasetExamples), 'example')}`
    : 'batch';
}
