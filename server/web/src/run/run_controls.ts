// Another policy or other guards for a run, and its end: for those who hold lehrd's token.

import { ApiError, runPath } from '../api/http';
import type { GetRunResponse, Guards, Policy, Run } from '../api/messages';
import type { App } from '../app';
import { el, setText } from '../dom';
import { confirmed } from '../operator';
import { count } from '../text/number';

interface SetPolicyResponse {
  fromStep: string;
}

type Field = 'baseNoiseLevel' | 'minImbalance' | 'plannedSteps' | keyof Guards;

const fields: { field: Field; name: string; of: 'error_driven' | 'reheat' | 'guards' }[] = [
  { field: 'baseNoiseLevel', name: 'base_noise_level', of: 'error_driven' },
  { field: 'minImbalance', name: 'min_imbalance', of: 'error_driven' },
  { field: 'plannedSteps', name: 'planned_steps', of: 'reheat' },
  { field: 'maxStddev', name: 'max_stddev', of: 'guards' },
  { field: 'cooldownSteps', name: 'cooldown_steps', of: 'guards' },
  { field: 'budget', name: 'budget', of: 'guards' },
  { field: 'budgetWindowSteps', name: 'budget_window_steps', of: 'guards' },
  { field: 'breakerFactor', name: 'breaker_factor', of: 'guards' },
  { field: 'breakerWindowSteps', name: 'breaker_window_steps', of: 'guards' },
];

export class RunControls {
  readonly element = el('details', { class: 'controls', hidden: true });
  private readonly inputs = new Map<Field, { input: HTMLInputElement; label: HTMLElement }>();
  private readonly rule: HTMLSelectElement;
  private readonly observe = el('input', { type: 'checkbox' });
  private readonly message = el('p', { role: 'status' });

  constructor(
    private readonly app: App,
    private readonly runId: string,
  ) {
    this.rule = el(
      'select',
      { onchange: () => this.showFieldsOfRule() },
      el('option', { value: 'error_driven' }, 'error_driven'),
      el('option', { value: 'reheat' }, 'reheat'),
    );
    this.build();
    void app.operator.writable.then((writable) => {
      this.element.hidden = !writable;
    });
  }

  // While the form is open, what the person typed stays.
  show(run: Run): void {
    if (!this.element.open) {
      this.fill(run.settings.policy, run.settings.guards);
    }
  }

  private build(): void {
    for (const { field, name } of fields) {
      const input = el('input', { type: 'number', min: 0, step: 'any' });
      this.inputs.set(field, { input, label: el('label', {}, name, input) });
    }
    this.element.append(
      el('summary', {}, 'Change policy and guards, or end the run'),
      el(
        'form',
        {
          onsubmit: (event) => {
            event.preventDefault();
            void this.setPolicy();
          },
        },
        el('label', {}, 'policy', this.rule),
        el('label', { class: 'check' }, this.observe, ' only observe'),
        ...[...this.inputs.values()].map(({ label }) => label),
        el('button', { type: 'submit', class: 'primary' }, 'Change'),
        el(
          'button',
          { type: 'button', class: 'danger', onclick: () => void this.end() },
          'End run',
        ),
      ),
      this.message,
    );
    this.showFieldsOfRule();
  }

  private showFieldsOfRule(): void {
    for (const { field, of } of fields) {
      const entry = this.inputs.get(field);
      if (entry) {
        entry.label.hidden = of !== 'guards' && of !== this.rule.value;
      }
    }
  }

  private fill(policy: Policy, guards: Guards | undefined): void {
    this.rule.value = policy.reheat ? 'reheat' : 'error_driven';
    this.observe.checked = policy.observe;
    const values: Partial<Record<Field, number | string | undefined>> = {
      ...policy.errorDriven,
      ...policy.reheat,
      ...guards,
    };
    for (const [field, { input }] of this.inputs) {
      const value = values[field];
      input.value = value === undefined || Number(value) === 0 ? '' : String(value);
    }
    this.showFieldsOfRule();
  }

  private async setPolicy(): Promise<void> {
    const body = {
      policy: {
        observe: this.observe.checked,
        ...(this.rule.value === 'reheat'
          ? { reheat: this.valuesOf('reheat') }
          : { errorDriven: this.valuesOf('error_driven') }),
      },
      guards: this.valuesOf('guards'),
    };
    await this.tell(async () => {
      const path = runPath(this.runId, '/policy');
      const answer = await this.app.operator.post<SetPolicyResponse>(path, body);
      return answer && `In force from step ${count(Number(answer.fromStep))} on.`;
    });
  }

  // What is set in the form; what is empty has its default.
  private valuesOf(part: string): Partial<Record<Field, number>> {
    const values: Partial<Record<Field, number>> = {};
    for (const { field, of } of fields) {
      const text = this.inputs.get(field)?.input.value ?? '';
      if (of === part && text !== '') {
        values[field] = Number(text);
      }
    }
    return values;
  }

  private async end(): Promise<void> {
    const question = `End ${this.runId}? Its ranks train on without a supervisor, for good.`;
    if (await confirmed(question, 'End run')) {
      await this.tell(async () => {
        const path = runPath(this.runId, '/end');
        const answer = await this.app.operator.post<GetRunResponse>(path, {});
        return answer && 'The run is ended.';
      });
    }
  }

  private async tell(work: () => Promise<string | null>): Promise<void> {
    try {
      setText(this.message, (await work()) ?? 'Nothing was changed.');
    } catch (error) {
      setText(this.message, error instanceof ApiError ? error.message : 'That failed.');
    }
  }
}
