// One run in depth.

import { followEvents } from '../api/event_stream';
import { ApiError, getJson, runPath } from '../api/http';
import type { GetHistoryResponse, GetRunResponse } from '../api/messages';
import { type App, showProblem, type View } from '../app';
import { download, el } from '../dom';
import { conditionOf } from '../text/condition';
import { settingsFacts } from '../text/settings';
import type { RunState } from '../view_state';
import { RunCharts, seriesTable } from './charts';
import { DeadExamples } from './dead_examples';
import { DecisionList } from './decisions';
import { type Bounds, within } from './range';
import { RankTable } from './ranks';
import { RunControls } from './run_controls';
import { RunHeader } from './run_header';
import { type Series, toCsv } from './series';
import { SeriesFeed } from './series_feed';
import { type ExportKind, RunToolbar } from './toolbar';

const tableRows = 50;
// The readout of a label and its padding; the rest of the width is one bucket a pixel.
const pixelsBesideCurves = 80;

export class RunView implements View<RunState> {
  readonly title: string;
  private readonly stop = new AbortController();
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
  private newest: GetRunResponse | null = null;
  private hasProblem = false;

  constructor(
    private readonly app: App,
    private readonly root: HTMLElement,
    private state: RunState,
  ) {
    const { runId } = state;
    this.title = runId;
    this.header = new RunHeader(runId);
    this.toolbar = new RunToolbar(state, {
      onChange: (change) => this.change(change),
      onExport: (kind) => void this.export(kind),
    });
    this.charts = new RunCharts(state, {
      onRange: (from, to) => this.change(within(from, to, this.bounds())),
      onReset: () => this.change({ from: null, to: null }),
    });
    this.decisions = new DecisionList(state, (all) => this.change({ all }));
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
      this.charts.element,
    );
    this.build();
    this.feed = new SeriesFeed(state, () => this.points(), {
      onSeries: (series) => this.showSeries(series),
      onProblem: (error) => this.showSeriesProblem(error),
    });
    void this.fetchRun();
    void this.follow();
  }

  update(state: RunState): void {
    const { from, to, generation } = this.state;
    this.state = state;
    if (from !== state.from || to !== state.to || generation !== state.generation) {
      this.feed.setState(state);
      this.charts.move(state);
    } else if (this.series) {
      this.charts.show(this.series, state);
    }
    this.decisions.setState(state);
    this.showToolbar();
  }

  dispose(): void {
    this.stop.abort();
    for (const part of [this.feed, this.charts, this.decisions, this.dead, this.ranks]) {
      part.dispose();
    }
    this.header.dispose();
  }

  private build(): void {
    this.root.append(
      this.header.element,
      el(
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
        el(
          'div',
          { class: 'run-foot' },
          this.dead.element,
          this.ranks.element,
          el(
            'section',
            { 'aria-labelledby': 'settings-title' },
            el('div', { class: 'section-head' }, el('h2', { id: 'settings-title' }, 'Settings')),
            this.settings,
            this.controls.element,
          ),
        ),
      ),
    );
  }

  private change(change: Partial<RunState>): void {
    this.app.replace({ ...this.state, ...change });
  }

  private points(): number {
    return Math.max(100, this.chartFrame.clientWidth - pixelsBesideCurves);
  }

  private async fetchRun(): Promise<void> {
    try {
      this.showRun(await getJson<GetRunResponse>(runPath(this.state.runId), this.stop.signal));
    } catch (error) {
      if (error instanceof ApiError && error.status > 0) {
        this.showMissing(error);
      }
    }
  }

  private follow(): Promise<void> {
    return followEvents(
      runPath(this.state.runId, '/events'),
      {
        onEvent: ({ name, data }) => this.take(name, data),
        onState: (state) => this.app.showConnection(state),
        onRefused: (error) => this.showMissing(error),
      },
      this.stop.signal,
    );
  }

  private take(name: string, data: string): void {
    if (name === 'run') {
      this.showRun(JSON.parse(data) as GetRunResponse);
    } else if (name === 'decisions') {
      const { entries } = JSON.parse(data) as GetHistoryResponse;
      const decisions = entries.map((entry) => entry.decision);
      this.feed.take(decisions);
      this.dead.take(decisions);
      this.decisions.poke();
      this.ranks.poke();
    } else if (name === 'gone') {
      void this.fetchRun();
    }
  }

  private showRun(response: GetRunResponse): void {
    if (this.hasProblem) {
      return;
    }
    const { run, overview } = response;
    const before = this.newest ? conditionOf(this.newest.overview) : null;
    this.newest = response;
    this.header.show(run, overview);
    if (before !== null && before !== conditionOf(overview)) {
      this.app.announce(`${run.runId} is ${conditionOf(overview)}`);
    }
    const isOfDataset = run.settings.scope === 'LOSS_SCOPE_DATASET';
    this.dead.show(run.observation, isOfDataset);
    this.settings.replaceChildren(
      ...settingsFacts(run.settings).map(([name, value]) =>
        el('div', {}, el('dt', {}, name), el('dd', {}, value)),
      ),
    );
    this.controls.show(run);
    this.ranks.poke();
    this.decisions.poke();
    this.showToolbar();
  }

  private showSeries(series: Series): void {
    this.series = series;
    this.charts.show(series, this.state);
    this.showToolbar();
    this.showTable();
  }

  private showToolbar(): void {
    const generations = Number(this.newest?.run.generation ?? 1);
    this.toolbar.show(this.state, this.bounds(), generations);
  }

  // The steps that there are to see, as far as is known.
  private bounds(): Bounds {
    const series = this.series;
    const isCurrent = this.state.generation === null;
    const overview = isCurrent ? this.newest?.overview : undefined;
    return {
      first: Math.min(
        Number(overview?.sparkline.firstStep ?? Number.POSITIVE_INFINITY),
        series?.firstStep[0] ?? 0,
      ),
      newest: Math.max(
        Number(overview?.step ?? 0),
        series?.lastStep.at(-1) ?? 0,
        this.state.from ?? 0,
        this.state.to ?? 0,
      ),
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
      const content = { run: this.newest?.run, series: this.series };
      const text = JSON.stringify(content, null, 2);
      download(new Blob([text], { type: 'application/json' }), `${runId}.json`);
    }
  }

  private showSeriesProblem(error: ApiError): void {
    if (error.status !== 0 && this.series === null) {
      this.showMissing(error);
    }
  }

  private showMissing(error: ApiError): void {
    if (this.hasProblem) {
      return;
    }
    this.hasProblem = true;
    this.dispose();
    const title = error.status === 404 ? 'There is no such run' : 'The run cannot be shown';
    showProblem(this.root, title, error.message);
  }
}
