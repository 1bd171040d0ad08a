// The list of decisions: newest first, with reasons in words, older ones on demand.

import { ApiError, getJson, runPath, withQuery } from '../api/http';
import type { GetHistoryResponse, HistoryEntry } from '../api/messages';
import { arrange, el, setAttribute, setText } from '../dom';
import { actionsText, outcomeText } from '../text/action';
import { count, short } from '../text/number';
import { reasonText } from '../text/reason';
import { clockTime, fullTime } from '../text/time';
import { Throttle } from '../throttle';
import type { RunState } from '../view_state';

const pageSize = 40;
const refreshPauseMs = 400;
// Beyond, the list begins anew with the newest page.
const mostRows = 600;

export class DecisionList {
  readonly element: HTMLElement;
  private readonly body = el('tbody');
  private readonly onlyActs: HTMLInputElement;
  private readonly older: HTMLButtonElement;
  private readonly note = el('p', { class: 'note', role: 'status' });
  private readonly refresh = new Throttle(() => this.fetchNewest(), refreshPauseMs);
  private readonly stop = new AbortController();
  // By step, of one generation.
  private rows = new Map<string, { step: number; element: HTMLElement }>();
  private nextPage = '';
  private newestStep: number | undefined;

  constructor(
    private state: RunState,
    private generation: number,
    onAll: (all: boolean) => void,
  ) {
    this.onlyActs = el('input', {
      type: 'checkbox',
      onchange: () => onAll(!this.onlyActs.checked),
    });
    this.older = el(
      'button',
      { type: 'button', hidden: true, onclick: () => void this.fetchOlder() },
      'Older',
    );
    const titles = ['Step', 'Why, and what'];
    this.element = el(
      'section',
      { class: 'decisions', 'aria-labelledby': 'decisions-title' },
      el(
        'div',
        { class: 'section-head' },
        el('h2', { id: 'decisions-title' }, 'Decisions'),
        el('label', {}, this.onlyActs, ' Only acts'),
      ),
      el(
        'div',
        { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Decisions, newest first' },
        el(
          'table',
          { class: 'decision-table' },
          el(
            'thead',
            {},
            el('tr', {}, ...titles.map((title) => el('th', { scope: 'col' }, title))),
          ),
          this.body,
        ),
        this.note,
        this.older,
      ),
    );
    this.onlyActs.checked = !state.all;
    this.refresh.request();
  }

  setState(state: RunState): void {
    const isOther = state.all !== this.state.all;
    this.state = state;
    this.onlyActs.checked = !state.all;
    if (isOther) {
      this.restart();
    }
  }

  // Something was decided in `generation`, or became of what was.
  poke(generation: number): void {
    if (generation !== this.generation) {
      this.generation = generation;
      this.restart();
    }
    this.refresh.request();
  }

  dispose(): void {
    this.stop.abort();
    this.refresh.stop();
  }

  private async fetchNewest(): Promise<void> {
    // The newest one again: what became of it may be known now.
    const page = await this.fetchPage('', this.newestStep);
    if (page === null) {
      return;
    }
    if (this.rows.size > mostRows || !page.entries.some((entry) => this.rows.has(keyOf(entry)))) {
      this.rows.clear();
      this.nextPage = page.nextPageToken;
    }
    this.take(page);
  }

  private async fetchOlder(): Promise<void> {
    this.older.disabled = true;
    const page = await this.fetchPage(this.nextPage);
    this.older.disabled = false;
    if (page !== null) {
      this.nextPage = page.nextPageToken;
      this.take(page);
    }
  }

  // null: it cannot be had, or is no longer wanted.
  private async fetchPage(
    pageToken: string,
    fromStep?: number,
  ): Promise<GetHistoryResponse | null> {
    const { runId, all } = this.state;
    const generation = this.generation;
    try {
      const page = await getJson<GetHistoryResponse>(
        withQuery(runPath(runId, '/history'), {
          newest_first: true,
          only_acts: !all,
          page_size: pageSize,
          generation,
          from_step: fromStep,
          page_token: pageToken || undefined,
        }),
        this.stop.signal,
      );
      return all === this.state.all && generation === this.generation ? page : null;
    } catch (error) {
      if (error instanceof ApiError) {
        setText(this.note, `The decisions cannot be had: ${error.message}`);
      }
      return null;
    }
  }

  private take(page: GetHistoryResponse): void {
    for (const entry of page.entries) {
      this.rows.set(keyOf(entry), {
        step: Number(entry.decision.step),
        element: decisionRow(entry),
      });
    }
    this.newestStep = Math.max(...[...this.rows.values()].map((row) => row.step), 0);
    const sorted = [...this.rows.values()].sort((a, b) => b.step - a.step);
    arrange(
      this.body,
      sorted.map((row) => row.element),
    );
    this.older.hidden = this.nextPage === '';
    setText(this.note, this.rows.size > 0 ? '' : this.emptyText());
  }

  private restart(): void {
    this.rows.clear();
    this.body.replaceChildren();
    this.nextPage = '';
    this.newestStep = undefined;
    this.refresh.request();
  }

  private emptyText(): string {
    return this.state.all
      ? 'Nothing was decided yet.'
      : 'Lehr has not changed this run. Untick “Only acts” to see every decision.';
  }
}

function keyOf({ decision }: HistoryEntry): string {
  return String(decision.step);
}

// It changes the parameters, as only_acts of the API means it.
function isAct({ decision }: HistoryEntry): boolean {
  return decision.actions.some((action) => action.perturb || action.restore || action.identity);
}

function decisionRow(entry: HistoryEntry): HTMLElement {
  const { decision } = entry;
  const closed = Number(decision.closedUnixNs) / 1e6;
  const commanded = actionsText(decision.actions);
  const withheld = actionsText(decision.withheld);
  const outcome = outcomeText(entry);
  const row = el(
    'tr',
    {},
    el(
      'td',
      {},
      el('b', { class: 'number' }, count(Number(decision.step))),
      el('time', { class: 'note', title: fullTime(closed) }, clockTime(closed)),
    ),
    el(
      'td',
      {},
      el('span', {}, reasonText(decision.reason)),
      commanded ? el('span', { class: 'commanded' }, commanded) : null,
      withheld ? el('span', { class: 'note' }, `withheld: ${withheld}`) : null,
      el(
        'span',
        { class: 'note' },
        `T ${short(decision.observation.temperature, 3)}, ` +
          `loss ${short(decision.observation.mean, 3)}${outcome ? `; ${outcome}` : ''}`,
      ),
    ),
  );
  setAttribute(row, 'data-step', String(decision.step));
  setAttribute(row, 'data-acts', isAct(entry) ? '' : null);
  return row;
}
