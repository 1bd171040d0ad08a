// Paints what Lehr did: shapes in a lane of their own, and lines through the charts.

import type uPlot from 'uplot';
import { cssColor } from '../theme';
import { type Mark, marks, type Series } from './series';

const markColors: Record<Mark, string> = {
  perturbations: 'perturb',
  identities: 'identity',
  restores: 'restore',
  learningRates: 'learning-rate',
  snapshots: 'snapshot',
  withheld: 'muted',
};

// With more, lines hide the curves.
const mostLines = 60;

// The middle of a mark's row in the lane, from 0 at the bottom to 1 at the top.
export function rowOf(mark: Mark): number {
  return 1 - (marks.indexOf(mark) + 0.5) / marks.length;
}

export function paintLane(u: uPlot, series: Series, xs: number[]): void {
  const size = 4 * devicePixelRatio;
  // uPlot remembers the styles that it set.
  u.ctx.save();
  for (const mark of marks) {
    const y = u.valToPos(rowOf(mark), 'y', true);
    u.ctx.fillStyle = cssColor(markColors[mark]);
    u.ctx.strokeStyle = u.ctx.fillStyle;
    u.ctx.lineWidth = devicePixelRatio;
    for (const x of positions(u, xs, series.counts[mark])) {
      paintShape(u.ctx, mark, x, y, size);
    }
  }
  u.ctx.restore();
}

// Dashes of the lines through a chart.
const lineDashes = {
  perturbations: [],
  identities: [6, 3],
  restores: [2, 3],
  learningRates: [1, 2],
};

// Through a chart, at each change of the training, unless they are too many of a kind.
export function paintLines(u: uPlot, series: Series, xs: number[]): void {
  for (const mark of ['perturbations', 'identities', 'restores', 'learningRates'] as const) {
    const at = positions(u, xs, series.counts[mark]);
    if (at.length > mostLines) {
      continue;
    }
    u.ctx.save();
    u.ctx.strokeStyle = cssColor(markColors[mark]);
    u.ctx.globalAlpha = 0.55;
    u.ctx.lineWidth = devicePixelRatio;
    u.ctx.setLineDash(lineDashes[mark]);
    u.ctx.beginPath();
    for (const x of at) {
      u.ctx.moveTo(x, u.bbox.top);
      u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
    }
    u.ctx.stroke();
    u.ctx.restore();
  }
}

// Canvas x of the buckets in sight that have the mark.
function positions(u: uPlot, xs: number[], counts: number[]): number[] {
  const { min = null, max = null } = u.scales.x ?? {};
  return xs.flatMap((x, i) =>
    (counts[i] ?? 0) > 0 && min !== null && max !== null && x >= min && x <= max
      ? [Math.round(u.valToPos(x, 'x', true)) + 0.5]
      : [],
  );
}

function paintShape(
  context: CanvasRenderingContext2D,
  mark: Mark,
  x: number,
  y: number,
  size: number,
): void {
  context.beginPath();
  switch (mark) {
    case 'perturbations':
      context.moveTo(x, y - size);
      context.lineTo(x + size, y + size);
      context.lineTo(x - size, y + size);
      context.closePath();
      context.fill();
      return;
    case 'identities':
      context.moveTo(x, y - size);
      context.lineTo(x + size, y);
      context.lineTo(x, y + size);
      context.lineTo(x - size, y);
      context.closePath();
      context.fill();
      return;
    case 'learningRates':
      context.moveTo(x, y + size);
      context.lineTo(x + size, y - size);
      context.lineTo(x - size, y - size);
      context.closePath();
      context.fill();
      return;
    case 'restores':
      context.moveTo(x - size, y);
      context.lineTo(x + size, y - size);
      context.lineTo(x + size, y + size);
      context.closePath();
      context.fill();
      return;
    case 'snapshots':
      context.fillRect(x - 0.75 * size, y - 0.75 * size, 1.5 * size, 1.5 * size);
      return;
    case 'withheld':
      context.arc(x, y, 0.75 * size, 0, 2 * Math.PI);
      context.stroke();
      return;
  }
}
