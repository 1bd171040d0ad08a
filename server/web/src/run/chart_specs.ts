// Which charts a run has, and what is in each.

import type uPlot from 'uplot';
import { bandEdge, line } from '../chart';
import { short } from '../text/number';
import { cssColor } from '../theme';
import type { RunState } from '../view_state';
import type { Quantity, Series } from './series';

type Column = (number | null)[];

export interface ChartSpec {
  quantity: Quantity;
  title: string;
  // What the curves are made of, for the heading.
  legend: { color: string; text: string }[];
  series: uPlot.Series[];
  bands: uPlot.Band[];
  columns(series: Series): Column[];
  // What bucket `i` says.
  readout(series: Series, i: number): string;
  canBeLog: boolean;
}

export function chartSpecs(state: RunState): ChartSpec[] {
  return [
    extentChart('temperature', 'Temperature', 'temperature', true),
    state.size === 'magnitude'
      ? extentChart('magnitude', 'Magnitude', 'size', true)
      : extentChart('rootMeanSquare', 'Root mean square', 'size', true),
    extentChart('imbalance', 'Imbalance', 'imbalance', false),
    lossChart(),
    noiseChart(),
  ];
}

// The last value of each bucket as a line within the band from least to greatest.
function extentChart(
  quantity: Quantity,
  title: string,
  color: string,
  canBeLog: boolean,
): ChartSpec {
  return {
    quantity,
    title,
    legend: [],
    series: [bandEdge(), bandEdge(), line(color)],
    bands: [{ series: [1, 2], fill: () => cssColor(`${color}-band`) }],
    columns: (series) => {
      const { min, max, last } = series.extents[quantity];
      return [max, min, last];
    },
    readout: (series, i) => extentText(series, quantity, i),
    canBeLog,
  };
}

// Most losses lie in the wide band; the narrow one is the extent of the mean.
function lossChart(): ChartSpec {
  return {
    quantity: 'mean',
    title: 'Loss',
    legend: [
      { color: 'loss', text: 'mean' },
      { color: 'loss-median', text: 'median' },
      { color: 'loss-spread', text: 'p10 to p90' },
      { color: 'loss-max', text: 'max' },
    ],
    series: [
      bandEdge(),
      bandEdge(),
      bandEdge(),
      bandEdge(),
      line('loss-max', { width: 1, dash: [4, 3] }),
      line('loss-median', { width: 1 }),
      line('loss'),
    ],
    bands: [
      { series: [1, 2], fill: () => cssColor('loss-spread') },
      { series: [3, 4], fill: () => cssColor('loss-band') },
    ],
    columns: (series) => {
      const { mean, max, p10, p50, p90 } = series.extents;
      return [p90.max, p10.min, mean.max, mean.min, max.max, p50.last, mean.last];
    },
    readout: (series, i) => {
      const { max, p10, p50, p90 } = series.extents;
      return (
        `mean ${extentText(series, 'mean', i)}, median ${short(p50.last[i] ?? 0)}, ` +
        `p10 ${short(p10.last[i] ?? 0)}, p90 ${short(p90.last[i] ?? 0)}, ` +
        `max ${short(max.max[i] ?? 0)}`
      );
    },
    canBeLog: true,
  };
}

function noiseChart(): ChartSpec {
  return {
    quantity: 'stddev',
    title: 'Noise scale',
    legend: [],
    series: [
      line('noise', {
        width: 0,
        points: { show: true, size: 5, fill: () => cssColor('noise'), width: 0 },
        paths: () => null,
      }),
    ],
    bands: [],
    columns: (series) => [series.extents.stddev.max.map((value) => (value > 0 ? value : null))],
    readout: (series, i) => {
      const value = series.extents.stddev.max[i] ?? 0;
      return value > 0 ? short(value) : 'none';
    },
    canBeLog: true,
  };
}

function extentText(series: Series, quantity: Quantity, i: number): string {
  const { min, max, last } = series.extents[quantity];
  const [least = 0, greatest = 0, newest = 0] = [min[i], max[i], last[i]];
  const extent = least < greatest ? ` (${short(least, 3)}–${short(greatest, 3)})` : '';
  return short(newest) + extent;
}
