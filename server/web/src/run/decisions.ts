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
  // By key, newest first.
  private rows = new Map<string, { order: [number, number]; element: HTMLElement }>();
  private nextPage = '';

  constructor(
    private state: RunState,
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
    const isOther = state.all !== this.state.all || state.generation !== this.state.generation;
    this.state = state;
    this.onlyActs.checked = !state.all;
    if (isOther) {
      this.rows.clear();
      this.nextPage = '';
      this.refresh.request();
    }
  }

  // Something was decided, or became of what was.
  poke(): void {
    this.refresh.request();
  }

  dispose(): void {
    this.stop.abort();
    this.refresh.stop();
  }

  private async fetchNewest(): Promise<void> {
    const page = await this.fetchPage('');
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

  private async fetchPage(pageToken: string): Promise<GetHistoryResponse | null> {
    const { runId, generation, all } = this.state;
    try {
      const page = await getJson<GetHistoryResponse>(
        withQuery(runPath(runId, '/history'), {
          newest_first: true,
          only_commands: !all,
          page_size: pageSize,
          generation: generation ?? undefined,
          page_token: pageToken || undefined,
        }),
        this.stop.signal,
      );
      const isStale = all !== this.state.all || generation !== this.state.generation;
      return isStale ? null : page;
    } catch (error) {
      if (error instanceof ApiError) {
        setText(this.note, `The decisions cannot be had: ${error.message}`);
      }
      return null;
    }
  }

  private take(page: GetHistoryResponse): void {
    for (const entry of page.entries) {
      const { generation, step } = entry.decision;
      this.rows.set(keyOf(entry), {
        order: [Number(generation), Number(step)],
        element: decisionRow(entry),
      });
    }
    const sorted = [...this.rows.values()].sort(
      (a, b) => b.order[0] - a.order[0] || b.order[1] - a.order[1],
    );
    arrange(
      this.body,
      sorted.map((row) => row.element),
    );
    this.older.hidden = this.nextPage === '';
    setText(this.note, this.rows.size > 0 ? '' : this.emptyText());
  }

  private emptyText(): string {
    return this.state.all
      ? 'Nothing was decided yet.'
      : 'Lehr has not acted on this run. Untick “Only acts” to see every decision.';
  }
}

function keyOf({ decision }: HistoryEntry): string {
  return `${decision.generation}/${decision.step}`;
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
  setAttribute(row, 'data-acts', decision.actions.length > 0 ? '' : null);
  return row;
}
