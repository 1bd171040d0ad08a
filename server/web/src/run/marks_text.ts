// What Lehr did, in words. Pure.

import { plural } from '../text/number';
import { type Mark, marks, type Series } from './series';

export const markTitles: Record<Mark, string> = {
  perturbations: 'perturbed',
  identities: 'made identity',
  restores: 'restored',
  learningRates: 'learning rate scaled',
  snapshots: 'snapshot',
  withheld: 'withheld',
};

// In bucket `i`: "perturbed 1 time, restored 1 time".
export function marksText(series: Series, i: number): string {
  return marks
    .filter((mark) => (series.counts[mark][i] ?? 0) > 0)
    .map((mark) => `${markTitles[mark]} ${plural(series.counts[mark][i] ?? 0, 'time')}`)
    .join(', ');
}
