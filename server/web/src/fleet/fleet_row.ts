// One run as a row of the fleet's table, or as a card where there is little room.

import { serverNow } from '../api/http';
import type { RunOverview } from '../api/messages';
import { el, setAttribute, setText } from '../dom';
import { conditionIcon } from '../icons';
import { SparklineView } from '../sparkline';
import {
  type Condition,
  conditionMeaning,
  conditionOf,
  didText,
  help,
  helpText,
  sinceText,
} from '../text/condition';
import { count, short } from '../text/number';
import { reasonText } from '../text/reason';
import { age } from '../text/time';
import { type FleetColumn, runLink } from '../view_state';

export class FleetRow {
  readonly element: HTMLTableRowElement;
  readonly checkbox: HTMLInputElement;
  private readonly temperatureCurve = new SparklineView('temperature');
  private readonly lossCurve = new SparklineView('loss');
  private readonly labels = el('span', { class: 'labels' });
  private readonly badge = el('span', { class: 'condition' });
  private readonly since = el('span', { class: 'note' });
  private readonly flags = el('span', { class: 'flags' });
  private readonly did = el('span');
  // Whether it helped; why nothing was done, where nothing was.
  private readonly effect = el('span', { class: 'help' });
  private readonly temperature = el('span', { class: 'number' });
  private readonly loss = el('span', { class: 'number' });
  private readonly ranks = el('span', { class: 'number' });
  private readonly dead = el('span', { class: 'number' });
  private readonly step = el('span', { class: 'number' });
  private readonly seen = el('span', { class: 'number' });
  private shownCondition: Condition | null = null;
  private shownLabels = '';

  constructor(
    public run: RunOverview,
    onSelect: (selected: boolean) => void,
  ) {
    this.checkbox = el('input', {
      type: 'checkbox',
      'aria-label': `Select ${run.runId} for overlaying`,
      onchange: () => onSelect(this.checkbox.checked),
    });
    const name = el('a', { class: 'run-id', href: runLink(run.runId) }, run.runId);
    this.element = el(
      'tr',
      { role: 'row', 'data-run': run.runId },
      el('td', { role: 'cell', class: 'column-select' }, this.checkbox),
      el('th', { role: 'rowheader', scope: 'row', class: 'column-run' }, name, this.labels),
      cell('condition', 'Condition', this.badge, this.since, this.flags),
      cell('did', 'What Lehr did', this.did, this.effect),
      cell('temperature', 'Temperature', this.temperatureCurve.element, this.temperature),
      cell('loss', 'Mean loss', this.lossCurve.element, this.loss),
      cell('ranks', 'Ranks', this.ranks),
      cell('dead', 'Dead examples', this.dead),
      cell('step', 'Step', this.step),
      cell('seen', 'Last seen', this.seen),
    );
    this.update(run);
  }

  update(run: RunOverview): void {
    this.run = run;
    this.showCondition(conditionOf(run));
    this.showLabels(run.labels);
    this.showFlags(run);
    this.showEffect(run);
    const { sparkline } = run;
    this.temperatureCurve.update(sparkline.temperature, sparkline.acted);
    this.lossCurve.update(sparkline.mean, sparkline.acted);
    const decided = Number(run.step) >= 0;
    setText(this.temperature, decided ? short(run.temperature, 3) : '–');
    setText(this.loss, decided ? short(run.mean, 3) : '–');
    setText(this.ranks, `${count(run.connected)} / ${count(run.worldSize)}`);
    const isMissing = run.connected < run.worldSize && conditionOf(run) !== 'ended';
    setAttribute(this.ranks, 'data-some-missing', isMissing ? '' : null);
    setText(this.dead, count(Number(run.deadExamples)));
    setText(this.step, decided ? count(Number(run.step)) : '–');
    this.updateAges();
  }

  // What changes with time alone.
  updateAges(): void {
    const now = serverNow();
    setText(this.since, sinceText(this.run, now));
    setText(this.seen, age(now - Date.parse(this.run.lastSeen)));
  }

  private showEffect(run: RunOverview): void {
    const helped = helpText(run);
    const reason = run.reason?.code === 'CODE_OBSERVE_ONLY' ? '' : reasonText(run.reason);
    setText(this.did, didText(run));
    setText(this.effect, helped || reason);
    setAttribute(this.effect, 'data-help', helped ? help(run) : 'none');
    setAttribute(this.effect, 'title', reason || null);
  }

  private showCondition(condition: Condition): void {
    if (condition !== this.shownCondition) {
      this.shownCondition = condition;
      this.badge.replaceChildren(conditionIcon(condition), condition);
      this.badge.title = conditionMeaning[condition];
      setAttribute(this.element, 'data-condition', condition);
    }
  }

  private showLabels(labels: Record<string, string>): void {
    const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
    const text = JSON.stringify(pairs);
    if (text !== this.shownLabels) {
      this.shownLabels = text;
      this.labels.replaceChildren(
        ...pairs.map(([name, value]) => el('span', { class: 'label' }, `${name}=${value}`)),
      );
    }
  }

  private showFlags(run: RunOverview): void {
    const flags = [
      run.breakerOpen ? 'breaker open' : '',
      run.replicasDiffer ? 'replicas differ' : '',
    ].filter(Boolean);
    setText(this.flags, flags.join(', '));
  }
}

function cell(column: FleetColumn, title: string, ...children: Node[]): HTMLTableCellElement {
  return el('td', { role: 'cell', class: `column-${column}`, 'data-title': title }, ...children);
}
