// The steps in sight, and how they are moved. Pure.

// Both ends included. null: no limit, so that what comes is seen.
export interface Range {
  from: number | null;
  to: number | null;
}

// The steps that there are.
export interface Bounds {
  first: number;
  newest: number;
}

const fewestSteps = 8;

// `factor` < 1 shows less; the middle stays.
export function zoomed(range: Range, bounds: Bounds, factor: number): Range {
  const { from, to } = resolved(range, bounds);
  const width = Math.max(fewestSteps, (to - from) * factor);
  const middle = (from + to) / 2;
  return within(middle - width / 2, middle + width / 2, bounds);
}

// By a part of the width, in whole steps so that the width stays: -0.5 goes half of it back.
export function panned(range: Range, bounds: Bounds, part: number): Range {
  const { from, to } = resolved(range, bounds);
  const width = to - from;
  const shift = Math.sign(part) * Math.max(1, Math.round(Math.abs(part) * width));
  if (from + shift < bounds.first) {
    return within(bounds.first, bounds.first + width, bounds);
  }
  if (to + shift > bounds.newest) {
    return within(bounds.newest - width, bounds.newest, bounds);
  }
  return within(from + shift, to + shift, bounds);
}

// Between two steps, in whole steps; an end at or beyond the bounds is none.
export function within(from: number, to: number, bounds: Bounds): Range {
  const whole = { from: Math.max(0, Math.floor(from)), to: Math.max(0, Math.ceil(to)) };
  return {
    from: whole.from <= bounds.first ? null : whole.from,
    to: whole.to >= bounds.newest ? null : whole.to,
  };
}

export function resolved(range: Range, bounds: Bounds): { from: number; to: number } {
  const from = range.from ?? bounds.first;
  return { from, to: Math.max(from, range.to ?? bounds.newest) };
}
