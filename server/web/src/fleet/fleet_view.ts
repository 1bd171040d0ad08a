// All runs side by side, live.

import type { ListOverviewResponse, RunOverview } from '../api/messages';
import { followOverview } from '../api/overview_stream';
import type { App, View } from '../app';
import { arrange, el, setAttribute, setText } from '../dom';
import { conditionIcon } from '../icons';
import { type Condition, conditionOf, conditions } from '../text/condition';
import { count, plural } from '../text/number';
import {
  type FleetColumn,
  type FleetState,
  fleetDefaults,
  formatFragment,
  mostCompared,
} from '../view_state';
import { ConditionNews } from './condition_news';
import { FleetRow } from './fleet_row';
import { visibleRuns } from './order';
import { StopActing } from './stop_acting';

const titles: Record<FleetColumn, string> = {
  run: 'Run',
  condition: 'Condition',
  did: 'What Lehr did',
  temperature: 'Temperature',
  loss: 'Mean loss',
  ranks: 'Ranks',
  dead: 'Dead',
  step: 'Step',
  seen: 'Seen',
};

export class FleetView implements View<FleetState> {
  readonly title = 'Runs';
  private readonly rows = new Map<string, FleetRow>();
  private readonly stop = new AbortController();
  private readonly news: ConditionNews;
  private readonly head = el('tr', { role: 'row' });
  private readonly body = el('tbody', { role: 'rowgroup' });
  private readonly chips = new Map<Condition, HTMLButtonElement>();
  private readonly filter: HTMLInputElement;
  private readonly sortSelect: HTMLSelectElement;
  private readonly overlay = el('a', { class: 'button', 'data-role': 'overlay' });
  private readonly stopActing: StopActing;
  private readonly shown = el('span', { class: 'note', 'data-role': 'shown' });
  private readonly empty = el('p', { class: 'empty', hidden: true });
  private readonly ages: ReturnType<typeof setInterval>;
  private arrangePending = false;
  private loaded = false;

  constructor(
    private readonly app: App,
    root: HTMLElement,
    private state: FleetState,
  ) {
    this.stopActing = new StopActing(app);
    this.news = new ConditionNews((text) => app.announce(text));
    this.filter = el('input', {
      type: 'search',
      placeholder: 'Filter by name or label',
      'aria-label': 'Filter by name, label or policy',
      oninput: () => this.change({ text: this.filter.value }),
    });
    this.sortSelect = this.makeSortSelect();
    root.append(
      el('h1', { class: 'visually-hidden' }, 'Runs'),
      this.makeToolbar(),
      el(
        'div',
        { class: 'table-frame' },
        el(
          'table',
          { class: 'fleet', role: 'table', 'aria-label': 'Runs' },
          el('thead', { role: 'rowgroup' }, this.head),
          this.body,
        ),
        this.empty,
      ),
    );
    this.makeHead();
    this.update(state);
    this.ages = setInterval(() => {
      for (const row of this.rows.values()) {
        row.updateAges();
      }
    }, 1000);
    followOverview(
      (overview, isWhole) => this.take(overview, isWhole),
      (connection) => app.showConnection(connection),
      this.stop.signal,
    );
  }

  update(state: FleetState): void {
    this.state = state;
    if (this.filter.value !== state.text) {
      this.filter.value = state.text;
    }
    this.sortSelect.value = state.sort;
    this.showHead();
    this.showSelection();
    this.arrangeRows();
  }

  dispose(): void {
    this.stop.abort();
    clearInterval(this.ages);
  }

  private change(change: Partial<FleetState>): void {
    this.app.replace({ ...this.state, ...change });
  }

  private take(overview: ListOverviewResponse, isWhole: boolean): void {
    this.app.showActingStopped(overview.actingStopped);
    this.stopActing.show(overview.actingStopped);
    if (isWhole) {
      this.loaded = true;
      this.forgetOthers(overview.runs);
    }
    for (const run of overview.runs) {
      const row = this.rows.get(run.runId);
      if (row) {
        row.update(run);
      } else {
        this.addRow(run);
      }
      this.news.take(run);
    }
    this.showSelection();
    this.scheduleArrange();
  }

  private addRow(run: RunOverview): void {
    const select = (selected: boolean) => this.select(run.runId, selected);
    this.rows.set(run.runId, new FleetRow(run, select));
  }

  private forgetOthers(runs: RunOverview[]): void {
    const ids = new Set(runs.map((run) => run.runId));
    for (const id of this.rows.keys()) {
      if (!ids.has(id)) {
        this.rows.delete(id);
      }
    }
  }

  // However many changes come: once a frame.
  private scheduleArrange(): void {
    if (!this.arrangePending) {
      this.arrangePending = true;
      requestAnimationFrame(() => {
        this.arrangePending = false;
        this.arrangeRows();
      });
    }
  }

  private arrangeRows(): void {
    const runs = [...this.rows.values()].map((row) => row.run);
    const visible = visibleRuns(runs, this.state);
    arrange(
      this.body,
      visible.flatMap((run) => this.rows.get(run.runId)?.element ?? []),
    );
    this.showCounts(runs);
    setText(
      this.shown,
      visible.length === runs.length
        ? plural(runs.length, 'run')
        : `${count(visible.length)} of ${plural(runs.length, 'run')}`,
    );
    this.showEmpty(runs.length, visible.length);
  }

  private showEmpty(runs: number, visible: number): void {
    this.empty.hidden = visible > 0;
    if (runs > 0) {
      setText(this.empty, 'No run matches the filter.');
    } else if (this.loaded) {
      setText(
        this.empty,
        'No runs yet. Start one, e.g. lehr-train --task=xor-relu-sum --supervisor=HOST:7070 --run=xor',
      );
    } else {
      setText(this.empty, 'Loading…');
    }
  }

  private showCounts(runs: RunOverview[]): void {
    const counts = new Map<Condition, number>();
    for (const run of runs) {
      const condition = conditionOf(run);
      counts.set(condition, (counts.get(condition) ?? 0) + 1);
    }
    for (const [condition, chip] of this.chips) {
      const isPressed = this.state.conditions.includes(condition);
      const number = counts.get(condition) ?? 0;
      setText(chip.lastElementChild as Element, count(number));
      setAttribute(chip, 'aria-pressed', String(isPressed));
      chip.hidden = number === 0 && !isPressed;
    }
  }

  private makeToolbar(): HTMLElement {
    for (const condition of conditions) {
      const chip = el(
        'button',
        {
          type: 'button',
          class: 'chip',
          'data-condition': condition,
          'aria-pressed': 'false',
          onclick: () => this.toggleCondition(condition),
        },
        conditionIcon(condition),
        `${condition} `,
        el('b', {}, '0'),
      );
      this.chips.set(condition, chip);
    }
    return el(
      'div',
      { class: 'toolbar', role: 'search', 'aria-label': 'Which runs are shown' },
      el(
        'div',
        { class: 'chips', role: 'group', 'aria-label': 'Only runs that are' },
        ...this.chips.values(),
      ),
      this.filter,
      el('label', { class: 'sort-select' }, 'Sort by ', this.sortSelect),
      this.shown,
      el('span', { class: 'space' }),
      this.stopActing.element,
      this.overlay,
    );
  }

  private toggleCondition(condition: Condition): void {
    const others = this.state.conditions.filter((one) => one !== condition);
    const isOn = others.length < this.state.conditions.length;
    this.change({ conditions: isOn ? others : [...others, condition] });
  }

  private makeSortSelect(): HTMLSelectElement {
    const select = el('select', {
      onchange: () => this.change({ sort: select.value as FleetColumn, descending: false }),
    });
    for (const [column, title] of Object.entries(titles)) {
      select.append(el('option', { value: column }, title));
    }
    return select;
  }

  private makeHead(): void {
    this.head.append(
      el(
        'th',
        { role: 'columnheader', scope: 'col', class: 'column-select' },
        el('span', { class: 'visually-hidden' }, 'Overlay'),
      ),
    );
    for (const [column, title] of Object.entries(titles)) {
      this.head.append(
        el(
          'th',
          {
            role: 'columnheader',
            scope: 'col',
            class: `column-${column}`,
            'data-column': column,
          },
          el(
            'button',
            { type: 'button', onclick: () => this.sortBy(column as FleetColumn) },
            title,
          ),
        ),
      );
    }
  }

  private sortBy(column: FleetColumn): void {
    const descending = column === this.state.sort && !this.state.descending;
    this.change({ sort: column, descending });
  }

  private showHead(): void {
    for (const header of this.head.querySelectorAll('[data-column]')) {
      const isSorted = header.getAttribute('data-column') === this.state.sort;
      const order = this.isAscending() ? 'ascending' : 'descending';
      setAttribute(header, 'aria-sort', isSorted ? order : null);
    }
  }

  // The first click on a column of numbers puts the greatest on top.
  private isAscending(): boolean {
    const natural: FleetColumn[] = ['run', 'condition', 'ranks'];
    return natural.includes(this.state.sort) !== this.state.descending;
  }

  private select(runId: string, selected: boolean): void {
    const others = this.state.selected.filter((id) => id !== runId);
    if (selected && others.length >= mostCompared) {
      this.app.announce(`At most ${mostCompared} runs can be overlaid.`);
      this.showSelection();
      return;
    }
    this.change({ selected: selected ? [...others, runId] : others });
  }

  private showSelection(): void {
    const { selected } = this.state;
    for (const [id, row] of this.rows) {
      row.checkbox.checked = selected.includes(id);
    }
    if (selected.length === 0) {
      setText(this.overlay, 'Overlay');
      this.overlay.removeAttribute('href');
      this.overlay.title = 'Select runs to see their curves in one chart';
      setAttribute(this.overlay, 'aria-disabled', 'true');
    } else {
      setText(this.overlay, `Overlay ${plural(selected.length, 'run')}`);
      this.overlay.href = formatFragment({
        view: 'compare',
        runs: selected,
        align: 'step',
        range: null,
        log: false,
      });
      this.overlay.title = '';
      this.overlay.removeAttribute('aria-disabled');
    }
  }
}

export const fleetHome = formatFragment(fleetDefaults);
