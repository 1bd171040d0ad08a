// What a person wants to know of a run first, in a few words.

import { serverNow } from '../api/http';
import type { Run, RunOverview } from '../api/messages';
import { el, setAttribute, setText } from '../dom';
import { conditionIcon } from '../icons';
import {
  type Condition,
  conditionMeaning,
  conditionOf,
  didText,
  help,
  helpText,
  sinceText,
} from '../text/condition';
import { count, percent, short } from '../text/number';
import { reasonText } from '../text/reason';
import { age } from '../text/time';

export class RunHeader {
  readonly element: HTMLElement;
  private readonly badge = el('span', { class: 'condition' });
  private readonly since = el('span', { class: 'note' });
  private readonly labels = el('span', { class: 'labels' });
  private readonly did = el('span');
  private readonly helped = el('span', { class: 'help' });
  private readonly reason = el('span', { class: 'note' });
  private readonly warning = el('p', { class: 'warning', role: 'status' });
  private readonly facts = new Map<string, HTMLElement>();
  private readonly ages: ReturnType<typeof setInterval>;
  private overview: RunOverview | null = null;
  private condition: Condition | null = null;

  constructor(runId: string) {
    const names = ['Temperature', 'Mean loss', 'Dead examples', 'Tied losses'];
    names.push('Ranks', 'Step', 'Last seen');
    const list = el('dl', { class: 'facts' });
    for (const name of names) {
      const value = el('dd', { class: 'number' }, '–');
      this.facts.set(name, value);
      list.append(el('div', {}, el('dt', {}, name), value));
    }
    this.element = el(
      'div',
      { class: 'run-header' },
      el('div', { class: 'run-title' }, el('h1', {}, runId), this.badge, this.since, this.labels),
      el('p', { class: 'run-did' }, this.did, ' ', this.helped, ' ', this.reason),
      this.warning,
      list,
    );
    this.ages = setInterval(() => this.showAges(), 1000);
  }

  show(run: Run, overview: RunOverview): void {
    this.overview = overview;
    const condition = conditionOf(overview);
    if (condition !== this.condition) {
      this.condition = condition;
      this.badge.replaceChildren(conditionIcon(condition), condition);
      this.badge.title = conditionMeaning[condition];
      setAttribute(this.element, 'data-condition', condition);
    }
    this.labels.replaceChildren(
      ...Object.entries(run.labels)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => el('span', { class: 'label' }, `${name}=${value}`)),
    );
    setText(this.did, `Lehr: ${didText(overview)}.`);
    setText(this.helped, helpText(overview));
    setAttribute(this.helped, 'data-help', help(overview));
    const reason = reasonText(overview.reason);
    setText(this.reason, reason ? `Newest decision: ${reason}.` : '');
    setText(this.warning, warnings(run).join(' '));
    const decided = Number(run.step) >= 0;
    this.showFact('Temperature', decided ? short(overview.temperature) : '–');
    this.showFact('Mean loss', decided ? short(overview.mean) : '–');
    this.showFact('Dead examples', count(Number(overview.deadExamples)));
    const { tiedShare } = overview;
    this.showFact('Tied losses', tiedShare === undefined ? '–' : percent(tiedShare, 3));
    this.showFact('Ranks', `${count(run.connected)} / ${count(run.worldSize)}`);
    this.showFact('Step', decided ? count(Number(run.step)) : '–');
    this.showAges();
  }

  dispose(): void {
    clearInterval(this.ages);
  }

  private showAges(): void {
    if (this.overview !== null) {
      const now = serverNow();
      setText(this.since, sinceText(this.overview, now));
      this.showFact('Last seen', `${age(now - Date.parse(this.overview.lastSeen))} ago`);
    }
  }

  private showFact(name: string, text: string): void {
    const fact = this.facts.get(name);
    if (fact) {
      setText(fact, text);
    }
  }
}

function warnings(run: Run): string[] {
  const found = [];
  if (run.breakerOpen) {
    found.push('The breaker is open: the run only observes.');
  }
  if (run.replicasDifferStep !== undefined) {
    found.push(
      `Replicas held different parameters before step ${count(Number(run.replicasDifferStep))}.`,
    );
  }
  if (Number(run.conflicts) > 0) {
    found.push(`${count(Number(run.conflicts))} reports came twice with other losses.`);
  }
  return found;
}
