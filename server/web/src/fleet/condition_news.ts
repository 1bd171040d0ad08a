// Changes of condition, told to those who listen rather than look: collected, so that many changes at
// once are one sentence.

import type { RunOverview } from '../api/messages';
import { type Condition, conditionOf } from '../text/condition';
import { plural } from '../text/number';

const collectMs = 1500;
const mostNamed = 3;

export class ConditionNews {
  private readonly known = new Map<string, Condition>();
  private readonly changed = new Map<string, Condition>();
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly announce: (text: string) => void) {}

  take(run: RunOverview): void {
    const condition = conditionOf(run);
    const before = this.known.get(run.runId);
    this.known.set(run.runId, condition);
    if (before !== undefined && before !== condition) {
      this.changed.set(run.runId, condition);
      this.timer ??= setTimeout(() => this.tell(), collectMs);
    }
  }

  private tell(): void {
    this.timer = null;
    const changes = [...this.changed];
    this.changed.clear();
    this.announce(newsText(changes));
  }
}

// "xor-2 is stalled, xor-3 is silent"; "12 runs changed: ..." where they are many.
export function newsText(changes: [string, Condition][]): string {
  const named = changes
    .slice(0, mostNamed)
    .map(([runId, condition]) => `${runId} is ${condition}`)
    .join(', ');
  return changes.length > mostNamed
    ? `${plural(changes.length, 'run')} changed: ${named}, …`
    : named;
}
