// Which runs the fleet shows, and in which order. Pure.

import type { RunOverview } from '../api/messages';
import { actsOf, conditionOf, conditions } from '../text/condition';
import type { FleetColumn, FleetState } from '../view_state';

type Key = number | string;

// What a column is sorted by. The first rows are those that want a person most: runs that are stuck,
// and of those the ones that have been so for longest; the hottest; those with the most dead examples.
const keys: Record<FleetColumn, (run: RunOverview) => Key[]> = {
  run: (run) => [run.runId],
  condition: (run) => [conditions.indexOf(conditionOf(run)), Date.parse(run.conditionSince)],
  did: (run) => [-actsOf(run), -Number(run.lastActedStep ?? -1)],
  temperature: (run) => [-run.temperature],
  loss: (run) => [-run.mean],
  ranks: (run) => [run.connected / run.worldSize, -run.worldSize],
  dead: (run) => [-Number(run.deadExamples)],
  step: (run) => [-Number(run.step)],
  seen: (run) => [-Date.parse(run.lastSeen)],
};

export function visibleRuns(runs: Iterable<RunOverview>, state: FleetState): RunOverview[] {
  const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = [...runs].filter(
    (run) =>
      (state.conditions.length === 0 || state.conditions.includes(conditionOf(run))) &&
      words.every((word) => searchText(run).includes(word)),
  );
  const keyOf = keys[state.sort];
  const sign = state.descending ? -1 : 1;
  const keyed = shown.map((run) => ({ run, key: keyOf(run) }));
  keyed.sort((a, b) => sign * compareKeys(a.key, b.key) || compareText(a.run.runId, b.run.runId));
  return keyed.map(({ run }) => run);
}

function searchText(run: RunOverview): string {
  const labels = Object.entries(run.labels).map(([name, value]) => `${name}=${value}`);
  return [run.runId, run.policy, ...labels].join(' ').toLowerCase();
}

function compareKeys(a: Key[], b: Key[]): number {
  for (const [i, left] of a.entries()) {
    const right = b[i];
    const order =
      typeof left === 'string' ? compareText(left, String(right)) : left - Number(right);
    if (order !== 0) {
      return order;
    }
  }
  return 0;
}

const collator = new Intl.Collator('en', { numeric: true });

function compareText(a: string, b: string): number {
  return collator.compare(a, b);
}
