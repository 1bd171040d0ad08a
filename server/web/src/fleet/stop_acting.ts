// The one switch for all runs, for those who hold lehrd's token.

import { ApiError } from '../api/http';
import type { App } from '../app';
import { el, setText } from '../dom';
import { confirmed } from '../operator';

export class StopActing {
  readonly element: HTMLButtonElement;
  private isStopped = false;

  constructor(private readonly app: App) {
    this.element = el('button', {
      type: 'button',
      class: 'danger',
      hidden: true,
      onclick: () => void this.toggle(),
    });
    this.show(false);
    void app.operator.writable.then((writable) => {
      this.element.hidden = !writable;
    });
  }

  show(isStopped: boolean): void {
    this.isStopped = isStopped;
    setText(this.element, isStopped ? 'Allow acting' : 'Stop all acting');
  }

  private async toggle(): Promise<void> {
    const stop = !this.isStopped;
    const question = stop
      ? 'Stop all acting? Every policy of every run only observes until it is allowed again.'
      : 'Allow acting again, in all runs?';
    if (!(await confirmed(question, stop ? 'Stop all acting' : 'Allow acting'))) {
      return;
    }
    try {
      await this.app.operator.post('/api/v1/stop-acting', { stop });
    } catch (error) {
      this.app.announce(error instanceof ApiError ? error.message : 'That failed.');
    }
  }
}
