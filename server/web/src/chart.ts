// uPlot as this page uses it: colours of the theme, one x axis for several charts, dragging selects a
// range of x.

import uPlot from 'uplot';
import { compact } from './text/number';
import { elapsed, tickTime } from './text/time';
import { cssColor } from './theme';

export type XKind = 'step' | 'clock' | 'elapsed';

export interface ChartOptions {
  height: number;
  x: XKind;
  log: boolean;
  // Only the lowest of several charts has the labels.
  xLabels: boolean;
  series: uPlot.Series[];
  bands?: uPlot.Band[];
  yRange?: uPlot.Scale.Range;
  yAxis?: Partial<uPlot.Axis>;
  // Charts of the same key move their cursors together.
  syncKey: string;
  xRange(u: uPlot, least: number, greatest: number): [number, number];
  onSelect(from: number, to: number): void;
  onReset(): void;
  onCursor(index: number | null): void;
  onDraw?(u: uPlot): void;
}

const yAxisWidth = 64;
const rightPadding = 12;
const xAxisHeight = 28;

export function makeChart(
  root: HTMLElement,
  data: uPlot.AlignedData,
  options: ChartOptions,
): uPlot {
  const chart = new uPlot(toUplot(root, options), data, root);
  chart.root.setAttribute('aria-hidden', 'true');
  return chart;
}

function toUplot(root: HTMLElement, options: ChartOptions): uPlot.Options {
  const axis = {
    stroke: () => cssColor('muted'),
    grid: { stroke: () => cssColor('grid'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
  return {
    width: Math.max(root.clientWidth, 200),
    height: options.height + (options.xLabels ? xAxisHeight : 0),
    padding: [8, rightPadding, options.xLabels ? 0 : 6, 0],
    legend: { show: false },
    scales: {
      x: { time: options.x === 'clock', range: options.xRange },
      y: {
        ...(options.log ? { distr: 3 as const } : {}),
        ...(options.yRange ? { range: options.yRange } : {}),
      },
    },
    axes: [
      {
        ...axis,
        show: true,
        size: options.xLabels ? xAxisHeight : 0,
        ...xValues(options),
      },
      {
        ...axis,
        size: yAxisWidth,
        space: 24,
        values: (_u, splits) => splits.map((v) => (v === null ? '' : compact(v))),
        ...options.yAxis,
      },
    ],
    series: [{}, ...options.series],
    ...(options.bands ? { bands: options.bands } : {}),
    cursor: {
      y: false,
      points: { size: 6 },
      drag: { x: true, y: false, setScale: false },
      bind: {
        dblclick: () => () => {
          options.onReset();
          return null;
        },
      },
      sync: {
        key: options.syncKey,
        filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave' },
      },
    },
    hooks: {
      setSelect: [
        (u) => {
          if (u.select.width > 4) {
            const from = u.posToVal(u.select.left, 'x');
            const to = u.posToVal(u.select.left + u.select.width, 'x');
            options.onSelect(from, to);
          }
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
      setCursor: [(u) => options.onCursor(u.cursor.idx ?? null)],
      draw: options.onDraw ? [options.onDraw] : [],
    },
  };
}

function xValues(options: ChartOptions): Partial<uPlot.Axis> {
  if (!options.xLabels) {
    return { values: (_u, splits) => splits.map(() => '') };
  }
  switch (options.x) {
    case 'step':
      return { values: (_u, splits) => splits.map((v) => compact(v)), incrs: wholeIncrements };
    case 'elapsed':
      return { values: (_u, splits) => splits.map((v) => elapsed(v)) };
    case 'clock':
      return { values: (_u, splits, _axis, _space, incr) => splits.map((v) => tickTime(v, incr)) };
  }
}

const wholeIncrements = Array.from({ length: 16 }, (_, e) =>
  [1, 2, 5].map((m) => m * 10 ** e),
).flat();

// A line in a colour of the theme.
export function line(color: string, change: Partial<uPlot.Series> = {}): uPlot.Series {
  return { stroke: () => cssColor(color), width: 1.5, points: { show: false }, ...change };
}

// An end of a band, which is not drawn itself.
export function bandEdge(): uPlot.Series {
  return { width: 0, points: { show: false } };
}
