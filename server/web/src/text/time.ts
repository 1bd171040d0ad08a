// Times and ages for people, in the browser's time zone.

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

const clock = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const dayAndMonth = new Intl.DateTimeFormat('en-GB', { day: '2-digit', month: 'short' });
const dateAndClock = new Intl.DateTimeFormat('en-GB', {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});

// "3 s", "5 min", "4 h", "3 d". Never negative: clocks differ.
export function age(ms: number): string {
  if (ms < 2 * minute) {
    return `${Math.max(0, Math.floor(ms / second))} s`;
  }
  if (ms < 2 * hour) {
    return `${Math.floor(ms / minute)} min`;
  }
  return ms < 48 * hour ? `${Math.floor(ms / hour)} h` : `${Math.floor(ms / (24 * hour))} d`;
}

// "14:03:59".
export function clockTime(ms: number): string {
  return clock.format(ms);
}

// "26/11/2026, 14:03:59 UTC".
export function fullTime(ms: number): string {
  return dateAndClock.format(ms);
}

// "1 h 2 min", "3.2 s": the labels of an axis of elapsed time.
export function elapsed(seconds: number): string {
  if (Math.abs(seconds) < 120) {
    return `${Number(seconds.toFixed(2))} s`;
  }
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) {
    return `${minutes} min`;
  }
  const rest = minutes % 60;
  return rest === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
}

// The label of a tick at `seconds`, of an axis with ticks every `increment` seconds.
export function tickTime(seconds: number, increment: number): string {
  if (increment >= 86_400) {
    return dayAndMonth.format(1000 * seconds);
  }
  return increment >= 60 ? clock.format(1000 * seconds).slice(0, 5) : clock.format(1000 * seconds);
}
