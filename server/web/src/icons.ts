// A shape for each condition, so that its colour is never the only sign.

import { svg } from './dom';
import type { Condition } from './text/condition';

// In a square of 16.
const shapes: Record<Condition, string> = {
  // A stop sign with a bar.
  stalled: 'M5 1.500h6L14.500 5v6L11 14.500H5L1.500 11V5zM4.500 8h7',
  // A circle struck through.
  silent: 'M8 1.500a6.500 6.500 0 1 0 .01 0zM3.500 3.500l9 9',
  // A bolt.
  perturbed: 'M9.500 1.500L3.500 9H8l-1.500 5.500L12.500 7H8z',
  // A falling curve with its arrow.
  recovering: 'M1.500 3.500c5 0 5 8 12 9M10.500 9.500l3.500 3-4 1.500',
  // Three dots.
  joining: 'M3 7v2M8 7v2M13 7v2',
  // A tick.
  healthy: 'M2 8.500l4 4 8-9',
  // A square.
  ended: 'M3 3h10v10H3z',
};

export function conditionIcon(condition: Condition): SVGElement {
  return svg(
    'svg',
    { class: 'icon', viewBox: '0 0 16 16', width: 14, height: 14, 'aria-hidden': 'true' },
    svg('path', { d: shapes[condition] }),
  );
}
