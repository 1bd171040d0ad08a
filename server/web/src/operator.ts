// What only the holder of lehrd's token may do. The token is kept in memory, and gone with the page.

import { ApiError, postJson } from './api/http';
import { el } from './dom';

export class Operator {
  private token = '';
  private settle: (writable: boolean) => void = () => {};
  // Whether lehrd takes changes at all; never settles while it is not known.
  readonly writable = new Promise<boolean>((resolve) => {
    this.settle = resolve;
  });

  allow(writable: boolean): void {
    this.settle(writable);
  }

  // Asks for the token where it is not known. null: the person did not give it.
  async post<Response>(path: string, body: object): Promise<Response | null> {
    if (this.token === '') {
      this.token = (await askForToken()) ?? '';
    }
    if (this.token === '') {
      return null;
    }
    try {
      return await postJson<Response>(path, body, this.token);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        this.token = '';
      }
      throw error;
    }
  }
}

// Whether the person means it.
export async function confirmed(question: string, action: string): Promise<boolean> {
  const answer = await ask(el('p', {}, question), action, () => 'yes');
  return answer === 'yes';
}

function askForToken(): Promise<string | null> {
  const input = el('input', { type: 'password', autocomplete: 'off', required: true });
  const label = el('label', {}, 'Token of this lehrd (--http_token_file)', input);
  return ask(label, 'Use token', () => input.value.trim());
}

function ask(content: HTMLElement, action: string, answer: () => string): Promise<string | null> {
  return new Promise((resolve) => {
    let result: string | null = null;
    const form = el(
      'form',
      {
        onsubmit: (event) => {
          event.preventDefault();
          result = answer();
          dialog.close();
        },
      },
      content,
      el(
        'p',
        { class: 'buttons' },
        el('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel'),
        el('button', { type: 'submit', class: 'primary' }, action),
      ),
    );
    const dialog = el(
      'dialog',
      {
        'aria-label': action,
        onclose: () => {
          dialog.remove();
          resolve(result);
        },
      },
      form,
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}
