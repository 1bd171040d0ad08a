// What a decision commands, in words. Pure.

import type { Action, HistoryEntry, Perturbation } from '../api/messages';
import { plural, short } from './number';

// "restore, perturb: noise 0.31 × initial values, shrink 0.9; optimizer reset".
export function actionsText(actions: Action[]): string {
  return actions.map(actionText).filter(Boolean).join(', ');
}

// "applied by 2 ranks"; "" where nothing was commanded or told yet.
export function outcomeText(entry: HistoryEntry): string {
  if (entry.decision.actions.length === 0) {
    return '';
  }
  const parts = [];
  if (entry.applied > 0) {
    parts.push(`applied by ${plural(entry.applied, 'rank')}`);
  }
  if (entry.skipped > 0) {
    parts.push(`skipped by ${plural(entry.skipped, 'rank')}`);
  }
  return parts.join(', ');
}

function actionText(action: Action): string {
  if (action.restore) {
    return 'restore';
  }
  if (action.snapshot) {
    return 'snapshot';
  }
  if (action.identity) {
    return 'identity';
  }
  if (action.learningRate) {
    return `learning rate × ${short(action.learningRate.factor)}`;
  }
  return action.perturb ? perturbText(action.perturb) : '';
}

function perturbText(perturb: Perturbation): string {
  const unit = perturb.scale === 'NOISE_SCALE_RELATIVE' ? ' × initial scale' : '';
  const parts = [`perturb: noise ${short(perturb.stddev)}${unit}`];
  if (perturb.shrink !== undefined && perturb.shrink !== 1) {
    parts.push(`shrink ${short(perturb.shrink)}`);
  }
  if (perturb.optimizerState === 'OPTIMIZER_STATE_RESET') {
    parts.push('optimizer reset');
  }
  if (perturb.tensorSelector !== '') {
    parts.push(`only ${perturb.tensorSelector}`);
  }
  return parts.join(', ');
}
