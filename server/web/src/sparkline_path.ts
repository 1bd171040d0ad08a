// The paths of a sparkline, as SVG writes them. Pure.

// From 0 at the bottom to the greatest value at the top; "" for no values. One value is a flat line.
export function curvePath(values: number[], width: number, height: number): string {
  const finite = values.map((value) => (Number.isFinite(value) ? value : 0));
  const top = Math.max(...finite, 0);
  const points = finite.length === 1 ? [finite[0] ?? 0, finite[0] ?? 0] : finite;
  return points
    .map((value, i) => {
      const y = top > 0 ? height - 1 - (value / top) * (height - 2) : height - 1;
      return `${i === 0 ? 'M' : 'L'}${xOf(i, points.length, width)} ${rounded(y)}`;
    })
    .join('');
}

// A tick at the bottom for each place with acts.
export function tickPath(
  acted: number[],
  width: number,
  height: number,
  tickHeight: number,
): string {
  return acted
    .map((acts, i) =>
      acts > 0 ? `M${xOf(i, Math.max(acted.length, 2), width)} ${height}v${-tickHeight}` : '',
    )
    .join('');
}

function xOf(i: number, n: number, width: number): number {
  return rounded(1 + (i / (n - 1)) * (width - 2));
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
