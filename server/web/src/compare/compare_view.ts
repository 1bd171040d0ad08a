// Several runs overlaid.

import type uPlot from 'uplot';
import { ApiError, getJson, runPath, withQuery } from '../api/http';
import type { GetSeriesResponse, ListOverviewResponse, RunOverview } from '../api/messages';
import { followOverview } from '../api/overview_stream';
import { type App, showProblem, type View } from '../app';
import { line, makeChart } from '../chart';
import { el, setText, svg } from '../dom';
import { conditionIcon } from '../icons';
import { decodeSeries, type Quantity, type Series } from '../run/series';
import { conditionOf, didText, helpText } from '../text/condition';
import { count, short } from '../text/number';
import { onThemeChange } from '../theme';
import { Throttle } from '../throttle';
import { type CompareState, runLink } from '../view_state';
import { overlaid } from './overlay';

const points = 500;
const refetchPauseMs = 1000;
const chartHeight = 230;
const dashes = [[], [6, 3], [2, 3], [9, 3, 2, 3]];

const compared: { quantity: Quantity; title: string }[] = [
  { quantity: 'temperature', title: 'Temperature' },
  { quantity: 'mean', title: 'Mean loss' },
];

interface Member {
  runId: string;
  series: Series | null;
  // The step up to which `series` goes is behind the run.
  isStale: boolean;
  row: HTMLElement;
  condition: HTMLElement;
  values: HTMLElement[];
}

export class CompareView implements View<CompareState> {
  readonly title = 'Overlay';
  private readonly stop = new AbortController();
  private readonly refetch = new Throttle(() => this.fetchStale(), refetchPauseMs);
  private readonly members: Member[];
  private readonly figures = new Map<Quantity, HTMLElement>();
  private readonly readouts = new Map<Quantity, HTMLElement>();
  private readonly align: HTMLSelectElement;
  private readonly log: HTMLInputElement;
  private readonly resizes = new ResizeObserver(() => this.resize());
  private shape = '';
  private charts = new Map<Quantity, uPlot>();

  constructor(
    private readonly app: App,
    root: HTMLElement,
    private state: CompareState,
  ) {
    this.align = el(
      'select',
      {
        onchange: () =>
          this.change({ align: this.align.value === 'time' ? 'time' : 'step', range: null }),
      },
      el('option', { value: 'step' }, 'step'),
      el('option', { value: 'time' }, 'time since its first decision'),
    );
    this.log = el('input', {
      type: 'checkbox',
      onchange: () => this.change({ log: this.log.checked }),
    });
    this.members = state.runs.map((runId, i) => this.makeMember(runId, i));
    if (this.members.length === 0) {
      showProblem(root, 'No runs to overlay', 'Select some in the list of all runs.');
      return;
    }
    this.build(root);
    this.resizes.observe(root);
    onThemeChange(() => {
      for (const chart of this.charts.values()) {
        chart.redraw(false, true);
      }
    }, this.stop.signal);
    this.update(state);
    this.refetch.request();
    followOverview(
      (overview) => this.take(overview),
      (connection) => app.showConnection(connection),
      this.stop.signal,
    );
  }

  update(state: CompareState): void {
    this.state = state;
    this.align.value = state.align;
    this.log.checked = state.log;
    const shape = JSON.stringify([state.align, state.log]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.makeCharts();
    } else {
      this.showData();
    }
  }

  dispose(): void {
    this.stop.abort();
    this.refetch.stop();
    this.resizes.disconnect();
    this.destroyCharts();
  }

  private change(change: Partial<CompareState>): void {
    this.app.replace({ ...this.state, ...change });
  }

  private build(root: HTMLElement): void {
    const titles: [string, string?][] = [
      ['Run'],
      ['Condition'],
      ['Temperature', 'number'],
      ['Mean loss', 'number'],
      ['Step', 'number'],
      ['What Lehr did'],
    ];
    root.append(
      el('h1', {}, 'Overlay'),
      el(
        'div',
        { class: 'toolbar', role: 'group', 'aria-label': 'Charts' },
        el('label', {}, 'Align by ', this.align),
        el('label', {}, this.log, ' Log scale'),
        el('button', { type: 'button', onclick: () => this.zoom(null) }, 'All'),
      ),
      el(
        'div',
        { class: 'table-frame' },
        el(
          'table',
          { class: 'compared' },
          el(
            'thead',
            {},
            el(
              'tr',
              {},
              ...titles.map(([title, kind]) => el('th', { scope: 'col', class: kind }, title)),
            ),
          ),
          el('tbody', {}, ...this.members.map((member) => member.row)),
        ),
      ),
    );
    for (const { quantity, title } of compared) {
      const readout = el('span', { class: 'readout' });
      const figure = el(
        'figure',
        { 'data-chart': quantity, 'aria-label': title },
        el('figcaption', {}, el('b', {}, title), readout),
      );
      this.figures.set(quantity, figure);
      this.readouts.set(quantity, readout);
      root.append(el('div', { class: 'panel' }, figure));
    }
  }

  private makeMember(runId: string, i: number): Member {
    const condition = el('td', {}, '…');
    const values = compared.map(() => el('td', { class: 'number' }));
    values.push(el('td', { class: 'number' }), el('td'));
    const sample = svg(
      'svg',
      {
        class: `sample color-${i}`,
        viewBox: '0 0 32 8',
        width: 32,
        height: 8,
        'aria-hidden': true,
      },
      svg('path', { d: 'M1 4h30', 'stroke-dasharray': dashOf(i).join(' ') || undefined }),
    );
    const others = this.state.runs.filter((other) => other !== runId);
    const remove = el(
      'button',
      {
        type: 'button',
        class: 'quiet',
        'aria-label': `Without ${runId}`,
        onclick: () => this.change({ runs: others }),
      },
      '×',
    );
    const name = el(
      'th',
      { scope: 'row' },
      sample,
      el('a', { href: runLink(runId) }, runId),
      remove,
    );
    const row = el('tr', { 'data-run': runId }, name, condition, ...values);
    return { runId, series: null, isStale: true, row, condition, values };
  }

  private take(overview: ListOverviewResponse): void {
    for (const run of overview.runs) {
      const member = this.members.find(({ runId }) => runId === run.runId);
      if (member) {
        showMember(member, run);
        const newest = member.series?.lastStep.at(-1) ?? -1;
        member.isStale ||= Number(run.step) > newest;
      }
    }
    if (this.members.some((member) => member.isStale)) {
      this.refetch.request();
    }
  }

  private async fetchStale(): Promise<void> {
    const stale = this.members.filter((member) => member.isStale);
    await Promise.all(stale.map((member) => this.fetch(member)));
    if (!this.stop.signal.aborted) {
      this.showData();
    }
  }

  private async fetch(member: Member): Promise<void> {
    const path = withQuery(runPath(member.runId, '/series'), { points });
    try {
      member.isStale = false;
      const response = await getJson<GetSeriesResponse>(path, this.stop.signal);
      member.series = decodeSeries(response);
    } catch (error) {
      if (error instanceof ApiError) {
        setText(member.condition, error.status === 404 ? 'there is no such run' : error.message);
        member.isStale = error.status === 0;
      }
    }
  }

  private destroyCharts(): void {
    for (const chart of this.charts.values()) {
      chart.destroy();
    }
    this.charts.clear();
  }

  private makeCharts(): void {
    this.destroyCharts();
    for (const [quantity, figure] of this.figures) {
      const chart = makeChart(figure, this.dataOf(quantity), {
        height: chartHeight,
        x: this.state.align === 'time' ? 'elapsed' : 'step',
        log: this.state.log,
        xLabels: true,
        series: this.members.map((_, i) => line(`run-${i}`, { dash: dashOf(i), spanGaps: true })),
        syncKey: 'compare',
        xRange: (_u, least, greatest) => this.xRange(least, greatest),
        onSelect: (from, to) => this.zoom([from, to]),
        onReset: () => this.zoom(null),
        onCursor: (index) => this.showCursor(index),
      });
      this.charts.set(quantity, chart);
    }
  }

  private dataOf(quantity: Quantity): uPlot.AlignedData {
    const { xs, columns } = overlaid(
      this.members.map(({ series }) => series),
      this.state.align,
      (series) => series.extents[quantity][quantity === 'temperature' ? 'max' : 'last'],
    );
    const isShown = (value: number | null) => !this.state.log || (value ?? 0) > 0;
    return [xs, ...columns.map((column) => column.map((v) => (isShown(v) ? v : null)))];
  }

  private showData(): void {
    for (const [quantity, chart] of this.charts) {
      chart.setData(this.dataOf(quantity));
      this.figures.get(quantity)?.setAttribute('aria-label', this.describe(quantity));
    }
  }

  // For those who do not see the curves.
  private describe(quantity: Quantity): string {
    const title = compared.find((one) => one.quantity === quantity)?.title ?? quantity;
    const parts = this.members.map(({ runId, series }) => {
      const newest = series?.extents[quantity].last.at(-1);
      return newest === undefined ? `${runId}: nothing` : `${runId}: ${short(newest)}`;
    });
    return `${title} now: ${parts.join('; ')}`;
  }

  private xRange(least: number, greatest: number): [number, number] {
    const [from, to] = this.state.range ?? [least ?? 0, greatest ?? 1];
    return to > from ? [from, to] : [from - 0.5, from + 0.5];
  }

  private zoom(range: [number, number] | null): void {
    const rounded = range?.map((x) => Math.max(0, Math.round(1000 * x) / 1000));
    this.change({ range: rounded ? [rounded[0] ?? 0, rounded[1] ?? 0] : null });
  }

  private showCursor(index: number | null): void {
    for (const [quantity, chart] of this.charts) {
      const x = index === null ? undefined : chart.data[0][index];
      const readout = this.readouts.get(quantity);
      if (readout) {
        setText(readout, x === undefined ? '' : this.readoutText(chart, index ?? 0, x));
      }
    }
  }

  private readoutText(chart: uPlot, index: number, x: number): string {
    const place = this.state.align === 'step' ? `step ${count(x)}` : `${short(x)} s`;
    const values = this.members.flatMap(({ runId }, i) => {
      const column = chart.data[i + 1] ?? [];
      // Each run has buckets of its own: the newest one up to here.
      const at = lastNumberUpTo(column, index);
      return at === null ? [] : [`${runId} ${short(at, 3)}`];
    });
    return `${place}: ${values.join(', ')}`;
  }

  private resize(): void {
    for (const [quantity, chart] of this.charts) {
      const width = this.figures.get(quantity)?.clientWidth ?? 0;
      if (width > 0 && width !== chart.width) {
        chart.setSize({ width, height: chart.height });
      }
    }
  }
}

function showMember(member: Member, run: RunOverview): void {
  const condition = conditionOf(run);
  member.condition.replaceChildren(
    el('span', { class: 'condition' }, conditionIcon(condition), condition),
  );
  member.row.setAttribute('data-condition', condition);
  const texts = [
    short(run.temperature, 3),
    short(run.mean, 3),
    count(Number(run.step)),
    [didText(run), helpText(run)].filter(Boolean).join('; '),
  ];
  for (const [i, cell] of member.values.entries()) {
    setText(cell, texts[i] ?? '');
  }
}

function lastNumberUpTo(
  column: ArrayLike<number | null | undefined>,
  index: number,
): number | null {
  for (let i = index; i >= 0; --i) {
    const value = column[i];
    if (typeof value === 'number') {
      return value;
    }
  }
  return null;
}

function dashOf(i: number): number[] {
  return dashes[i % dashes.length] ?? [];
}
