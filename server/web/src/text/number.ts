// Numbers for people. Pure.

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

// Four significant digits, as C's %.4g writes them: "0.6931", "1.25e-07".
export function short(value: number, digits = 4): string {
  if (!Number.isFinite(value)) {
    return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '-∞';
  }
  if (value === 0) {
    return '0';
  }
  const magnitude = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))));
  if (magnitude < -4 || magnitude >= Math.max(digits, 6)) {
    return value.toExponential(digits - 1).replace(/\.?0+e/, 'e');
  }
  const text = value.toFixed(Math.max(0, digits - 1 - magnitude));
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

// "12.5 %" of 0.125.
export function percent(value: number, digits = 2): string {
  return `${short(100 * value, digits)} %`;
}

// "1,234,567".
export function count(value: number): string {
  return grouped.format(value);
}

// "12k", "1.5M": for the ticks of an axis.
export function compact(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) {
    return `${short(value / 1e9)}G`;
  }
  if (size >= 1e6) {
    return `${short(value / 1e6)}M`;
  }
  return size >= 1e4 ? `${short(value / 1e3)}k` : short(value);
}

// "1 rank", "2 ranks".
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}
