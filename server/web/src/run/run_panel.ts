// One run in depth, laid out: what is known of it, its course, decisions, dead examples, ranks, settings.

import type { Decision, GetRunResponse } from '../api/messages';
import type { App } from '../app';
import { download, el } from '../dom';
import { conditionOf } from '../text/condition';
import { settingsFacts } from '../text/settings';
import type { RunState } from '../view_state';
import { RunCharts } from './charts';
import { DeadExamples } from './dead_examples';
import { DecisionList } from './decisions';
import { type Bounds, within } from './range';
import { RankTable } from './ranks';
import { RunControls } from './run_controls';
import { RunHeader } from './run_header';
import { type Series, toCsv } from './series';
import { SeriesFeed } from './series_feed';
import { seriesTable } from './series_table';
import { type ExportKind, RunToolbar } from './toolbar';

const tableRows = 50;
// The labels of the axis and the padding; the rest of the width is one bucket a pixel.
const pixelsBesideCurves = 80;

export class RunPanel {
  private readonly header: RunHeader;
  private readonly toolbar: RunToolbar;
  private readonly charts: RunCharts;
  private readonly decisions: DecisionList;
  private readonly dead: DeadExamples;
  private readonly ranks: RankTable;
  private readonly controls: RunControls;
  private readonly settings = el('dl', { class: 'settings' });
  private readonly table: HTMLDetailsElement;
  private readonly chartFrame: HTMLElement;
  private readonly feed: SeriesFeed;
  private series: Series | null = null;

  constructor(
    private readonly app: App,
    root: HTMLElement,
    private state: RunState,
    private newest: GetRunResponse,
  ) {
    const { runId } = state;
    this.header = new RunHeader(runId);
    this.toolbar = new RunToolbar(state, {
      onChange: (change) => this.change(change),
      onExport: (kind) => void this.export(kind),
    });
    this.charts = new RunCharts(state, {
      onRange: (from, to) => this.change(within(from, to, this.bounds())),
      onReset: () => this.change({ from: null, to: null }),
    });
    this.decisions = new DecisionList(state, this.generation(), (all) => this.change({ all }));
    this.dead = new DeadExamples(runId);
    this.ranks = new RankTable(runId);
    this.controls = new RunControls(app, runId);
    this.table = el(
      'details',
      { ontoggle: () => this.showTable() },
      el('summary', {}, 'The same as a table'),
    );
    this.chartFrame = el(
      'div',
      {
        class: 'chart-frame',
        tabindex: 0,
        role: 'group',
        'aria-label':
          'Charts. Arrow keys move and zoom, plus and minus zoom, Escape shows the whole run.',
        onkeydown: (event) => this.toolbar.onKey(event as KeyboardEvent),
      },
      this.toolbar.range,
      this.charts.element,
    );
    root.replaceChildren(this.header.element, this.makeBody());
    this.feed = new SeriesFeed(
      state,
      () => this.points(),
      (series) => this.showSeries(series),
    );
    this.show(newest);
  }

  // The run as it is now.
  show(response: GetRunResponse): void {
    this.newest = response;
    const { run, overview } = response;
    this.header.show(run, overview);
    this.dead.show(run.observation, run.settings.scope === 'LOSS_SCOPE_DATASET');
    this.settings.replaceChildren(
      ...settingsFacts(run.settings).map(([name, value]) =>
        el('div', {}, el('dt', {}, name), el('dd', {}, value)),
      ),
    );
    this.controls.show(run);
    this.showToolbar();
    this.poke();
  }

  take(decisions: Decision[]): void {
    this.feed.take(decisions);
    this.dead.take(decisions);
    this.poke();
  }

  // The same run, seen otherwise.
  update(state: RunState): void {
    const { from, to, generation } = this.state;
    const isElsewhere = from !== state.from || to !== state.to || generation !== state.generation;
    this.state = state;
    if (isElsewhere) {
      this.feed.setState(state);
      this.charts.move(state);
    } else if (this.series) {
      this.charts.show(this.series, state);
    }
    this.decisions.setState(state);
    this.decisions.poke(this.generation());
    this.showToolbar();
    if (isElsewhere) {
      this.app.announce(this.toolbar.range.textContent ?? '');
    }
  }

  dispose(): void {
    this.header.dispose();
    for (const part of [this.feed, this.charts, this.decisions, this.dead, this.ranks]) {
      part.dispose();
    }
  }

  private makeBody(): HTMLElement {
    const settings = el(
      'section',
      { 'aria-labelledby': 'settings-title' },
      el('div', { class: 'section-head' }, el('h2', { id: 'settings-title' }, 'Settings')),
      this.settings,
      this.controls.element,
    );
    return el(
      'div',
      { class: 'run-body' },
      el(
        'section',
        { class: 'course', 'aria-label': 'Course of the run' },
        this.toolbar.element,
        this.chartFrame,
        this.table,
      ),
      this.decisions.element,
      el('div', { class: 'run-foot' }, this.dead.element, this.ranks.element, settings),
    );
  }

  private poke(): void {
    this.decisions.poke(this.generation());
    this.ranks.poke();
  }

  private generation(): number {
    return this.state.generation ?? Number(this.newest.run.generation);
  }

  private change(change: Partial<RunState>): void {
    this.app.replace({ ...this.state, ...change });
  }

  private points(): number {
    return Math.max(100, this.chartFrame.clientWidth - pixelsBesideCurves);
  }

  private showSeries(series: Series): void {
    this.series = series;
    this.charts.show(series, this.state);
    this.showToolbar();
    this.showTable();
  }

  private showToolbar(): void {
    const { run, overview } = this.newest;
    const isLive = this.state.generation === null && conditionOf(overview) !== 'ended';
    this.toolbar.show(this.state, this.bounds(), Number(run.generation), isLive);
  }

  // The steps that there are to see, as far as is known.
  private bounds(): Bounds {
    const isCurrent = this.state.generation === null;
    const { sparkline, step } = this.newest.overview;
    const inSight = this.series?.lastStep.at(-1) ?? 0;
    return {
      first: isCurrent ? Number(sparkline.firstStep) : 0,
      newest: isCurrent
        ? Math.max(Number(step), inSight)
        : Math.max(inSight, this.state.from ?? 0, this.state.to ?? 0),
    };
  }

  private showTable(): void {
    if (this.table.open && this.series) {
      this.table.replaceChildren(
        this.table.firstElementChild as Element,
        el(
          'div',
          { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Course as a table' },
          seriesTable(this.series, tableRows),
        ),
      );
    }
  }

  private async export(kind: ExportKind): Promise<void> {
    const { runId } = this.state;
    if (this.series === null) {
      return;
    }
    if (kind === 'png') {
      download(await this.charts.toPng(runId), `${runId}.png`);
    } else if (kind === 'csv') {
      download(new Blob([toCsv(this.series)], { type: 'text/csv' }), `${runId}.csv`);
    } else {
      const content = JSON.stringify({ run: this.newest.run, series: this.series }, null, 2);
      download(new Blob([content], { type: 'application/json' }), `${runId}.json`);
    }
  }
}
