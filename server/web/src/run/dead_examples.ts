// The examples that no gradient reaches: their ids, and how their losses went.

import { ApiError, getJson, runPath, withQuery } from '../api/http';
import type { Decision, ExampleLoss, GetHistoryResponse, Observation } from '../api/messages';
import { el, setText } from '../dom';
import { SparklineView } from '../sparkline';
import { percent, plural, short } from '../text/number';
import { LossHistories } from './loss_histories';

// Where the losses before the page was opened come from.
const historySize = 200;

export class DeadExamples {
  readonly element: HTMLElement;
  private readonly body = el('tbody');
  private readonly note = el('p', { class: 'note' });
  private readonly tied = el('p', { class: 'note' });
  private readonly histories = new LossHistories();
  private readonly table: HTMLElement;
  private readonly stop = new AbortController();
  private listed: ExampleLoss[] = [];

  constructor(runId: string) {
    const titles = ['Example', 'Loss', 'Its losses'];
    this.table = el(
      'table',
      { class: 'dead-table' },
      el('thead', {}, el('tr', {}, ...titles.map((title) => el('th', { scope: 'col' }, title)))),
      this.body,
    );
    this.element = el(
      'section',
      { 'aria-labelledby': 'dead-title' },
      el('div', { class: 'section-head' }, el('h2', { id: 'dead-title' }, 'Dead examples')),
      this.note,
      this.tied,
      this.table,
    );
    void this.fetchHistory(runId);
  }

  take(decisions: Decision[]): void {
    for (const decision of decisions) {
      this.histories.add(decision);
    }
  }

  show(observation: Observation | undefined, isOfDataset: boolean): void {
    this.listed = observation?.dead ?? [];
    const all = Number(observation?.deadExamples ?? 0);
    setText(this.note, noteText(all, this.listed.length, isOfDataset));
    const share = observation?.tiedShare;
    this.tied.hidden = share === undefined;
    setText(this.tied, tiedText(share ?? 0));
    this.showListed();
  }

  dispose(): void {
    this.stop.abort();
  }

  private showListed(): void {
    this.table.hidden = this.listed.length === 0;
    this.body.replaceChildren(
      ...this.listed.map(({ exampleId, loss }) => {
        const curve = new SparklineView('loss');
        curve.update(this.histories.of(exampleId), []);
        return el(
          'tr',
          {},
          el('th', { scope: 'row', class: 'number' }, exampleId),
          el('td', { class: 'number' }, short(loss)),
          el('td', {}, curve.element),
        );
      }),
    );
  }

  private async fetchHistory(runId: string): Promise<void> {
    const query = { newest_first: true, page_size: historySize };
    try {
      const history = await getJson<GetHistoryResponse>(
        withQuery(runPath(runId, '/history'), query),
        this.stop.signal,
      );
      this.take(history.entries.map((entry) => entry.decision).reverse());
      // Of a run that has ended, nothing else will come.
      this.showListed();
    } catch (error) {
      if (!(error instanceof ApiError) && !this.stop.signal.aborted) {
        throw error;
      }
    }
  }
}

function tiedText(share: number): string {
  return `Tied losses: ${percent(share, 3)} of the loss ties exactly, as that of dead data does.`;
}

function noteText(all: number, listed: number, isOfDataset: boolean): string {
  if (!isOfDataset) {
    return 'Only scope dataset knows them: this run is measured batch by batch.';
  }
  if (all === 0) {
    return 'None: the loss of every example moves, or is low.';
  }
  const more = all > listed ? ` The ${listed} with the highest losses:` : '';
  return `${plural(all, 'example')} whose loss is high and does not move.${more}`;
}
