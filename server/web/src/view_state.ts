// What a link says: the page's address fragment as a view, and back. Pure.
//
//   #/?sort=temperature&order=desc&text=xor&condition=stalled,silent&selected=a,b
//   #/run/ID?axis=time&from=100&to=900&generation=2&size=magnitude&log=1&all=1
//   #/compare?runs=a,b&align=time&range=1.5-20&log=1
//
// What is the default is left out. Values that make no sense are taken for the default, and a path
// that makes none gives the view "unknown".

import { type Condition, conditions } from './text/condition';

export const fleetColumns = [
  'run',
  'condition',
  'did',
  'temperature',
  'loss',
  'ranks',
  'dead',
  'step',
  'seen',
] as const;
export type FleetColumn = (typeof fleetColumns)[number];

export interface FleetState {
  view: 'fleet';
  sort: FleetColumn;
  descending: boolean;
  text: string;
  // Only these; all if empty.
  conditions: Condition[];
  selected: string[];
}

export interface RunState {
  view: 'run';
  runId: string;
  axis: 'step' | 'time';
  // The steps in sight; from the first, up to the newest where unset.
  from: number | null;
  to: number | null;
  // The current one where unset.
  generation: number | null;
  size: 'rms' | 'magnitude';
  log: boolean;
  // All decisions, not only those that act.
  all: boolean;
}

export interface CompareState {
  view: 'compare';
  runs: string[];
  // By step, or by the time since each run's first decision.
  align: 'step' | 'time';
  // What is in sight, in steps or seconds; everything where unset.
  range: [number, number] | null;
  log: boolean;
}

export type ViewState = FleetState | RunState | CompareState | { view: 'unknown'; link: string };

export const fleetDefaults: FleetState = {
  view: 'fleet',
  sort: 'condition',
  descending: false,
  text: '',
  conditions: [],
  selected: [],
};

// More are too many to tell apart.
export const mostCompared = 8;

export function parseFragment(fragment: string): ViewState {
  const hash = fragment.replace(/^#/, '');
  const questionMark = hash.indexOf('?');
  const path = questionMark < 0 ? hash : hash.slice(0, questionMark);
  const query = new URLSearchParams(questionMark < 0 ? '' : hash.slice(questionMark + 1));
  if (path === '' || path === '/') {
    return parseFleet(query);
  }
  if (path === '/compare') {
    return {
      view: 'compare',
      runs: list(query, 'runs').slice(0, mostCompared),
      align: query.get('align') === 'time' ? 'time' : 'step',
      range: numberRange(query.get('range')),
      log: query.get('log') === '1',
    };
  }
  const runId = decoded(/^\/run\/([^/]+)$/.exec(path)?.[1]);
  return runId === null ? { view: 'unknown', link: `#${hash}` } : parseRun(runId, query);
}

export function formatFragment(state: ViewState): string {
  switch (state.view) {
    case 'fleet':
      return `#/${queryText({
        sort: state.sort === fleetDefaults.sort ? '' : state.sort,
        order: state.descending ? 'desc' : '',
        text: state.text,
        condition: state.conditions.join(','),
        selected: state.selected.join(','),
      })}`;
    case 'run':
      return `#/run/${encodeURIComponent(state.runId)}${queryText({
        axis: state.axis === 'time' ? 'time' : '',
        from: numberText(state.from),
        to: numberText(state.to),
        generation: numberText(state.generation),
        size: state.size === 'magnitude' ? 'magnitude' : '',
        log: state.log ? '1' : '',
        all: state.all ? '1' : '',
      })}`;
    case 'compare':
      return `#/compare${queryText({
        runs: state.runs.join(','),
        align: state.align === 'time' ? 'time' : '',
        range: state.range?.join('-') ?? '',
        log: state.log ? '1' : '',
      })}`;
    case 'unknown':
      return state.link;
  }
}

export function runLink(runId: string): string {
  return `#/run/${encodeURIComponent(runId)}`;
}

function parseFleet(query: URLSearchParams): FleetState {
  const sort = fleetColumns.find((column) => column === query.get('sort'));
  return {
    view: 'fleet',
    sort: sort ?? fleetDefaults.sort,
    descending: query.get('order') === 'desc',
    text: query.get('text') ?? '',
    conditions: conditions.filter((condition) => list(query, 'condition').includes(condition)),
    selected: list(query, 'selected').slice(0, mostCompared),
  };
}

function parseRun(runId: string, query: URLSearchParams): RunState {
  const from = wholeNumber(query.get('from'));
  const to = wholeNumber(query.get('to'));
  const isRange = from === null || to === null || from <= to;
  return {
    view: 'run',
    runId,
    axis: query.get('axis') === 'time' ? 'time' : 'step',
    from: isRange ? from : null,
    to: isRange ? to : null,
    generation: wholeNumber(query.get('generation')),
    size: query.get('size') === 'magnitude' ? 'magnitude' : 'rms',
    log: query.get('log') === '1',
    all: query.get('all') === '1',
  };
}

function list(query: URLSearchParams, name: string): string[] {
  const parts = (query.get(name) ?? '').split(',').filter((part) => part !== '');
  return [...new Set(parts)];
}

function wholeNumber(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

// "from-to", neither negative.
function numberRange(text: string | null): [number, number] | null {
  const match = /^(\d{1,15}(?:\.\d+)?)-(\d{1,15}(?:\.\d+)?)$/.exec(text ?? '');
  const [from, to] = [Number(match?.[1]), Number(match?.[2])];
  return from < to ? [from, to] : null;
}

function numberText(value: number | null): string {
  return value === null ? '' : String(value);
}

function decoded(text: string | undefined): string | null {
  if (text === undefined) {
    return null;
  }
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function queryText(values: Record<string, string>): string {
  const set = Object.entries(values).filter(([, value]) => value !== '');
  // Run ids may hold no character that URLSearchParams would escape but this one.
  const text = new URLSearchParams(set).toString().replaceAll('%2C', ',');
  return text === '' ? '' : `?${text}`;
}
