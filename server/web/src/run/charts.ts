// The charts of a run, one above the other on one axis, under a lane of what Lehr did.

import type uPlot from 'uplot';
import { makeChart, type XKind } from '../chart';
import { el, setText } from '../dom';
import { count, plural, short } from '../text/number';
import { clockTime } from '../text/time';
import { onThemeChange } from '../theme';
import type { RunState } from '../view_state';
import { type ChartSpec, chartSpecs } from './chart_specs';
import { paintLane, paintLines, rowOf } from './mark_painter';
import { marksText, markTitles } from './marks_text';
import { marks, type Series, stepAtTime, summarize, timeAtStep, total } from './series';

const chartHeight = 104;
const laneHeight = 104;

export interface ChartEvents {
  // The person chose these steps.
  onRange(from: number, to: number): void;
  onReset(): void;
}

interface Shown {
  figure: HTMLElement;
  readout: HTMLElement;
  chart: uPlot;
  // None for the lane.
  spec: ChartSpec | null;
}

export class RunCharts {
  readonly element = el('div', { class: 'charts' });
  private readonly cursorText = el('p', { class: 'cursor-text' });
  private readonly stop = new AbortController();
  private readonly resizes: ResizeObserver;
  private shown: Shown[] = [];
  private series: Series | null = null;
  private xs: number[] = [];
  private state: RunState;
  private shape = '';

  constructor(
    state: RunState,
    private readonly events: ChartEvents,
  ) {
    this.state = state;
    onThemeChange(() => {
      for (const { chart } of this.shown) {
        chart.redraw(false, true);
      }
    }, this.stop.signal);
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(this.element);
  }

  // Everything that is to be seen of `series` under `state`.
  show(series: Series, state: RunState): void {
    this.series = series;
    this.state = state;
    this.xs = this.isTime() ? series.closedSeconds : series.lastStep;
    // What makes other charts rather than other data.
    const shape = JSON.stringify([state.axis, state.size, state.log]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.build();
    } else {
      for (const { chart, spec } of this.shown) {
        chart.setData(this.dataOf(spec));
      }
    }
    this.describe();
  }

  // The range alone, before its data come.
  move(state: RunState): void {
    this.state = state;
    for (const { chart } of this.shown) {
      chart.setData(chart.data);
    }
  }

  // All charts as one picture.
  async toPng(title: string): Promise<Blob> {
    const canvases = this.shown.map(({ chart }) => chart.ctx.canvas);
    const scale = devicePixelRatio;
    const line = 20 * scale;
    const picture = el('canvas');
    picture.width = Math.max(...canvases.map((canvas) => canvas.width));
    picture.height = canvases.reduce((sum, canvas) => sum + canvas.height + line, 2 * line);
    const context = picture.getContext('2d');
    if (context === null) {
      throw new Error('the browser paints no canvas');
    }
    const style = getComputedStyle(this.element);
    context.fillStyle = getComputedStyle(document.body).backgroundColor;
    context.fillRect(0, 0, picture.width, picture.height);
    context.fillStyle = style.color;
    context.font = `600 ${14 * scale}px system-ui, sans-serif`;
    context.fillText(title, 8 * scale, line);
    context.font = `${12 * scale}px system-ui, sans-serif`;
    let y = 1.5 * line;
    for (const [i, canvas] of canvases.entries()) {
      const spec = this.shown[i]?.spec;
      context.fillText(spec ? spec.title : 'What Lehr did', 8 * scale, y + 0.7 * line);
      context.drawImage(canvas, 0, y + line);
      y += line + canvas.height;
    }
    return await new Promise((resolve, reject) => {
      picture.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no picture'))));
    });
  }

  dispose(): void {
    this.stop.abort();
    this.resizes.disconnect();
    this.clear();
  }

  private isTime(): boolean {
    return this.state.axis === 'time';
  }

  private clear(): void {
    for (const { chart } of this.shown) {
      chart.destroy();
    }
    this.shown = [];
    this.element.replaceChildren();
  }

  private build(): void {
    this.clear();
    this.element.append(this.cursorText);
    const specs = chartSpecs(this.state);
    this.shown = [null, ...specs].map((spec, i) => this.add(spec, i === specs.length));
    this.showCursor(null);
  }

  private add(spec: ChartSpec | null, isLowest: boolean): Shown {
    const readout = el('span', { class: 'readout' });
    const legend = (spec?.legend ?? []).map(({ color, text }) =>
      el('span', { class: `legend ${color}` }, text),
    );
    const figure = el(
      'figure',
      { 'data-chart': spec?.quantity ?? 'marks' },
      el('figcaption', {}, el('b', {}, spec?.title ?? 'What Lehr did'), ...legend, readout),
    );
    this.element.append(figure);
    const chart = makeChart(figure, this.dataOf(spec), {
      height: spec ? chartHeight : laneHeight,
      x: this.xKind(),
      log: this.isLog(spec),
      xLabels: isLowest,
      series: spec?.series ?? [{ paths: () => null, points: { show: false } }],
      ...(spec ? { bands: spec.bands } : {}),
      ...this.yOf(spec),
      syncKey: 'run',
      xRange: (_u, least, greatest) => this.xRange(least, greatest),
      onSelect: (from, to) => this.events.onRange(this.stepAt(from), this.stepAt(to)),
      onReset: () => this.events.onReset(),
      onCursor: (index) => this.showCursor(index),
      onDraw: (u) => {
        if (this.series) {
          (spec ? paintLines : paintLane)(u, this.series, this.xs);
        }
      },
    });
    return { figure, readout, chart, spec };
  }

  private xKind(): XKind {
    return this.isTime() ? 'clock' : 'step';
  }

  private isLog(spec: ChartSpec | null): boolean {
    return this.state.log && spec?.canBeLog === true;
  }

  private yOf(spec: ChartSpec | null): { yRange?: uPlot.Scale.Range; yAxis?: Partial<uPlot.Axis> } {
    if (spec === null) {
      return {
        yRange: [0, 1],
        yAxis: {
          splits: () => marks.map(rowOf),
          values: () => marks.map((mark) => markTitles[mark]),
          grid: { show: false },
        },
      };
    }
    if (this.isLog(spec)) {
      return {};
    }
    // From 0, so that a small wiggle does not look like a great one.
    return {
      yRange: (_u, _least, greatest) => [0, greatest > 0 ? 1.08 * greatest : 1],
    };
  }

  private dataOf(spec: ChartSpec | null): uPlot.AlignedData {
    if (this.series === null) {
      return [[]];
    }
    if (spec === null) {
      return [this.xs, this.xs.map(() => null)];
    }
    const { measured } = this.series;
    const isLog = this.isLog(spec);
    const isShown = (value: number | null, i: number) =>
      (measured[i] ?? 0) > 0 && (!isLog || (value ?? 0) > 0);
    const columns = spec.columns(this.series);
    return [this.xs, ...columns.map((column) => column.map((v, i) => (isShown(v, i) ? v : null)))];
  }

  private xRange(least: number, greatest: number): [number, number] {
    const { from, to } = this.state;
    const x = (step: number) =>
      this.isTime() && this.series ? timeAtStep(this.series, step) : step;
    const low = from === null ? (least ?? 0) : x(from);
    const high = to === null ? (greatest ?? 1) : x(to);
    return high > low ? [low, high] : [low - 0.5, low + 0.5];
  }

  private stepAt(x: number): number {
    return this.isTime() && this.series ? stepAtTime(this.series, x) : x;
  }

  private showCursor(index: number | null): void {
    const series = this.series;
    const i = index ?? (series?.lastStep.length ?? 0) - 1;
    const step = series?.lastStep[i];
    if (series === null || step === undefined) {
      setText(this.cursorText, 'No decisions in sight.');
      return;
    }
    const first = series.firstStep[i] ?? step;
    const steps = first < step ? `Steps ${count(first)}–${count(step)}` : `Step ${count(step)}`;
    const time = clockTime(1000 * (series.closedSeconds[i] ?? 0));
    setText(this.cursorText, `${steps}, ${time}${index === null ? ' (newest in sight)' : ''}`);
    for (const { readout, spec } of this.shown) {
      setText(readout, readoutText(spec, series, i));
    }
  }

  // For those who do not see the curves.
  private describe(): void {
    const series = this.series;
    if (series === null) {
      return;
    }
    this.showCursor(null);
    for (const { figure, spec } of this.shown) {
      figure.setAttribute('aria-label', spec ? quantityText(spec, series) : laneText(series));
      if (spec === null) {
        figure.setAttribute('data-newest-mark', String(newestMark(series)));
      }
    }
  }

  private resize(): void {
    for (const { chart, figure } of this.shown) {
      if (figure.clientWidth > 0 && figure.clientWidth !== chart.width) {
        chart.setSize({ width: figure.clientWidth, height: chart.height });
      }
    }
  }
}

// The newest step at which the parameters were changed; -1 for none in sight.
function newestMark(series: Series): number {
  const { perturbations, identities, restores } = series.counts;
  const at = series.lastStep.findLastIndex(
    (_, i) => (perturbations[i] ?? 0) + (identities[i] ?? 0) + (restores[i] ?? 0) > 0,
  );
  return series.lastStep[at] ?? -1;
}

function readoutText(spec: ChartSpec | null, series: Series, i: number): string {
  if (spec === null) {
    return marksText(series, i);
  }
  return (series.measured[i] ?? 0) > 0 ? spec.readout(series, i) : 'not measured';
}

function laneText(series: Series): string {
  const parts = marks.map(
    (mark) => `${markTitles[mark]} ${plural(total(series.counts[mark]), 'time')}`,
  );
  return `What Lehr did in sight: ${parts.join(', ')}`;
}

function quantityText(spec: ChartSpec, series: Series): string {
  const summary = summarize(series, spec.quantity);
  if (summary === null) {
    return `${spec.title}: nothing was measured`;
  }
  return (
    `${spec.title}: ${short(summary.last)} last, ${short(summary.least)} at least, ` +
    `${short(summary.greatest)} at most, at step ${count(summary.greatestStep)}`
  );
}
