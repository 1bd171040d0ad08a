// The controls above a run's charts: axis, range, form of the curves, export.

import { el, setAttribute, setText } from '../dom';
import { count } from '../text/number';
import type { RunState } from '../view_state';
import { type Bounds, panned, type Range, resolved, zoomed } from './range';

export type ExportKind = 'png' | 'csv' | 'json';

export interface ToolbarEvents {
  onChange(change: Partial<RunState>): void;
  onExport(kind: ExportKind): void;
}

const rangeMoves = {
  back: { text: '←', name: 'Earlier', move: (r: Range, b: Bounds) => panned(r, b, -0.5) },
  forth: { text: '→', name: 'Later', move: (r: Range, b: Bounds) => panned(r, b, 0.5) },
  closer: { text: '+', name: 'Zoom in', move: (r: Range, b: Bounds) => zoomed(r, b, 0.5) },
  farther: { text: '−', name: 'Zoom out', move: (r: Range, b: Bounds) => zoomed(r, b, 2) },
  all: { text: 'All', name: 'All steps', move: () => ({ from: null, to: null }) },
} as const;
export type RangeMove = keyof typeof rangeMoves;

const keyMoves: Record<string, RangeMove> = {
  ArrowLeft: 'back',
  ArrowRight: 'forth',
  '+': 'closer',
  '=': 'closer',
  ArrowUp: 'closer',
  '-': 'farther',
  ArrowDown: 'farther',
  Escape: 'all',
  '0': 'all',
};

export class RunToolbar {
  readonly element: HTMLElement;
  private readonly axis: HTMLSelectElement;
  private readonly size: HTMLSelectElement;
  private readonly log: HTMLInputElement;
  private readonly generation: HTMLSelectElement;
  private readonly generationLabel: HTMLElement;
  // What is in sight, for beside the charts.
  readonly range = el('p', { class: 'note range', 'data-role': 'range' });
  private bounds: Bounds = { first: 0, newest: 0 };

  constructor(
    private state: RunState,
    private readonly events: ToolbarEvents,
  ) {
    const { onChange } = events;
    this.axis = select({ step: 'step', time: 'time' }, (axis) =>
      onChange({ axis: axis === 'time' ? 'time' : 'step' }),
    );
    this.size = select({ rms: 'RMS', magnitude: 'magnitude' }, (size) =>
      onChange({ size: size === 'magnitude' ? 'magnitude' : 'rms' }),
    );
    this.log = el('input', {
      type: 'checkbox',
      onchange: () => onChange({ log: this.log.checked }),
    });
    this.generation = select({}, (generation) =>
      onChange({ generation: generation === '' ? null : Number(generation), from: null, to: null }),
    );
    this.generationLabel = el('label', { hidden: true }, 'Generation ', this.generation);
    this.element = el(
      'div',
      { class: 'toolbar', role: 'group', 'aria-label': 'Charts' },
      el('label', {}, 'Axis ', this.axis),
      this.moveButtons(),
      el('span', { class: 'space' }),
      el(
        'span',
        { class: 'group', role: 'group', 'aria-label': 'Export what is in sight' },
        ...(['png', 'csv', 'json'] as const).map((kind) =>
          el(
            'button',
            { type: 'button', onclick: () => events.onExport(kind) },
            kind.toUpperCase(),
          ),
        ),
      ),
      el('label', {}, 'Size as ', this.size),
      el('label', {}, this.log, ' Log scale'),
      this.generationLabel,
    );
  }

  // isLive: more steps may come.
  show(state: RunState, bounds: Bounds, generations: number, isLive: boolean): void {
    this.state = state;
    this.bounds = bounds;
    this.axis.value = state.axis;
    this.size.value = state.size;
    this.log.checked = state.log;
    this.showGenerations(generations);
    const { from, to } = resolved(state, bounds);
    const live = isLive && state.to === null ? ', live' : '';
    setText(this.range, `Steps ${count(from)}–${count(to)}${live}`);
  }

  // Arrows, plus, minus and Escape, for an element that has the focus.
  onKey(event: KeyboardEvent): void {
    const move = keyMoves[event.key];
    if (move && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      this.apply(move);
    }
  }

  private apply(move: RangeMove): void {
    this.events.onChange(rangeMoves[move].move(this.state, this.bounds));
  }

  private moveButtons(): HTMLElement {
    const buttons = Object.entries(rangeMoves).map(([move, { text, name }]) =>
      el(
        'button',
        {
          type: 'button',
          'data-move': move,
          'aria-label': name,
          title: name,
          onclick: () => this.apply(move as RangeMove),
        },
        text,
      ),
    );
    return el('span', { class: 'group', role: 'group', 'aria-label': 'Range' }, ...buttons);
  }

  private showGenerations(newest: number): void {
    this.generationLabel.hidden = newest <= 1;
    if (this.generation.options.length !== newest) {
      const older = Array.from({ length: Math.min(newest - 1, 100) }, (_, i) => newest - 1 - i);
      this.generation.replaceChildren(
        el('option', { value: '' }, `${newest} (current)`),
        ...older.map((generation) => el('option', { value: generation }, String(generation))),
      );
    }
    this.generation.value = this.state.generation === null ? '' : String(this.state.generation);
    setAttribute(this.generation, 'data-newest', String(newest));
  }
}

function select(
  options: Record<string, string>,
  onChange: (value: string) => void,
): HTMLSelectElement {
  const element = el('select', { onchange: () => onChange(element.value) });
  for (const [value, text] of Object.entries(options)) {
    element.append(el('option', { value }, text));
  }
  return element;
}
