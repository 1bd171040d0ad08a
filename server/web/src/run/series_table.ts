// A run's course as a table: the same as the charts, for those who do not see them.

import { el } from '../dom';
import { count, plural, short } from '../text/number';
import { fullTime } from '../text/time';
import { marksText } from './marks_text';
import type { Series } from './series';

// At most `rows` buckets, evenly chosen and the newest among them.
export function seriesTable(series: Series, rows: number): HTMLElement {
  const length = series.lastStep.length;
  const shown = Math.min(rows, length);
  const body = el('tbody');
  for (let k = 0; k < shown; ++k) {
    const i = shown > 1 ? Math.round((k * (length - 1)) / (shown - 1)) : length - 1;
    body.append(tableRow(series, i));
  }
  const titles = ['Step', 'Time', 'Temperature', 'Root mean square', 'Imbalance', 'Mean loss'];
  titles.push(
    'p10 loss',
    'Median loss',
    'p90 loss',
    'Max loss',
    'Tied losses',
    'Noise',
    'What Lehr did',
  );
  return el(
    'table',
    { class: 'data' },
    el('caption', {}, `${plural(shown, 'row')} of ${plural(length, 'bucket')}`),
    el('thead', {}, el('tr', {}, ...titles.map((title) => el('th', { scope: 'col' }, title)))),
    body,
  );
}

function tableRow(series: Series, i: number): HTMLElement {
  const { temperature, rootMeanSquare, imbalance, mean, max, stddev } = series.extents;
  const { p10, p50, p90, tiedShare } = series.extents;
  const columns = [temperature.last, rootMeanSquare.last, imbalance.last, mean.last];
  columns.push(p10.last, p50.last, p90.last, max.max, tiedShare.last, stddev.max);
  return el(
    'tr',
    {},
    el('th', { scope: 'row' }, count(series.lastStep[i] ?? 0)),
    el('td', {}, fullTime(1000 * (series.closedSeconds[i] ?? 0))),
    ...columns.map((column) => el('td', {}, short(column[i] ?? 0))),
    el('td', {}, marksText(series, i)),
  );
}
