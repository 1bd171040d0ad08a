// The ranks of a run: those that keep the others waiting first.

import { ApiError, getJson, runPath, serverNow } from '../api/http';
import type { ListRanksResponse, RankStatus } from '../api/messages';
import { el, setText } from '../dom';
import { count, plural } from '../text/number';
import { age } from '../text/time';
import { Throttle } from '../throttle';

const refreshPauseMs = 1000;
const mostShown = 32;

export class RankTable {
  readonly element: HTMLElement;
  private readonly body = el('tbody');
  private readonly note = el('p', { class: 'note' });
  private readonly refresh: Throttle;
  private readonly stop = new AbortController();

  constructor(private readonly runId: string) {
    const titles = ['Rank', 'State', 'Step', 'Behind', 'Seen'];
    this.element = el(
      'section',
      { 'aria-labelledby': 'ranks-title' },
      el('div', { class: 'section-head' }, el('h2', { id: 'ranks-title' }, 'Ranks')),
      el(
        'table',
        { class: 'rank-table' },
        el('thead', {}, el('tr', {}, ...titles.map((title) => el('th', { scope: 'col' }, title)))),
        this.body,
      ),
      this.note,
    );
    this.refresh = new Throttle(() => this.fetch(), refreshPauseMs);
    this.refresh.request();
  }

  poke(): void {
    this.refresh.request();
  }

  dispose(): void {
    this.stop.abort();
    this.refresh.stop();
  }

  private async fetch(): Promise<void> {
    try {
      const path = runPath(this.runId, '/ranks');
      const { ranks, nextPageToken } = await getJson<ListRanksResponse>(path, this.stop.signal);
      this.show(ranks, nextPageToken !== '');
    } catch (error) {
      if (error instanceof ApiError) {
        setText(this.note, `The ranks cannot be had: ${error.message}`);
      }
    }
  }

  private show(ranks: RankStatus[], hasMore: boolean): void {
    const now = serverNow();
    const shown = inOrderOfConcern(ranks).slice(0, mostShown);
    this.body.replaceChildren(...shown.map((rank) => rankRow(rank, now)));
    const rest = ranks.length - shown.length;
    const more = hasMore ? 'More ranks than are looked at here.' : '';
    setText(this.note, rest > 0 ? `And ${plural(rest, 'rank')} in no worse state. ${more}` : more);
  }
}

export function rankState(rank: RankStatus): string {
  if (rank.left) {
    return 'left';
  }
  if (!rank.connected) {
    return rank.joined ? 'lost' : 'not joined';
  }
  return rank.silent ? 'silent' : 'connected';
}

// Those who have gone, then the silent, then those farthest behind.
export function inOrderOfConcern(ranks: RankStatus[]): RankStatus[] {
  const concern = ['lost', 'not joined', 'silent', 'connected', 'left'];
  return ranks.toSorted(
    (a, b) =>
      concern.indexOf(rankState(a)) - concern.indexOf(rankState(b)) ||
      Number(b.stepsBehind) - Number(a.stepsBehind) ||
      a.rank - b.rank,
  );
}

function rankRow(rank: RankStatus, now: number): HTMLElement {
  const state = rankState(rank);
  const step = Number(rank.step);
  return el(
    'tr',
    { 'data-rank-state': state },
    el('th', { scope: 'row', class: 'number' }, String(rank.rank)),
    el('td', {}, state + (rank.behindSidecar ? ', by a sidecar' : '')),
    el('td', { class: 'number' }, step >= 0 ? count(step) : '–'),
    el('td', { class: 'number' }, count(Number(rank.stepsBehind))),
    el('td', { class: 'number' }, rank.lastSeen ? age(now - Date.parse(rank.lastSeen)) : '–'),
  );
}
