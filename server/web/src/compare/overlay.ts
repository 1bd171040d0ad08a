// Several runs on one axis. Pure.

import type { Series } from '../run/series';

export interface Overlay {
  // Ascending, without repetition: the x of every run.
  xs: number[];
  // One column a run; null where it has no bucket.
  columns: (number | null)[][];
}

export type Align = 'step' | 'time';

export function overlaid(
  all: (Series | null)[],
  align: Align,
  valuesOf: (series: Series) => number[],
): Overlay {
  const places = all.map((series) => (series ? placesOf(series, align) : []));
  const xs = [...new Set(places.flat())].sort((a, b) => a - b);
  const indexOf = new Map(xs.map((x, i) => [x, i]));
  const columns = all.map((series, k) => {
    const column = new Array<number | null>(xs.length).fill(null);
    const values = series ? valuesOf(series) : [];
    for (const [i, x] of (places[k] ?? []).entries()) {
      column[indexOf.get(x) ?? 0] = values[i] ?? null;
    }
    return column;
  });
  return { xs, columns };
}

// By step, or by the seconds since the run's first decision.
function placesOf(series: Series, align: Align): number[] {
  const start = series.closedSeconds[0] ?? 0;
  return align === 'step'
    ? series.lastStep
    : series.closedSeconds.map((seconds) => Math.round(1000 * (seconds - start)) / 1000);
}
