// The losses of single examples over the decisions that name them. Pure.

import type { Decision } from '../api/messages';

const longest = 256;
const mostExamples = 512;

export class LossHistories {
  private readonly losses = new Map<string, { step: number; loss: number }[]>();

  // Decisions in any order.
  add(decision: Decision): void {
    const step = Number(decision.step);
    const { dead, highest } = decision.observation;
    const named = new Map([...highest, ...dead].map((one) => [one.exampleId, one.loss]));
    for (const [id, loss] of named) {
      this.addLoss(id, step, loss);
    }
  }

  // Oldest first.
  of(exampleId: string): number[] {
    return (this.losses.get(exampleId) ?? []).map(({ loss }) => loss);
  }

  private addLoss(id: string, step: number, loss: number): void {
    const history = this.losses.get(id) ?? [];
    // The ones that were named most lately stay.
    this.losses.delete(id);
    this.losses.set(id, history);
    const at = history.findLastIndex((entry) => entry.step <= step);
    if (history[at]?.step !== step) {
      history.splice(at + 1, 0, { step, loss });
    }
    if (history.length > longest) {
      history.shift();
    }
    if (this.losses.size > mostExamples) {
      this.losses.delete(this.losses.keys().next().value ?? '');
    }
  }
}
