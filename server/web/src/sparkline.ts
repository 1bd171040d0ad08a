// A small curve with ticks where Lehr acted.

import { setAttribute, svg } from './dom';
import { curvePath, tickPath } from './sparkline_path';

const width = 112;
const height = 26;
const tickHeight = 4;

export class SparklineView {
  readonly element: SVGElement;
  private readonly line: SVGElement;
  private readonly area: SVGElement;
  private readonly ticks: SVGElement;

  // `kind` becomes a class: it has a colour.
  constructor(kind: 'temperature' | 'loss') {
    this.area = svg('path', { class: 'area' });
    this.line = svg('path', { class: 'line' });
    this.ticks = svg('path', { class: 'ticks' });
    this.element = svg(
      'svg',
      {
        class: `sparkline ${kind}`,
        viewBox: `0 0 ${width} ${height}`,
        width,
        height,
        preserveAspectRatio: 'none',
        'aria-hidden': 'true',
      },
      this.area,
      this.line,
      this.ticks,
    );
  }

  // `acted` counts the acts at each value.
  update(values: number[], acted: number[]): void {
    const curve = curvePath(values, width, height - tickHeight - 1);
    const floor = height - tickHeight - 1;
    setAttribute(this.line, 'd', curve);
    setAttribute(this.area, 'd', curve === '' ? '' : `${curve}L${width - 1} ${floor}L1 ${floor}Z`);
    setAttribute(this.ticks, 'd', tickPath(acted, width, height, tickHeight));
  }
}
